"""Hypothesis profiles of the cross-package tests."""

from hypothesis import Phase, settings

# All failures of all rows at once and fast, without minimal examples: to survey what is broken.
settings.register_profile("survey", derandomize=True, deadline=None, max_examples=200, phases=(Phase.generate,))
# Many more examples, new ones in each run.
settings.register_profile("nightly", deadline=None, max_examples=2000, print_blob=True)

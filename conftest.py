"""Hypothesis profiles for the tests of all packages; choose one with `--hypothesis-profile=NAME`."""

from hypothesis import settings

# The same examples on every machine and run, so that a red build is a change and not luck.
settings.register_profile("default", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("quick", derandomize=True, deadline=None, max_examples=10)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("default")

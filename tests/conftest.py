"""Hypothesis profiles of the cross-package tests, and which of them are surveys, no part of the gate."""

from pathlib import Path

import pytest
from hypothesis import Phase, settings

# All failures of all rows at once and fast, without minimal examples: to survey what is broken.
settings.register_profile("survey", derandomize=True, deadline=None, max_examples=200, phases=(Phase.generate,))
# Many more examples, new ones in each run.
settings.register_profile("nightly", deadline=None, max_examples=2000, print_blob=True)

# It draws hostile arguments for every row and still finds some to mend: `make survey` runs it.
SURVEYS = {"test_hostile.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what belongs to the survey."""
    for item in items:
        if Path(item.path).name in SURVEYS and Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.survey)

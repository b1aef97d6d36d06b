"""What the tests of all packages share: Hypothesis profiles, and notes that tests leave for the final report."""

import pytest
from hypothesis import settings

# The same examples on every machine and run, so that a red build is a change and not luck.
# Another profile: --hypothesis-profile=NAME.
settings.register_profile("default", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("quick", derandomize=True, deadline=None, max_examples=10)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("default")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests noted with `record_property("note", ...)`."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for key, value in getattr(report, "user_properties", ()):
                if key == "note" and getattr(report, "when", None) == "call":
                    terminalreporter.write_line(str(value))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Expect the failure of what docs/known-gaps.txt lists."""
    lines = (config.rootpath / "docs" / "known-gaps.txt").read_text().splitlines()
    gaps = {line for line in lines if line and not line.startswith("#")}
    for item in items:
        if item.nodeid in gaps:
            item.add_marker(pytest.mark.xfail(reason="docs/known-gaps.txt", strict=False))

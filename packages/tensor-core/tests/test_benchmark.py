"""Timers of statements, and tables of what they measured, as PyTorch prints them."""

import re

import pytest
import torch.utils.benchmark as theirs

import corten_tensor_core as core
from corten_tensor_core.utils import benchmark as ours

#: Statement, setup, label, sub-label, description, threads, runs, times of a measurement.
TASKS = [
    ("x.sum()", "pass", None, None, None, 1, 100, [5.3e-4]),
    ("x.sum()", "import math", "Sum", "small", "this", 1, 10, [5.7e-5, 5.6e-5, 5.8e-5]),
    ("x.sum()\ny", "a = 1\nb = 2", None, "small", "that", 2, 1, [3.1, 3.2, 3.3, 3.4, 3.5]),
    ("x.mean()", "pass", "Sum", "large", "this", 1, 1, [0.001, 0.0012, 0.0016, 0.002, 0.0021]),
    ("x.mean()", "pass", "Sum", "large", "that", 1, 1, [0.01, 0.0112, 0.0116, 0.0119, 0.0121]),
    ("x.mean()", "pass", "Sum", "large", "that", 4, 1, [2.5e-7, 2.51e-7]),
    ("x.mean()", "pass", "Sum", "large", "that", 4, 2, [5e-7, 5.1e-7]),
]


def measured(library, stmt, setup, label, sub_label, description, threads, runs, times):
    words = {"label": label, "sub_label": sub_label, "description": description, "num_threads": threads}
    task = library.Timer(stmt, setup, globals={"x": core.ones(2), "y": 1}, **words).timeit(1).task_spec
    return library.Measurement(runs, times, task)


@pytest.mark.parametrize("task", TASKS)
def test_measurements(task):
    mine, yours = measured(ours, *task), measured(theirs, *task)
    assert repr(mine).splitlines()[1:] == repr(yours).splitlines()[1:]
    for name in ("times", "median", "mean", "iqr"):
        assert getattr(mine, name) == pytest.approx(getattr(yours, name)), name
    for name in ("significant_figures", "has_warnings", "title", "as_row_name"):
        assert getattr(mine, name) == getattr(yours, name), name


@pytest.mark.parametrize("options", [(), ("trim_significant_figures",), ("highlight_warnings",)])
@pytest.mark.parametrize("chosen", [TASKS[:3], TASKS[3:], TASKS])
def test_tables(options, chosen, capsys):
    tables = []
    for library in (ours, theirs):
        table = library.Compare([measured(library, *task) for task in chosen if task[2] is not None])
        for option in options:
            getattr(table, option)()
        tables.append(table)
    assert str(tables[0]) == str(tables[1])
    tables[0].print()
    assert capsys.readouterr().out == f"{tables[1]}\n"
    for table in tables:
        table.colorize(rowwise=True)
    assert plain(str(tables[0])) == plain(str(tables[1]))
    with pytest.raises(ValueError, match="Expected an instance of `Measurement`, got <class 'int'> instead."):
        tables[0].extend_results([3])


def plain(text):
    return re.sub("\x1b\\[\\d+m", "", text)


def test_timers():
    before = core.get_num_threads()
    seen = []
    timer = ours.Timer(
        """
        seen.append(torch.get_num_threads())
        x.sum()
        """,
        setup="x = torch.ones(3)",
        globals={"seen": seen},
        num_threads=2,
    )
    measurement = timer.timeit(10)
    assert (len(measurement.raw_times), measurement.number_per_run, len(seen)) == (1, 10, 12)
    assert set(seen) == {2}
    assert core.get_num_threads() == before
    calls = []
    measurement = timer.blocked_autorange(callback=lambda *call: calls.append(call), min_run_time=0.005)
    assert [time for _, time in calls] == measurement.raw_times
    assert sum(measurement.raw_times) >= 0.005
    measurement = ours.Timer("pass").adaptive_autorange(max_run_time=0.05)
    assert len(measurement.raw_times) > 3 or sum(measurement.raw_times) > 0.05
    with pytest.raises(SyntaxError):
        ours.Timer("1 +")

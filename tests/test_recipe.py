"""The recipe of CONTRIBUTING.md for a new operator, followed to the letter in a copy of the workspace."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CHECK = """
//! Values and gradients of first and second order of the operator that the recipe adds.
use corten_graph::{engine, node::edge_of};
use corten_tensor::{DType, Device, Tensor, lazy::T, ops::all as ops, rules::{factory::require_grad, read}};

fn value(x: T) -> f64 {
    read::item(&x.tensor().unwrap()).unwrap().to_f64()
}

fn gradient(y: &T, x: &Tensor) -> T {
    let (y, targets) = (y.clone().tensor().unwrap(), [edge_of(x).unwrap()]);
    let seed = ops::ones_like(&y).tensor().unwrap();
    let options = engine::Options { retain_graph: true, create_graph: true, targets: Some(&targets) };
    T::from(engine::run(vec![(edge_of(&y).unwrap(), seed)], options).unwrap().remove(0).unwrap())
}

#[test]
fn the_new_operator_has_values_and_gradients() {
    corten_graph::activate();
    for at in [-30.0f64, -0.7, 0.4, 3.0] {
        let x = Tensor::empty(&[], DType::F64, Device::CPU).unwrap();
        ops::fill_(&x, at).get().unwrap();
        require_grad(&x, true).unwrap();
        let y = ops::logcosh(&x);
        let first = gradient(&y, &x);
        let second = gradient(&first, &x);
        assert!((value(y) - at.cosh().ln()).abs() < 1e-12);
        assert!((value(first) - at.tanh()).abs() < 1e-12);
        assert!((value(second) - (1.0 - at.tanh().powi(2))).abs() < 1e-12);
    }
}
"""


def recipe() -> dict[str, list[tuple[str, list[str]]]]:
    """Return, for each file of the diff, the lines to add after each line of context."""
    [diff] = re.findall(r"```diff\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.DOTALL)
    edits: dict[str, list[tuple[str, list[str]]]] = {}
    for line in diff.splitlines():
        if line.startswith("+++ b/"):
            current = edits.setdefault(line.removeprefix("+++ b/"), [])
        elif line.startswith(" "):
            current.append((line[1:], []))
        elif line.startswith("+"):
            current[-1][1].append(line[1:])
    return edits


def test_three_short_edits() -> None:
    edits = recipe()
    assert len(edits) == 3
    assert sum(len(lines) for hunks in edits.values() for _, lines in hunks) <= 6


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cargo") is None, reason="needs cargo")
def test_recipe(tmp_path: Path) -> None:
    rust = tmp_path / "rust"
    shutil.copytree(ROOT / "rust", rust, ignore=shutil.ignore_patterns("target", "*.so", ".venv"))
    for name, hunks in recipe().items():
        text = (rust / name).read_text()
        for context, lines in hunks:
            assert text.count(context + "\n") == 1, f"{context!r} is not one line of {name}"
            text = text.replace(context + "\n", "\n".join([context, *lines]) + "\n")
        (rust / name).write_text(text)
    (rust / "graph" / "tests" / "recipe.rs").write_text(CHECK)
    command = ["cargo", "test", "--quiet", "-p", "corten-graph", "--test", "recipe"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(tmp_path / "target"), "CARGO_PROFILE_DEV_DEBUG": "0"}
    run = subprocess.run(command, cwd=rust, env=environment, capture_output=True, text=True, timeout=900)
    assert run.returncode == 0, run.stdout + run.stderr

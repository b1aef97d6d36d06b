"""The reference pages hold every public operator with its signatures, forms and sentence."""

import re
from pathlib import Path

import corten
from corten_native import _native
from tools import reference


def test_every_operator_has_its_place(tmp_path: Path) -> None:
    count = reference.write(tmp_path)
    texts = {path.stem: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.md")}
    index = texts.pop("README")
    headings = [name for text in texts.values() for name in re.findall(r"^## (\S+)$", text, re.MULTILINE)]
    assert len(headings) == len(set(headings)) == count
    for row in _native._table():
        if row["forms"]["function"] and not row["name"].startswith("_"):
            assert any(reference.signature(row) in text for text in texts.values())
            assert f"[{row['name']}](" in index


def test_what_an_entry_says(tmp_path: Path) -> None:
    reference.write(tmp_path)
    text = (tmp_path / "reduce.md").read_text(encoding="utf-8")
    entry = text.split("## logsumexp\n")[1].split("\n## ")[0]
    assert "logsumexp(input: Tensor, dim: int or ints, keepdim: bool = False) -> Tensor" in entry
    assert "`corten.logsumexp`, `Tensor.logsumexp`; takes `out=`." in entry
    assert (corten.logsumexp.__doc__ or "").split("\n")[-1] in entry

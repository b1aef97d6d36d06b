"""Write `corten_native/_native.pyi` from the op table: `python tools/stubs.py [--check]`."""

from __future__ import annotations

import keyword
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from corten_native import _native

HERE = Path(__file__).parent
TARGET = HERE.parent / "corten_native" / "_native.pyi"

#: The Python type of each of the parser's types, for arguments.
TYPES = {
    "Tensor": "Tensor",
    "Tensors": "Sequence[Tensor]",
    "OptionalTensors": "Sequence[Tensor | None]",
    "TensorOrScalar": "Tensor | Number",
    "Scalar": "Number",
    "Int": "_int",
    "Dim": "_int",
    "Float": "_float",
    "Bool": "_bool",
    "Str": "_str",
    "Sizes": "Sequence[_int]",
    "Dims": "_int | Sequence[_int]",
    "Ints1": "_int | Sequence[_int]",
    "Ints2": "_int | Sequence[_int]",
    "Ints3": "_int | Sequence[_int]",
    "Floats": "Sequence[_float]",
    "DType": "_dtype | _type",
    "Device": "DeviceLike",
    "Layout": "_layout",
    "MemoryFormat": "_memory_format",
    "Generator": "Generator",
    "Key": "Any",
    "Any": "Any",
}

#: The Python type of each of the table's words for a result.
RETURNS = {"Tensor": "Tensor", "View": "Tensor", "Self": "Tensor", "bool": "_bool", "int": "_int", "float": "_float"}


def parameter(param: dict[str, Any]) -> str:
    """One parameter as it stands in a stub."""
    hint = TYPES[param["type"]]
    default = "" if param["required"] else f" = {param['default']}" if param["default"] else " = ..."
    if param["nullable"] or default == " = None":
        hint += " | None"
    if default.startswith(" = torch."):
        default = " = ..."
    name = param["name"] + ("_" if keyword.iskeyword(param["name"]) else "")
    return f"{name}: {hint}{default}"


def returns(row: dict[str, Any]) -> str:
    """The type of a row's result."""
    results = row["returns"]
    if len(results) > 1:
        return f"tuple[{', '.join('Tensor' for _ in results)}]"
    word = results[0][1]
    return "tuple[Tensor, ...]" if word.startswith("[") else RETURNS.get(word, "Any")


def signatures(row: dict[str, Any], *, method: bool, out: bool) -> list[str]:
    """The signatures of a row: two where sizes may come spread or together."""
    params = row["params"]
    if method:
        this = next((i for i, p in enumerate(params) if p["name"] == "input"), 0)
        params = [p for i, p in enumerate(params) if i != this]
    # An optional tensor before a required argument has to be given, as None perhaps.
    last = max((i for i, p in enumerate(params) if p["required"] and not p["keyword"]), default=-1)
    params = [{**p, "required": p["required"] or i < last} for i, p in enumerate(params)]
    found = []
    spread = bool(params) and params[0]["varargs"]
    for variant in (False, True) if spread else (False,):
        parts = ["self"] if method else []
        starred = False
        for i, param in enumerate(params):
            if variant and i == 0:
                parts.append(f"*{param['name']}: _int")
                starred = True
                continue
            if param["keyword"] and not starred:
                parts.append("*")
                starred = True
            parts.append(parameter(param))
        if out:
            target = "Tensor" if len(row["returns"]) == 1 else "Sequence[Tensor]"
            parts += [] if starred else ["*"]
            parts.append(f"out: {target} | None = None")
        found.append(f"({', '.join(parts)}) -> {returns(row)}: ...")
    return found


def definitions(name: str, found: list[str], indent: str = "") -> list[str]:
    """The `def` lines of one name."""
    found = list(dict.fromkeys(found))
    head = [f"{indent}@overload"] if len(found) > 1 else []
    return [line for text in found for line in (*head, f"{indent}def {name}{text}")]


def grouped(method: bool) -> dict[str, list[str]]:
    """All signatures of functions or methods, by name."""
    groups: dict[str, list[str]] = defaultdict(list)
    for row in _native._table():
        forms = row["forms"]
        for name in (row["name"], *row["aliases"]):
            if method and forms["method"]:
                groups[name] += signatures(row, method=True, out=False)
            if method and forms["inplace"]:
                groups[f"{name}_"] += signatures(row, method=True, out=False)
            if not method and forms["function"] and not forms["namespace"]:
                groups[name] += signatures(row, method=False, out=forms["out"])
    return dict(sorted(groups.items()))


def formatted(text: str) -> str:
    """The text as ruff formats it."""
    command = [sys.executable, "-m", "ruff", "format", "--line-length", "120", "--stdin-filename", TARGET.name, "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def main() -> int:
    """Write the stub, or compare it with `--check`."""
    head = (HERE / "stubs_head.pyi").read_text(encoding="utf-8")
    lines = [head.rstrip()]
    for row in _native._table():
        if row["forms"]["property"]:
            lines += ["    @property", f"    def {row['forms']['property']}(self) -> Tensor: ..."]
    named = {line.split("def ")[1].split("(")[0] for line in head.splitlines() if line.startswith("    def ")}
    for name, found in grouped(method=True).items():
        if name not in named and not keyword.iskeyword(name):
            lines += definitions(name, found, "    ")
    known = named | set(grouped(method=True))
    for name in sorted(set(vars(_native.Tensor)) - known):
        if callable(getattr(_native.Tensor, name)) and not name.startswith("__"):
            lines.append(f"    def {name}(self, *args: Any, **kwargs: Any) -> Any: ...")
    lines.append("")
    functions = grouped(method=False)
    for name, found in functions.items():
        lines += definitions(name, found)
    defined = {
        line.split()[1].split("(")[0].rstrip(":") for line in head.splitlines() if line.startswith(("def ", "class "))
    }
    defined |= {line.split(":")[0] for line in head.splitlines() if line and not line.startswith((" ", "#", "@"))}
    for name in sorted(set(vars(_native)) - set(functions) - defined):
        value = getattr(_native, name)
        if name.startswith("__"):
            continue
        kind = {"dtype": "_dtype", "layout": "_layout", "memory_format": "_memory_format"}.get(type(value).__name__)
        if kind:
            lines.append(f"{name}: {kind}")
        elif isinstance(value, type):
            lines.append(f"class {name}:\n    def __getattr__(self, name: str) -> Any: ...")
        elif callable(value):
            lines.append(f"def {name}(*args: Any, **kwargs: Any) -> Any: ...")
        else:
            lines.append(f"{name}: Any")
    text = formatted("\n".join(lines) + "\n")
    if "--check" in sys.argv:
        return int(TARGET.read_text(encoding="utf-8") != text)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Special functions of mathematics."""

from __future__ import annotations

from . import _namespace, _special

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAMES = (
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "log1p",
    "log_softmax",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "round",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
)
__all__ = list(_NAMES)
_OTHER_NAMES = {"expit": "sigmoid", "gammaln": "lgamma", "psi": "digamma"}
_ALIASES = {name: _OTHER_NAMES.get(name, name) for name in _NAMES}


def __getattr__(name: str) -> Any:
    return _namespace.resolve(globals(), "special", name, _ALIASES, _special)


def __dir__() -> list[str]:
    return __all__

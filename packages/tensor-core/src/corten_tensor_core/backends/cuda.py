"""Settings of computations on CUDA devices. They are hints about speed, kept as they are set."""

from types import SimpleNamespace as _SimpleNamespace

matmul = _SimpleNamespace(allow_tf32=False)


def is_built() -> bool:
    """Return True: whether a device can be used is decided when the program runs."""
    return True

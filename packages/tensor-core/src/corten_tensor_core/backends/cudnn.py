"""cuDNN's settings. They are hints about speed, kept as they are set; results do not depend on them."""

from .. import cuda as _cuda

enabled = True
benchmark = False
deterministic = False
allow_tf32 = False


def is_available() -> bool:
    """Tell whether a CUDA device can be used."""
    return _cuda.is_available()

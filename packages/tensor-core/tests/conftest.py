"""Where the runtime is not built, PyTorch stands in for it: the Python layers are then tested on the reference."""

import sys

try:
    import corten_native  # noqa: F401
except ImportError:
    import torch

    sys.modules["corten_native"] = torch

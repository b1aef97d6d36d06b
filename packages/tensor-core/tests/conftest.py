"""Where the runtime is not built, PyTorch stands in for it: the Python layers are then tested on the reference."""

import sys
import types

try:
    import corten_native  # noqa: F401
except ImportError:
    import torch

    class StandIn(types.ModuleType):
        def __getattr__(self, name):
            for place in (torch, torch._C._linalg, torch._C._fft, torch._C._special):
                if hasattr(place, name):
                    return getattr(place, name)
            raise AttributeError(name)

    sys.modules["corten_native"] = StandIn("corten_native")

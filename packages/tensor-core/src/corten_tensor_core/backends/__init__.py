"""Libraries that PyTorch computes with, as far as programs ask for them: `cuda`, `cudnn` and `mps`."""

from . import cuda as cuda
from . import cudnn as cudnn
from . import mps as mps

__all__ = ["cuda", "cudnn", "mps"]

"""Types for annotations, under PyTorch's names."""

import os
from typing import IO, TypeAlias

from corten_native import Size as Size
from corten_native import Tensor as Tensor
from corten_native import device as device
from corten_native import dtype as dtype

#: What numbers are given as.
Number: TypeAlias = int | float | bool
#: What devices are given as.
Device: TypeAlias = device | str | int | None
#: What files are given as.
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]

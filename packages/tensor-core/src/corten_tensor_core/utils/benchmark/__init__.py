"""Timing of statements: `Timer` measures one, `Compare` prints a table of several measurements."""

from ._compare import Compare as Compare
from ._measurement import Measurement as Measurement
from ._timer import Timer as Timer

__all__ = ["Compare", "Measurement", "Timer"]

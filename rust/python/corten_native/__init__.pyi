from . import _native as _native
from ._native import *

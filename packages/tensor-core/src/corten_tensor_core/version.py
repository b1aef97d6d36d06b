"""The version, and those of what it was built with: nothing, since devices are found when a program runs."""

from . import __version__ as __version__

cuda = None
hip = None
debug = False

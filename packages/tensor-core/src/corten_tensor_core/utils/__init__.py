"""Data for training (`data`) and exchange with other libraries (`dlpack`)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import data as data
    from . import dlpack as dlpack
else:

    def __getattr__(name):
        from importlib import import_module

        if name not in ("data", "dlpack"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module(f"{__name__}.{name}")

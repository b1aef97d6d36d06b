"""Data for training (`data`), timing (`benchmark`) and exchange with other libraries (`dlpack`).

Autograd's `checkpoint` goes by its name here.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import benchmark as benchmark
    from . import data as data
    from . import dlpack as dlpack
else:

    def __getattr__(name):
        from importlib import import_module

        places = {
            "benchmark": f"{__name__}.benchmark",
            "data": f"{__name__}.data",
            "dlpack": f"{__name__}.dlpack",
            "checkpoint": "corten_autograd.checkpoint",
        }
        if name not in places:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module(places[name])

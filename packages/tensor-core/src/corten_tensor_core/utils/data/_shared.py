"""Values with tensors from one process to another: the numbers go through shared memory and are copied once.

The sender pickles the value into a file in memory, the buffers of its tensors and arrays behind the pickle. The
receiver maps that file and builds the tensors on the mapping; the memory goes when the last of them does.
"""

from __future__ import annotations

import mmap
import os
import pickle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ALIGNMENT = 64

#: Where files are memory on Linux; elsewhere the folder for temporary files serves.
MEMORY = "/dev/shm"


def put(value: Any, path: str) -> list[int]:
    """Write a value to a new file; return where its pickle and each of its buffers end."""
    buffers: list[pickle.PickleBuffer] = []
    parts: list[Any] = [pickle.dumps(value, protocol=5, buffer_callback=buffers.append)]
    parts += [buffer.raw() for buffer in buffers]
    ends = []
    with open(path, "xb", buffering=0) as file:
        for part in parts:
            file.seek(_start(file.tell()))
            view = memoryview(part)
            while view:
                view = view[file.write(view) :]
            ends.append(file.tell())
    return ends


def take(path: str, ends: list[int]) -> Any:
    """Return the value that `put` wrote, and remove the file."""
    with open(path, "r+b") as file:
        memory = memoryview(mmap.mmap(file.fileno(), 0))
    os.unlink(path)
    starts = [0, *map(_start, ends)]
    parts = [memory[start:end] for start, end in zip(starts, ends, strict=False)]
    return pickle.loads(parts[0], buffers=parts[1:])


def _start(end: int) -> int:
    return end + -end % _ALIGNMENT

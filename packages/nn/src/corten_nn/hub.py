"""Downloading saved weights into a cache, which is PyTorch's own: what it has downloaded is found, and vice versa."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from contextlib import contextmanager

from corten_nn._backend import core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedRandom
    from typing import Any

__all__ = ["download_url_to_file", "get_dir", "load_state_dict_from_url", "set_dir"]

_CHUNK = 1 << 17
# How often a download that was cut off goes on by itself, as long as each attempt brings something.
_ATTEMPTS = 5
_TIMEOUT = 60
_HASH_IN_NAME = re.compile(r"-([a-f0-9]{8,64})\.")

_chosen_dir: str | None = None


def get_dir() -> str:
    """Return the folder of the cache: as set by `set_dir`, else `$TORCH_HOME/hub`, else `~/.cache/torch/hub`.

    `$XDG_CACHE_HOME` takes the place of `~/.cache` where it is set.
    """
    if _chosen_dir is not None:
        return _chosen_dir
    cache = os.path.join(os.getenv("XDG_CACHE_HOME", "~/.cache"), "torch")
    return os.path.join(os.path.expanduser(os.getenv("TORCH_HOME", cache)), "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Set the folder of the cache."""
    global _chosen_dir
    _chosen_dir = os.path.expanduser(d)


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> Any:
    """Load what stands at `url`, from the folder `model_dir` if it is there, else by downloading it to there.

    The folder is `checkpoints` in the cache by default, the file's name the last part of the URL. With `check_hash`
    the name must be `<name>-<start of the SHA-256>.<extension>`, and a download that differs from it is refused.
    `map_location` and `weights_only` are those of `load`; a name in `.safetensors` is read as that.

    >>> torch.hub.load_state_dict_from_url("https://download.pytorch.org/models/resnet18-f37072fd.pth")
    """
    from urllib.parse import urlparse

    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else os.path.expanduser(model_dir)
    name = file_name or os.path.basename(urlparse(url).path)
    if not name:
        raise ValueError(f"the URL {url!r} ends in no name of a file; give one as file_name")
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        expected = None
        if check_hash:
            found = _HASH_IN_NAME.search(name)
            if found is None:
                raise ValueError(f"check_hash needs a name such as model-0123abcd.pth, but got {name!r}")
            expected = found.group(1)
        os.makedirs(folder, exist_ok=True)
        sys.stdout.write(f'Downloading: "{url}" to {path}\n')
        download_url_to_file(url, path, expected, progress)
    return load_weights(path, map_location, weights_only)


def load_weights(path: Any, map_location: Any = None, weights_only: bool = True) -> Any:
    """Read tensors by name from a file: of safetensors, if its name ends so, or else what `save` wrote."""
    if os.fspath(path).endswith(".safetensors"):
        return core.serialization.load_safetensors(path, "cpu" if map_location is None else map_location)
    return core.load(path, map_location, weights_only=weights_only)


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Download `url` to the file `dst`, which appears only when it is complete.

    `hash_prefix` is what the SHA-256 of the content must begin with, or RuntimeError is raised. `progress` shows a bar
    on the standard error stream, for which tqdm must be installed. What a failed download has got stays in
    `dst + ".part"`, and the next one goes on from there if the server still offers the same file.
    """
    dst = os.path.abspath(os.path.expanduser(dst))
    with _partial_file(dst) as (part, keep):
        try:
            _fetch(url, part, progress)
        except BaseException:
            if not keep or part.tell() == 0:
                _forget(part.name, part.name + ".version")
            raise
        part.flush()
        os.fsync(part.fileno())
        if hash_prefix is not None:
            part.seek(0)
            digest = hashlib.file_digest(part, "sha256").hexdigest()
            if not digest.startswith(hash_prefix):
                _forget(part.name, part.name + ".version")
                raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{digest}")')
        if not keep:
            # Some systems do not rename open files; this one is ours alone, which the lock ensures for the other.
            part.close()
        os.replace(part.name, dst)
        _forget(part.name + ".version")


@contextmanager
def _partial_file(dst: str) -> Iterator[tuple[BufferedRandom, bool]]:
    """A file for what arrives, and whether to keep it after a failure: no other process writes to it."""
    path = dst + ".part"
    with open(path, "a+b") as file:
        if _locked(file):
            yield file, True
            return
    with open(f"{path}.{os.urandom(6).hex()}", "w+b") as file:
        yield file, False


def _locked(file: BufferedRandom) -> bool:
    """Lock `file` for this process, unless another has it; without locks in the system, never."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    # Another process may have completed and renamed the file between opening and locking it.
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(file.name))
    except FileNotFoundError:
        return False


def _version_of(part: str) -> str | None:
    """Which version of the remote file, by the server's own mark, the partial file `part` has the start of."""
    try:
        with open(part + ".version", encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _forget(*paths: str) -> None:
    for path in paths:
        if os.path.exists(path):
            os.unlink(path)


def _fetch(url: str, part: BufferedRandom, progress: bool) -> None:
    """Download the rest of `url` to `part`, in several attempts if the connection breaks."""
    from http.client import HTTPException
    from urllib.error import HTTPError

    for attempt in range(_ATTEMPTS):
        before = part.seek(0, os.SEEK_END)
        try:
            if _attempt(url, part, progress):
                return
        except HTTPError as error:
            # The rest that was asked for does not exist: the remote file has become shorter, or is already here.
            if error.code != 416 or before == 0:
                raise
            part.truncate(0)
            continue
        except (OSError, HTTPException):
            if attempt == _ATTEMPTS - 1 or part.seek(0, os.SEEK_END) <= before:
                raise
    raise ConnectionError(f"the download of {url} was cut off {_ATTEMPTS} times; begun again it goes on from there")


def _attempt(url: str, part: BufferedRandom, progress: bool) -> bool:
    """Ask for what is missing and write it; return whether the file is complete then."""
    from urllib.request import Request, urlopen

    request = Request(url, headers={"User-Agent": "corten.hub"})
    have = part.seek(0, os.SEEK_END)
    version = _version_of(part.name)
    if have and version:
        request.add_header("Range", f"bytes={have}-")
        # The server sends everything if the file has changed since.
        request.add_header("If-Range", version)
    with urlopen(request, timeout=_TIMEOUT) as response:
        if getattr(response, "status", None) != 206:
            have = 0
            part.truncate(0)
            _note_version(part.name, response.headers)
        length = response.headers.get("Content-Length")
        total = None if length is None else have + int(length)
        with _bar(progress, total, have) as advance:
            while chunk := response.read(_CHUNK):
                part.write(chunk)
                have += len(chunk)
                advance(len(chunk))
    part.flush()
    return total is None or have >= total


def _note_version(part: str, headers: Any) -> None:
    version = headers.get("ETag")
    if version is None or version.startswith("W/"):
        version = headers.get("Last-Modified")
    if version is None:
        _forget(part + ".version")
        return
    with open(part + ".version", "w", encoding="utf-8") as file:
        file.write(version)


@contextmanager
def _bar(progress: bool, total: int | None, have: int) -> Iterator[Any]:
    """A function that moves a progress bar on, or does nothing where there is none."""
    try:
        if not progress:
            raise ImportError
        from tqdm import tqdm
    except ImportError:
        yield lambda count: None
        return
    with tqdm(total=total, initial=have, unit="B", unit_scale=True, unit_divisor=1024) as bar:
        yield bar.update

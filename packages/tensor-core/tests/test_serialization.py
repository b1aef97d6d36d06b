"""Saved files: between this package and PyTorch in both directions, and what happens to bad ones."""

import collections
import contextlib
import io
import os
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corten_tensor_core as native
from corten_tensor_core import _unpickle, serialization

torch = pytest.importorskip("torch")

DTYPES = ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
DTYPES += ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"]


def samples(lib):
    base = lib.arange(12.0).reshape(3, 4)
    x = collections.OrderedDict((name, lib.arange(6).reshape(2, 3).to(getattr(lib, name))) for name in DTYPES)
    x["views"] = [base, base.t(), base[1:, ::2], base[2, 3]]
    x["empty"] = [lib.empty(0), lib.empty(0, 3), lib.tensor(2.5)]
    x["plain"] = (None, True, 3, -(2**70), 2.5, "ü", b"\xff", bytearray(b"\xfe"), [1], {"k": {1, 2}}, 1 + 2j)
    x["kinds"] = [lib.Size([2, 3]), lib.float16, lib.device("cpu")]
    x["grad"] = lib.ones(2, requires_grad=True)
    x["meta"] = lib.empty(2, 3, device="meta").t()
    x["named"] = lib.zeros(1)
    x["named"].unit = "metre"
    return x


def saved(save, obj):
    file = io.BytesIO()
    save(obj, file)
    file.seek(0)
    return file


def described(x):
    """Rebuild with tensors as comparable values, for either library."""
    if hasattr(x, "untyped_storage"):
        data = (
            x.detach().to(torch.float32 if isinstance(x, torch.Tensor) else native.float32)
            if "bfloat16" in str(x.dtype)
            else x
        )
        values = None if x.is_meta else data.tolist()
        layout = tuple(x.shape), tuple(x.stride()), x.storage_offset(), x.requires_grad
        return str(x.dtype), *layout, values, dict(x.__dict__)
    if isinstance(x, dict):
        return type(x).__name__, [(k, described(v)) for k, v in x.items()]
    if isinstance(x, (torch.Size, native.Size)):
        return "Size", list(x)
    if isinstance(x, (list, tuple)):
        return type(x).__name__, [described(v) for v in x]
    return str(x) if isinstance(x, (torch.dtype, native.dtype, torch.device, native.device)) else x


def test_torch_reads_ours():
    got = torch.load(saved(serialization.save, samples(native)))
    assert described(got) == described(samples(torch))
    got["views"][0][1, 0] = 99
    assert got["views"][2][0, 0] == 99


def test_we_read_torchs():
    got = serialization.load(saved(torch.save, samples(torch)))
    assert described(got) == described(samples(native))
    got["views"][0][1, 0] = 99
    assert got["views"][2][0, 0].item() == 99


def test_we_read_ours(tmp_path):
    path = tmp_path / "x.pt"
    serialization.save(samples(native), path)
    assert described(serialization.load(path, map_location="cpu")) == described(samples(native))
    assert os.listdir(tmp_path) == ["x.pt"]
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            assert (info.header_offset + 30 + len(info.filename) + len(info.extra)) % 64 == 0
    mapped = torch.load(path, mmap=True)
    assert described(mapped) == described(samples(torch))


def test_other_picklers_are_refused(tmp_path):
    serialization.save([1], tmp_path / "x.pt", pickle, 4)
    assert serialization.load(tmp_path / "x.pt") == [1]
    with pytest.raises(NotImplementedError, match="'pickle_module' must be pickle"):
        serialization.save([1], tmp_path / "x.pt", pickle_module=io)


def test_a_failed_save_leaves_the_former_file(tmp_path):
    path = tmp_path / "x.pt"
    serialization.save([1], path)
    os.chmod(path, 0o640)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        serialization.save([native.ones(3), lambda: None], path)
    assert os.listdir(tmp_path) == ["x.pt"]
    assert serialization.load(path) == [1]
    serialization.save([2], path)
    assert os.stat(path).st_mode & 0o777 == 0o640
    link = tmp_path / "link.pt"
    link.symlink_to(path)
    serialization.save([3], link)
    assert link.is_symlink()
    assert serialization.load(path) == [3]


def test_a_folder_that_is_not_there(tmp_path):
    for save in (torch.save, serialization.save):
        with pytest.raises(RuntimeError, match=f"^Parent directory {tmp_path}/absent does not exist.$"):
            save([1], tmp_path / "absent" / "x.pt")


class Point:
    def __init__(self, x):
        self.x = x


def other_allocator(storage, location):
    assert storage.nbytes() == 24
    assert location == "cpu"
    return storage


@pytest.mark.parametrize(
    "place", ["cpu", native.device("cpu"), {"cpu": "cpu"}, {}, other_allocator, lambda storage, location: None]
)
def test_map_location(place):
    x = serialization.load(saved(torch.save, torch.ones(2, 3)), place)
    assert x.device.type == "cpu"
    assert x.tolist() == [[1.0] * 3] * 2
    assert serialization.load(saved(torch.save, torch.ones(2, 3)), "meta").is_meta


def test_tensors_of_absent_devices():
    file = with_pickle(lambda x: x.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"))
    with pytest.raises(RuntimeError, match="tensors of cuda:0, and there is no CUDA device here"):
        serialization.load(file)
    assert serialization.load(file, map_location={"cuda:0": "cpu"}).shape == (2, 3)


def test_mapped_files(tmp_path):
    path = tmp_path / "x.pt"
    for save in (torch.save, lambda x, f: serialization.save(samples(native), f)):
        save(samples(torch), path)
        got = serialization.load(path, mmap=True)
        assert described(got) == described(samples(native))
        got["views"][0][0] = 99
        assert described(serialization.load(path)) == described(samples(native))
    with pytest.raises(ValueError, match="must be a file path in order to use the mmap"):
        serialization.load(io.BytesIO(), mmap=True)
    path.write_bytes(b"")
    with pytest.raises(RuntimeError, match="not a zip archive"):
        serialization.load(path, mmap=True)


def call_system():
    class Evil:
        def __reduce__(self):
            return os.system, ("echo executed",)

    return Evil()


def test_refusals(capfd):
    for bad in (call_system(), Point(3), np.float64(1.0), print):
        with pytest.raises(pickle.UnpicklingError, match="refused: the file wants to use .*(system|Point|numpy|print)"):
            serialization.load(saved(torch.save, bad))
    assert "executed" not in capfd.readouterr().out
    for save in (torch.save, serialization.save):
        assert serialization.load(saved(save, [Point(3)]), weights_only=False)[0].x == 3
        name = f"{Point.__module__}.Point"
        assert serialization.get_unsafe_globals_in_checkpoint(saved(save, [Point(3), print])) == sorted(
            [name, "__builtin__.print"]
        )
    with serialization.safe_globals([Point]):
        assert serialization.get_safe_globals() == [Point]
        assert serialization.load(saved(torch.save, Point(3))).x == 3
    assert serialization.get_safe_globals() == []
    with pytest.raises(pickle.UnpicklingError, match="before PyTorch 1.6"):
        serialization.load(saved(lambda x, f: torch.save(x, f, _use_new_zipfile_serialization=False), [1]))
    with pytest.raises(RuntimeError, match="not a zip archive"):
        serialization.load(io.BytesIO(b"hello"))
    file = io.BytesIO()
    zipfile.ZipFile(file, "w").close()
    with pytest.raises(RuntimeError, match="but not one of saved tensors"):
        serialization.load(file)
    with pytest.raises(FileNotFoundError):
        serialization.load("missing.pt")
    with pytest.raises(AttributeError, match="seekable"):
        serialization.load(3)
    with pytest.raises(AttributeError, match="write method"):
        serialization.save(3, 4)
    with pytest.raises(TypeError, match="map_location must be a device"):
        serialization.load(saved(torch.save, torch.ones(1)), map_location=3)
    with pytest.raises(RuntimeError, match="explicit pickle_module"):
        serialization.load(saved(torch.save, [1]), pickle_module=pickle, weights_only=True)
    with pytest.raises(TypeError, match="encoding only with weights_only=False"):
        serialization.load(saved(torch.save, [1]), encoding="latin1")
    assert serialization.load(saved(torch.save, [1]), pickle_module=pickle, encoding="latin1") == [1]
    x = native.arange(4)
    with pytest.raises(pickle.PicklingError, match="view one storage as"):
        serialization.save([x, x.view(native.float64)], io.BytesIO())


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (b"\x80\x02(.", "leaves a group open"),
        (b"\x80\x02ccollections\nOrderedDict\n.", "keeps a function"),
        (b"\x80\x02]}b.", "sets attributes of a value of type list"),
        (b"\x80\x02}]a.", "appends to a value of type dict"),
        (b"\x80\x02X\xff\xff\xff\x7f", "cut off"),
        (b"\x80\x02h\x05.", "damaged"),
        (b"\x80\x02]]\x93.", "damaged|refused"),
        (b"\x80\x02K\x01K\x01R.", "which is not callable"),
        (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "makes an instance of a name"),
        (b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.", "bytearray is allowed with bytes only"),
        (b"\x80\x02}]]s.", "damaged"),
        (b"\x80\x02t.", "closes a group"),
        (b"i", "operation b'i'"),
        (b"", "cut off"),
        (b"\x80\x02K\x01Q.", "damaged"),
        (b"\x80\x02c__builtin__\neval\n.", "__builtin__.eval"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "os.system"),
    ],
)
def test_hostile_pickles(pickled, message):
    def persistent(identity):
        first, _ = identity
        return first

    with pytest.raises(pickle.UnpicklingError, match=message):
        _unpickle.Reader(pickled, _unpickle.PLAIN, persistent).load()


def test_hostile_tensors():
    """What a file may ask of tensors: neither other makers, nor other methods, nor state."""
    start = b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n%s\nctorch\n%s\n"
    for body, message in (
        (start % (b"_rebuild_tensor_v2", b"Size") + b")}tR.", "keeps a function"),
        (start % (b"_rebuild_parameter", b"Tensor") + b")}tR.", "keeps a function"),
        (b"ctorch\nTensor\n)\x81.", "makes an instance of a name"),
        (b"ctorch\nTensor\n)R.", "which is not callable"),
        (b"ctorch\nSize\n]\x85R}b.", "sets attributes of a value of type Size"),
    ):
        with pytest.raises(pickle.UnpicklingError, match=message):
            serialization.load(with_pickle(lambda x, body=body: b"\x80\x02" + body))
    x = native.zeros(1)
    x.sum = 3
    with pytest.raises(pickle.UnpicklingError, match="'sum' is to be replaced"):
        serialization.load(saved(serialization.save, x))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickle_protocols(protocol):
    file = saved(lambda x, f: torch.save(x, f, pickle_protocol=protocol), samples(torch))
    assert described(serialization.load(file)) == described(samples(native))
    file = saved(lambda x, f: serialization.save(x, f, pickle_protocol=protocol), [samples(native), Point(2)])
    assert serialization.get_unsafe_globals_in_checkpoint(file) == [f"{Point.__module__}.Point"]
    assert described(serialization.load(file, weights_only=False)[0]) == described(samples(native))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False),
    lambda x: (
        st.lists(x)
        | st.dictionaries(st.text(), x)
        | st.tuples(x, x)
        | st.sets(st.integers())
        | st.frozensets(st.text())
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(values, st.integers(2, 5))
def test_plain_values_come_back(value, protocol):
    assert _unpickle.Reader(pickle.dumps(value, protocol), _unpickle.PLAIN, lambda x: x).load() == value


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_files_end_in_ordinary_exceptions(data):
    whole = saved(torch.save, {"a": torch.arange(5.0), "b": [torch.ones(2, 2).t()], "c": "text"}).getvalue()
    cut = data.draw(st.integers(0, len(whole)))
    broken = bytearray(whole[:cut] if data.draw(st.booleans()) else whole)
    for _ in range(data.draw(st.integers(0, 4))):
        if broken:
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(RuntimeError, pickle.UnpicklingError):
        serialization.load(io.BytesIO(bytes(broken)))


def with_pickle(change):
    """Return a saved tensor whose pickle went through `change`."""
    file, source = io.BytesIO(), zipfile.ZipFile(saved(torch.save, torch.arange(6.0).reshape(2, 3)))
    with zipfile.ZipFile(file, "w") as archive:
        for name in source.namelist():
            data = source.read(name)
            archive.writestr(name, change(data) if name.endswith("data.pkl") else data)
    return file


def test_tensors_beyond_their_storage():
    assert serialization.load(with_pickle(lambda x: x)).shape == (2, 3)
    with pytest.raises(pickle.UnpicklingError, match="reaches beyond its storage"):
        serialization.load(with_pickle(lambda x: x.replace(b"K\x02K\x03\x86", b"K\x02K\x04\x86")))
    with pytest.raises(RuntimeError, match="24 bytes in storage '0', where 9 numbers"):
        serialization.load(with_pickle(lambda x: x.replace(b"K\x06t", b"K\x09t")))


@pytest.mark.parametrize("end", [b"Ns.", b"\x85Rq\x00.", b"\x90."])
def test_keys_nested_too_deep_to_hash(end):
    start = {b"N": b"}", b"\x85": b"c__builtin__\nset\n", b"\x90": b"\x8f("}[end[:1]]
    wrap = b"]" if end[:1] == b"\x85" else b""
    pickled = b"\x80\x02" + start + wrap + b")" + b"\x85" * 200_000 + (b"a" if wrap else b"") + end
    with pytest.raises(pickle.UnpicklingError, match="nested deeper than 20 tuples"):
        _unpickle.Reader(pickled, _unpickle.PLAIN, lambda x: x).load()


def test_overlapping_parts_are_refused():
    whole = saved(torch.save, torch.zeros(100_000)).getvalue()
    entries = zipfile.ZipFile(io.BytesIO(whole)).infolist()
    # Ten more directory entries for the same data.
    directory = whole.index(b"PK\x01\x02")
    end = whole.rindex(b"PK\x05\x06")
    zip64 = whole.find(b"PK\x06\x06")
    one = whole[directory : zip64 if zip64 > 0 else end]
    tail = bytearray(whole[end:])
    count = (11 * len(entries)).to_bytes(2, "little")
    tail[8:12] = count + count
    tail[12:16] = (11 * len(one)).to_bytes(4, "little")
    tail[16:20] = directory.to_bytes(4, "little")
    with pytest.raises(RuntimeError, match="parts overlap"):
        serialization.load(io.BytesIO(whole[:directory] + one * 11 + bytes(tail)))


def test_compressed_parts_are_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02N." + b"\0" * 1000)
    with pytest.raises(RuntimeError, match="compressed"):
        serialization.load(file)


def test_safetensors(tmp_path):
    theirs = pytest.importorskip("safetensors.torch")
    path = tmp_path / "x.safetensors"
    names = [name for name in DTYPES if name != "complex128"]
    x = {name: native.arange(6).reshape(2, 3).to(getattr(native, name)).t() for name in names}
    x["empty"], x["scalar"] = native.empty(0, 3), native.tensor(2.5)
    serialization.save_safetensors(x, path, {"made": "here"})
    got = theirs.load_file(path)
    wanted = {name: torch.arange(6).reshape(2, 3).to(getattr(torch, name)).t() for name in names}
    wanted |= {"empty": torch.empty(0, 3), "scalar": torch.tensor(2.5)}
    assert {k: (v.dtype, v.tolist()) for k, v in got.items()} == {k: (v.dtype, v.tolist()) for k, v in wanted.items()}
    theirs.save_file({k: v.contiguous() for k, v in wanted.items()}, path)
    back = serialization.load_safetensors(path)
    assert {k: (str(v.dtype), v.tolist()) for k, v in back.items()} == {
        k: (str(v.dtype), v.tolist()) for k, v in x.items()
    }
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(RuntimeError, match="not a safetensors file, or is damaged"):
        serialization.load_safetensors(path)
    with pytest.raises(TypeError, match="no dtype for 'z' of torch.complex128"):
        serialization.save_safetensors({"z": native.zeros(1, dtype=native.complex128)}, path)


def test_storages_are_shared_by_views():
    x = native.zeros(2, 3, dtype=native.float64)
    storage = x.untyped_storage()
    assert (storage.nbytes(), len(storage), storage.data_ptr()) == (48, 48, x.data_ptr())
    assert storage == x[1, 1:].untyped_storage() != x.clone().untyped_storage()
    assert native.empty(0).untyped_storage().nbytes() == 0
    assert native.empty(2, device="meta").untyped_storage().device.type == "meta"


def test_storages_of_elements():
    x = native.arange(4.0).view(2, 2)
    storage = x.t().storage()
    assert (storage.dtype, len(storage), storage.nbytes(), storage.element_size()) == (x.dtype, 4, 16, 4)
    assert storage == x[1].storage() != x.clone().storage()
    assert storage.data_ptr() == x.data_ptr() == storage.untyped().data_ptr()
    assert (storage[1], storage[-1], list(storage)) == (1.0, 3.0, [0.0, 1.0, 2.0, 3.0])
    storage[0] = 9
    storage[1:3] = 7
    assert x.tolist() == [[9, 7], [7, 3]]
    assert repr(native.tensor([1, 2]).storage()) == (
        " 1\n 2\n[torch.storage.TypedStorage(dtype=torch.int64, device=cpu) of size 2]"
    )
    assert native.zeros(1).set_(storage, 1, (2,), (2,)).tolist() == [7, 3]
    with pytest.raises(IndexError, match="index 4 out of range for storage of size 4"):
        storage[4]
    with pytest.raises(RuntimeError, match="can't index a TypedStorage with slice"):
        storage[0:2]
    with pytest.raises(TypeError, match="must be Tensor or UntypedStorage, not TypedStorage"):
        native.zeros(1, dtype=native.int64).set_(storage)

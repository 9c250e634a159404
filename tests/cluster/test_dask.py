"""Units on a real cluster of Dask: workers killed at random, a unit that kills them, bounded plans, and who may not come in."""

import asyncio
import json
import os
import pickle
import random
import signal
import socket
import ssl
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from isomorph.engine import DaskEngine, DaskJob, Journal, LocalEngine, Needs, dask_cluster
from isomorph.errors import InputError
from isomorph.spec import fingerprint
from isomorph.store import Store

pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
psutil = pytest.importorskip("psutil", reason="distributed brings psutil")
cloudpickle = pytest.importorskip("cloudpickle", reason="distributed brings cloudpickle")
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are looked up in /proc")
KILLS = 20
WORKERS = 2


@dataclass(frozen=True, kw_only=True)
class Square:
    """Commits its number's square; sleeps, fails or kills its process if asked to."""

    number: int
    seconds: float = 0.0
    fails: bool = False
    kills: bool = False
    needs: Needs = field(default_factory=Needs)

    @property
    def spec(self) -> dict[str, object]:
        return {"kind": "square", "number": self.number}

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.spec)

    @property
    def label(self) -> str:
        return f"square {self.number}"

    def run(self, store: Store) -> None:
        time.sleep(self.seconds)
        if self.fails:
            raise InputError("x has no rows.")
        if self.kills:
            os.kill(os.getpid(), signal.SIGKILL)
        with store.begin(self.fingerprint, self.spec) as writer:
            writer.put("x", {"x": np.arange(self.number) ** 2})
            writer.commit({})


@pytest.fixture(scope="module")
def cluster():
    with dask_cluster(workers=WORKERS, job=DaskJob(gpus=1, gpu_memory="80GB")) as started:
        yield started


@pytest.fixture(scope="module")
def engine(cluster):
    """Workers do not find this module by its name: its classes travel as they are."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with DaskEngine(cluster) as started:
        yield started
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def objects(store: Store) -> dict[str, bytes]:
    root = store.path / "objects"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def wait_for_all_workers(cluster) -> None:
    deadline = time.monotonic() + 120
    while len(cluster.scheduler.workers) < WORKERS:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def living(cluster) -> list[int]:
    return [nanny.pid for nanny in cluster.workers.values() if nanny.pid]


def test_workers_killed_at_random_lose_nothing(cluster, engine, store, tmp_path):
    draw = random.Random(8)
    units = [Square(number=number, seconds=draw.uniform(0.02, 0.05)) for number in range(6 * KILLS)]
    killed, ended = 0, []
    for outcome in engine.run(units, store=store):
        ended.append(outcome)
        if len(ended) % 5 == 0 and killed < KILLS:
            time.sleep(draw.uniform(0, 0.05))
            while not (pids := living(cluster)):
                time.sleep(0.05)
            os.kill(draw.choice(pids), signal.SIGKILL)
            killed += 1
    assert killed == KILLS
    assert sorted(each.label for each in ended) == sorted(each.label for each in units)
    assert [each.state for each in ended].count("done") >= len(units) - KILLS
    assert all(each.finished for each in ended)
    alone = Store(tmp_path / "alone")
    assert all(each.state == "done" for each in LocalEngine().run(units, store=alone))
    assert objects(store) == objects(alone)
    assert not [each for unit in units for each in Journal(store).notes(unit.fingerprint).running]


def test_a_unit_that_kills_its_workers_is_set_apart_and_the_rest_goes_on(engine, store):
    units = [Square(number=1), Square(number=2, kills=True), Square(number=3, fails=True), Square(number=4)]
    ended = {each.label: each for each in engine.run(units, store=store)}
    assert {label: each.state for label, each in ended.items()} == {
        "square 1": "done",
        "square 2": "quarantined",
        "square 3": "failed",
        "square 4": "done",
    }
    assert "square 2: 3 processes were killed while they worked on it" in ended["square 2"].error.message
    assert ended["square 3"].error.message == "square 3: x has no rows."
    assert ended["square 3"].error.pid != os.getpid()
    assert len(Journal(store).notes(units[1].fingerprint).died) == 3


def test_what_no_worker_can_hold_is_told_at_once_and_the_rest_goes_on(engine, store):
    """The workers share a GPU of 80 GB, and say nothing of their memory."""
    large = Needs(gpu=True, gpu_memory=50_000_000_000)
    finished = Square(number=9, needs=large)
    finished.run(store)
    units = [
        *(Square(number=number, needs=Needs(memory=10**15, gpu=True, gpu_memory=39_000_000_000)) for number in range(5)),
        Square(number=7, needs=replace(large, gpu_least=10)),
        Square(number=8, needs=large),
        finished,
    ]
    ended = list(engine.run(units, store=store))
    assert [(each.label, each.state) for each in ended[:2]] == [("square 8", "failed"), ("square 9", "skipped")]
    assert {each.state for each in ended[2:]} == {"done"}
    assert len(ended) == len(units)
    assert ended[0].error.message == (
        "square 8: it needs 50 GB of a GPU, and no worker has that: the largest has 40 GB of a GPU. Ask for a GPU for fewer workers "
        "(`--job per_gpu=1`), or a larger one."
    )
    assert Journal(store).notes(units[6].fingerprint).error == ended[0].error
    assert not ended[0].error.excusable, "a study leaves nothing out because workers were too small"


def test_units_that_read_the_same_prefer_one_worker_but_none_is_idle_for_it(cluster, engine, store):
    wait_for_all_workers(cluster)
    names = [f"shard {number % 2}" for number in range(24)]
    units = [Square(number=number, seconds=0.03, needs=Needs(near=near)) for number, near in enumerate(names)]
    assert all(each.state == "done" for each in engine.run(units, store=store))
    later = units[4 * WORKERS :]  # whose turn came when it was known who reads what
    counts = [
        [sum(unit.fingerprint in mine for unit in later if unit.needs.near == near) for near in set(names)] for mine in by_process(store)
    ]
    assert sum(map(max, counts)) > 0.75 * len(later), counts
    same = [Square(number=100 + number, seconds=0.1, needs=Needs(near="one shard")) for number in range(16)]
    assert all(each.state == "done" for each in engine.run(same, store=store))
    shares = [len(mine & {unit.fingerprint for unit in same}) for mine in by_process(store)]
    assert min(shares) >= 3, shares


def workers_with(*gigabytes: int):
    """A cluster that is not ours, all of it in this process."""
    from distributed import Scheduler, SpecCluster, Worker

    how = {"host": "127.0.0.1", "dashboard": False}
    workers = {each: {"cls": Worker, "options": how | {"nthreads": 1, "resources": {"MEMORY": each * 10**9}}} for each in gigabytes}
    return SpecCluster(workers=workers, scheduler={"cls": Scheduler, "options": how | {"port": 0}}, silence_logs=False)


def test_a_link_that_is_lost_ends_the_run_in_one_sentence(store):
    units = [Square(number=number, seconds=0.05) for number in range(40)]
    with workers_with(4) as other, DaskEngine(other.scheduler_address) as engine:
        ending = engine.run(units, store=store)
        assert next(ending).state == "done"

        async def cut() -> None:
            for link in other.scheduler.client_comms.values():
                link.abort()

        other.sync(cut)
        with pytest.raises(InputError, match=r"^the link to the scheduler of Dask at tcp://127\.0\.0\.1:\d+ was lost, and what became of"):
            list(ending)


def test_what_few_workers_can_hold_goes_to_no_other_for_what_it_reads(store):
    """Of two workers only one has the memory for the later units, and the other one has read half of what they read."""
    small, large = Needs(memory=3 * 10**9), Needs(memory=8 * 10**9)
    units = [
        Square(number=number, seconds=0.05, needs=replace(small if number < 4 * WORKERS else large, near=f"shard {number % 2}"))
        for number in range(8 * WORKERS)
    ]
    with workers_with(4, 9) as unlike:
        engine, ended = DaskEngine(unlike.scheduler_address), []
        with engine:
            run = threading.Thread(target=lambda: ended.extend(engine.run(units, store=store)), daemon=True)
            run.start()
            run.join(timeout=120)
    assert [each.state for each in ended] == ["done"] * len(units)


def by_process(store: Store) -> list[set[str]]:
    """What each process finished."""
    files = (store.path / "units" / "times").glob("*.jsonl")
    return [{json.loads(line)["fingerprint"] for line in path.read_text().splitlines()} for path in files]


def test_a_unit_costs_little_and_few_are_on_the_way(cluster, engine, store):
    drawn = []

    def plan():
        for number in range(120):
            drawn.append(number)
            yield Square(number=number)

    before, most, ended = cpu_seconds(cluster), 0, 0
    for outcome in engine.run(plan(), store=store):
        assert outcome.state == "done"
        ended += 1
        most = max(most, len(drawn) - ended)
    assert ended == 120
    assert most <= 4 * WORKERS
    assert (cpu_seconds(cluster) - before) / ended < 0.05


def cpu_seconds(cluster) -> float:
    """Of this process, in which the scheduler is, and of the workers: what a wall clock says on a busy machine tells little."""
    times = [psutil.Process(pid).cpu_times() for pid in (os.getpid(), *living(cluster))]
    return sum(each.user + each.system for each in times)


def listening() -> set[tuple[str, int]]:
    """Where this process and its children listen."""
    here = psutil.Process()
    sockets: set[tuple[str, int]] = set()
    for each in (here, *here.children(recursive=True)):
        with suppress(psutil.Error):
            sockets |= {tuple(one.laddr) for one in each.net_connections(kind="inet") if one.status == psutil.CONN_LISTEN}
    return sockets


def test_only_this_machine_reaches_the_ports_and_nothing_is_served_over_http(cluster, engine):
    wait_for_all_workers(cluster)
    sockets = listening()
    assert len(sockets) >= 2 + 2 * WORKERS
    assert {host for host, _ in sockets} == {"127.0.0.1"}
    answers = {}
    for address in sockets:
        for page in ("/", "/status", "/info/main/workers.html", "/json/identity.json", "/metrics", "/health", "/sysmon"):
            with socket.create_connection(address, timeout=20) as plain, suppress(OSError):
                plain.sendall(f"GET {page} HTTP/1.0\r\n\r\n".encode())
                answers[address, page] = plain.recv(1000).split(b"\r\n")[0]
    assert len({address for (address, _), answer in answers.items() if answer.startswith(b"HTTP/")}) == 1 + WORKERS
    assert not {page: answer for page, answer in answers.items() if answer.startswith(b"HTTP/") and b"404" not in answer}


def strangers() -> dict[str, object]:
    """Who has no certificate, or one that this cluster did not make."""
    from distributed import Security

    return {"tcp": None, "tls": Security.temporary()}


def test_who_has_no_certificate_runs_no_code(cluster, engine, tmp_path):
    """Every port, as a client of Dask in plain TCP, in TLS with a certificate of its own, and as bare TLS without one."""
    from distributed.core import rpc

    mark = tmp_path / "mark"

    async def intrude(address: str, protocol: str, security) -> str:
        how = security.get_connection_args("client") if security else {}
        async with rpc(f"{protocol}://{address}", timeout=2, connection_args=how) as remote:
            return await remote.run(function=cloudpickle.dumps(mark.touch), wait=True)

    async def everywhere() -> list[object]:
        ways = [(f"{host}:{port}", *who) for host, port in listening() for who in strangers().items()]
        return await asyncio.gather(*(asyncio.wait_for(intrude(*way), 6) for way in ways), return_exceptions=True)

    refused = asyncio.run(everywhere())
    assert len(refused) >= 2 * (2 + 2 * WORKERS)
    assert all(isinstance(each, OSError) for each in refused), refused
    assert not mark.exists()

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host, port = cluster.scheduler.address.removeprefix("tls://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as plain, context.wrap_socket(plain) as bare:
        with suppress(ssl.SSLError):  # here or when it reads
            bare.sendall(pickle.dumps({"op": "identity"}))
        with pytest.raises(ssl.SSLError):
            bare.recv(1)

    ours = cluster.security
    worker = next(iter(cluster.scheduler.workers)).removeprefix("tls://")
    asyncio.run(asyncio.wait_for(intrude(worker, "tls", ours), 20))
    assert mark.exists(), "with the certificate the same call runs, so the refusals above were no accident"

"""Two hosts with one S3 store between them: network name spaces, whose link to the store breaks in the middle of a study."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pytest

from isomorph.cli import main
from isomorph.store import Store

pytest.importorskip("moto", reason="the S3 server of the tests (moto) is not installed")
if shutil.which("ip") is None or shutil.which("unshare") is None or os.geteuid() != 0:
    pytest.skip("network name spaces need root, iproute2 and unshare", allow_module_level=True)

PARTITION_SECONDS = 8  # longer than one request waits for a connection
SERVER = "10.77.0.1"
STUDY = """
models = ["bundled/pixels", "bundled/mobilenet_v2.random-0", "bundled/mobilenet_v2.random-1", "bundled/mobilenet_v2.random-2"]
stimuli = "photos"
layers = [-1]
replicates = 10
permutations = 0
"""
SERVE = f"""
import logging, threading, time, urllib.request
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
ThreadedMotoServer(ip_address="{SERVER}", port=5000, verbose=False).start()
urllib.request.urlopen(urllib.request.Request("http://{SERVER}:5000/lab", method="PUT")).read()
print("ready", flush=True)
threading.Event().wait()
"""
DUMP = """
import pathlib, sys
import boto3
bucket = boto3.resource("s3").Bucket("lab")
for each in bucket.objects.filter(Prefix="store/objects/"):
    path = pathlib.Path(sys.argv[1], each.key.removeprefix("store/"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(each.get()["Body"].read())
"""


class Lab:
    """A hub with the server, and the hosts `a` and `b`, each with a cable to the hub, a name and process ids of its own."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.prefix = f"iso{os.getpid() % 1_000_000}"
        self._made: set[str] = set()
        stack.callback(self._remove)
        for name in ("hub", "a", "b"):
            self._ip("netns", "add", f"{self.prefix}-{name}", what=name)
            self._ip("-n", f"{self.prefix}-{name}", "link", "set", "lo", "up")
        hub = f"{self.prefix}-hub"
        self._ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        self._ip("-n", hub, "addr", "add", f"{SERVER}/24", "dev", "bridge")
        self._ip("-n", hub, "link", "set", "bridge", "up")
        for number, name in enumerate(("a", "b"), 2):
            host = f"{self.prefix}-{name}"
            self._ip("-n", hub, "link", "add", f"to-{name}", "type", "veth", "peer", "name", "cable", "netns", host)
            self._ip("-n", hub, "link", "set", f"to-{name}", "master", "bridge", "up")
            self._ip("-n", host, "addr", "add", f"10.77.0.{number}/24", "dev", "cable")
            self._ip("-n", host, "link", "set", "cable", "up")

    def cut(self, host: str) -> None:
        self._ip("-n", f"{self.prefix}-hub", "link", "set", f"to-{host}", "down")

    def mend(self, host: str) -> None:
        self._ip("-n", f"{self.prefix}-hub", "link", "set", f"to-{host}", "up")

    def start(self, host: str, *words: str) -> subprocess.Popen[str]:
        """A Python process on a host; it does not outlive the test."""
        own = ("unshare", "--uts", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", f'hostname {host}; exec "$@"', "sh")
        command = ["ip", "netns", "exec", f"{self.prefix}-{host}", *own, sys.executable, *words]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and not name.lower().endswith("_proxy")}
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
        where = {"AWS_ENDPOINT_URL": f"http://{SERVER}:5000", "AWS_EC2_METADATA_DISABLED": "true"}
        environment = clean | keys | where | {"ISOMORPH_STORE_CACHE": str(self.folder / f"cache-{host}")}
        log = self._stack.enter_context((self.folder / f"{host}.log").open("a"))
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        self._stack.callback(child.wait)
        self._stack.callback(child.kill)
        return child

    def log(self, host: str) -> str:
        return (self.folder / f"{host}.log").read_text()

    def _ip(self, *words: str, what: str | None = None) -> None:
        ended = subprocess.run(["ip", *words], capture_output=True, text=True, check=False, timeout=60)
        if ended.returncode and what == "hub":
            pytest.skip(f"this machine lends no network name spaces: {ended.stderr.strip()}")
        assert ended.returncode == 0, ended.stderr
        if what:
            self._made.add(what)

    def _remove(self) -> None:
        for name in self._made:
            with suppress(subprocess.SubprocessError):
                subprocess.run(["ip", "netns", "del", f"{self.prefix}-{name}"], check=False, timeout=60)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with ExitStack() as stack:
        made = Lab(tmp_path, stack)
        server = made.start("hub", "-c", SERVE)
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n", made.log("hub")
        yield made


def write_study(folder: Path, store: str) -> Path:
    from PIL import Image

    (folder / "photos").mkdir(parents=True)
    for index in range(6):
        array = np.random.default_rng(index).integers(0, 255, size=(24, 24, 3), dtype=np.uint8)
        Image.fromarray(array).save(folder / "photos" / f"{index}.png")
    (folder / "study.toml").write_text(f"{STUDY}\nstore = {json.dumps(store)}\n")
    return folder / "study.toml"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("objects/**/*")) if path.is_file()}


def ended(child: subprocess.Popen[str]) -> tuple[int, list[dict[str, object]]]:
    out, _ = child.communicate(timeout=300)
    return child.returncode, [json.loads(line) for line in out.splitlines()]


def test_a_broken_link_heals_without_damage(lab: Lab, tmp_path: Path) -> None:
    study = str(write_study(tmp_path / "shared", "s3://lab/store"))
    part = ("-m", "isomorph", "run", study, "--json", "--stage", "targets", "--part")
    first, second = lab.start("a", *part, "1/2"), lab.start("b", *part, "2/2")
    assert first.stdout is not None
    begun = json.loads(first.stdout.readline())  # host a has finished one of its units, and has another
    lab.cut("a")
    time.sleep(PARTITION_SECONDS)
    assert first.poll() is None, lab.log("a")
    lab.mend("a")
    for child, before, host in ((first, [begun], "a"), (second, [], "b")):
        status, units = ended(child)
        assert (status, [each["state"] for each in (*before, *units)]) == (0, ["done", "done"]), lab.log(host)

    assert lab.start("hub", "-c", DUMP, str(tmp_path / "dump")).wait(timeout=300) == 0, lab.log("hub")
    local = write_study(tmp_path / "local", "store")
    assert main(["run", str(local), "--part", "1/1", "--stage", "targets"]) == 0
    assert Store(tmp_path / "dump").verify() == []
    assert tree(tmp_path / "dump") == tree(tmp_path / "local" / "store")

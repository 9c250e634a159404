"""A real SLURM for the tests of a file: munged, slurmctld and one slurmd with two CPUs and two GPUs that do not exist, on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
_SETTINGS = """
ClusterName=isomorph
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=100000
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
KillWait=20
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=20000 Gres=gpu:fake:2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """A cluster of one node, whose clients find it by `environment`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}
        host = socket.gethostname().partition(".")[0]
        for name in ("munge", "state", "spool"):
            (folder / name).mkdir(mode=0o755)
        for gpu in (0, 1):
            (folder / f"gpu{gpu}").touch()
        (folder / "munge.key").write_bytes(os.urandom(128))
        (folder / "munge.key").chmod(0o600)
        (folder / "slurm.conf").write_text(_SETTINGS.format(host=host, ports=_free_ports(2), folder=folder))
        (folder / "gres.conf").write_text(f"AutoDetect=off\nName=gpu Type=fake File={folder}/gpu[0-1]\n")
        self.host = host
        self._daemons: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the three daemons and wait until the node takes jobs."""
        munge, key = self.folder / "munge", self.folder / "munge.key"
        files = (f"--socket={munge}/socket", f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed")
        self._begin("munged", "--foreground", f"--key-file={key}", *files)
        self.wait((munge / "socket").exists, "munged")
        self._begin("slurmctld", "-D")
        self._begin("slurmd", "-D", "-N", self.host)
        self.wait(lambda: self("sinfo", "--noheader", "--format=%t", check=False).strip() == "idle", "an idle node")

    def stop(self) -> None:
        """End all jobs, then the daemons, whatever state they are in."""
        for command in (("scancel", "--user=root", "--full", "--signal=KILL"), ("scancel", "--user=root")):
            self(*command, check=False)
        deadline = time.monotonic() + 30
        while self("squeue", "--noheader", check=False) and time.monotonic() < deadline:
            time.sleep(0.2)
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def _begin(self, *command: str) -> None:
        with (self.folder / f"{command[0]}.said").open("w") as said:
            self._daemons.append(subprocess.Popen(command, env=self.environment, stdout=said, stderr=said, start_new_session=True))

    def __call__(self, *command: str, check: bool = True) -> str:
        """What a client says; no call takes for ever."""
        try:
            done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        except subprocess.TimeoutExpired:
            assert not check, f"{command} did not answer"
            return ""
        assert not check or done.returncode == 0, f"{command}: {done.stderr}{self.logs()}"
        return done.stdout

    def state(self, job: str) -> str:
        """Such as `RUNNING`; one word a job of an array, sorted and without repetition; empty of a job that is forgotten."""
        said = self("scontrol", "show", "job", "--oneliner", job, check=False).split()
        return " ".join(sorted({word.partition("=")[2] for word in said if word.startswith("JobState=")}))

    def wait(self, until: Callable[[], object], what: str, seconds: float = 400) -> None:
        """Wait until something is true."""
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, f"no {what} within {seconds} s\n{self('squeue', check=False)}{self.logs()}"
            time.sleep(0.2)

    def release(self, job: str) -> None:
        """Let a job that was queued again begin now, and not in two minutes; it has an hour."""
        self.wait(lambda: self.state(job) == "PENDING", f"job {job} in the queue again")
        self("scontrol", "update", f"job={job}", "StartTime=now", "TimeLimit=60")

    def logs(self) -> str:
        """The last lines of the daemons."""
        return "".join("\n".join(path.read_text(errors="replace").splitlines()[-15:]) + "\n" for path in sorted(self.folder.glob("*.log")))


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    missing = [program for program in _PROGRAMS if not shutil.which(program)]
    if missing:
        pytest.skip(f"SLURM is not installed: {', '.join(missing)} not found (Debian: slurm-wlm, munge)")
    if os.geteuid() != 0:
        pytest.skip("a SLURM of one's own is started by root")
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:  # short: a socket's path has at most 107 characters
        Path(folder).chmod(0o755)
        cluster = Slurm(Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()

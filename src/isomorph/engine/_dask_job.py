"""What one job of a batch system asks for."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isomorph.engine._memory import parse_bytes
from isomorph.errors import InputError

_WHO_PAYS = {"slurm": "account", "pbs": "account", "lsf": "project", "sge": "project"}


@dataclass(frozen=True, kw_only=True)
class DaskJob:
    """A job that is one worker process, which does one unit at a time with all its cores.

    Attributes:
        cores: How many.
        memory: How much; the batch system kills a worker that needs more, and a unit at which that happens again and again is set apart.
        walltime: How long, as `[days-]hours:minutes:seconds`; workers end by themselves a little earlier, and are replaced.
        queue: Or partition.
        account: Who pays.
        gpus: How many; units then go to workers that have one.
        directives: Further options, as a script of the batch system has them: `--qos=low --exclude=node7`; for HTCondor `name=value …`.
        prologue: A line of shell that is run first, such as `module load python`.
        interface: The network interface of scheduler and workers, such as `ib0`; None lets the system choose.
        disk: How much; only HTCondor asks.
        folder: For logs and, while the cluster lives, its certificates; all machines must see it.

    Example:
        >>> DaskJob(walltime="1-12:00:00").seconds
        129600
    """

    cores: int = 1
    memory: str = "4GB"
    walltime: str = "1:00:00"
    queue: str | None = None
    account: str | None = None
    gpus: int = 0
    directives: str = ""
    prologue: str = ""
    interface: str | None = None
    disk: str = "1GB"
    folder: Path = Path("isomorph-workers")

    def __post_init__(self) -> None:
        if self.cores < 1 or self.gpus < 0:
            raise InputError(f"a job needs at least 1 core and no negative number of GPUs; got cores={self.cores}, gpus={self.gpus}.")
        parse_bytes(self.memory)
        parse_bytes(self.disk)
        if self.seconds < 120:
            raise InputError(f"a job of {self.walltime} has no time to work; give it two minutes at least.")

    @property
    def seconds(self) -> int:
        """The walltime."""
        match = re.fullmatch(r"(?:([0-9]{1,3})-)?([0-9]{1,4}):([0-5][0-9]):([0-5][0-9])", self.walltime)
        if not match:
            raise InputError(f"walltime is [days-]hours:minutes:seconds, such as 4:00:00; got {self.walltime!r:.40}.")
        days, hours, minutes, seconds = (int(each or 0) for each in match.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds

    def options(self, kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """As dask-jobqueue's cluster of this kind takes it; `settings` are those of Dask in the job."""
        options: dict[str, Any] = {
            "cores": self.cores,
            "processes": 1,
            "memory": self.memory,
            "interface": self.interface,
            "python": shlex.quote(sys.executable),
            "job_name": "isomorph",
            "log_directory": str(self.folder.absolute()),
            "worker_extra_args": self._worker_words(),
            "job_script_prologue": self._prologue(settings),
            "job_extra_directives": self._directives(kind),
        }
        if kind == "htcondor":
            pairs = [each.partition("=")[::2] for each in options["job_extra_directives"]]
            return options | {"disk": self.disk, "job_extra_directives": {name.strip(): value.strip() for name, value in pairs}}
        if kind == "pbs":
            gpus = f":ngpus={self.gpus}" if self.gpus else ""
            options["resource_spec"] = f"select=1:ncpus={self.cores}:mem={parse_bytes(self.memory) // 2**20}mb{gpus}"
        return options | {"queue": self.queue, "walltime": self._walltime(kind), _WHO_PAYS[kind]: self.account}

    def _worker_words(self) -> list[str]:
        margin = min(300, self.seconds // 10)
        words = ["--nthreads", "1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
        words += ["--lifetime", f"{self.seconds - 2 * margin}s", "--lifetime-stagger", f"{margin}s"]
        return [*words, "--resources", "GPU=1"] if self.gpus else words

    def _prologue(self, settings: Mapping[str, Any]) -> list[str]:
        dask = {f"DASK_{name.upper().replace('.', '__').replace('-', '_')}": value for name, value in settings.items()}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), self.cores)
        exports = [f"export {name}={shlex.quote(str(value))}" for name, value in (dask | threads).items()]
        return [*exports, *([self.prologue] if self.prologue else [])]

    def _directives(self, kind: str) -> list[str]:
        asked = {"slurm": f"--gres=gpu:{self.gpus}", "lsf": f'-gpu "num={self.gpus}"', "sge": f"-l gpu={self.gpus}"}
        gpus = asked | {"htcondor": f"request_gpus={self.gpus}"}
        mine = shlex.split(self.directives)
        if kind != "htcondor":  # a line of a script may hold several words
            mine = [self.directives] if self.directives else []
        return [*([gpus[kind]] if self.gpus and kind in gpus else []), *mine]

    def _walltime(self, kind: str) -> str:
        minutes, seconds = divmod(self.seconds, 60)
        if kind == "lsf":
            return f"{minutes // 60}:{minutes % 60:02}"
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"

"""A shell script that submits a study to SLURM."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.engine import STOPPED
from isomorph.errors import InputError

if TYPE_CHECKING:
    from isomorph.results import Study

_HEAD = """\
#!/bin/bash
# Submits the study {name}: {jobs} jobs a stage, then its report. Its arguments go to every sbatch:
#   bash submit.sh --partition=gpu --gres=gpu:1 --time=4:00:00
set -euo pipefail
"""
_JOB = """
{stage}=$(sbatch --parsable --job-name={name}-{stage} --output={name}-{stage}-{log}.out --open-mode=append{array} \\
  --requeue --signal=B:USR1@120{after} "$@" <<'ISOMORPH_JOB'
#!/bin/bash
# Two minutes before the time limit the job gets USR1: the unit in hand is abandoned, its finished pieces stay in the store, and the job
# goes back into the queue. A preempted job gets TERM, and SLURM puts it back; a cancelled one too, and it stays away.
stopped=
trap 'stopped=1; kill -USR1 "$worker" 2>/dev/null' USR1
trap 'stopped=1; kill -TERM "$worker" 2>/dev/null' TERM
{command} &
worker=$!
wait "$worker"; status=$?
while [ -n "$stopped" ]; do  # the signal ended `wait`, not the worker
  stopped=
  wait "$worker"; again=$?
  if [ "$again" -ne 127 ]; then status=$again; fi
done
case "$status" in {requeue}|138) scontrol requeue "$SLURM_JOB_ID" ;; esac  # 138: USR1 came before the worker could listen
exit "$status"
ISOMORPH_JOB
)
{stage}=${{{stage}%%;*}}
echo "{stage}: job ${stage}"
"""


def sbatch_script(study: Study, path: Path, *, jobs: int, store: Path) -> str:
    """The script: an array of `jobs` jobs for each stage, which begins when the stage before is done, and a job for the report.

    Raises:
        InputError: A path holds a line break, which no line of the script can hold.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", study.name).strip("-.") or "study"
    for each in (sys.executable, str(path), str(store)):
        if not each.isprintable():
            raise InputError(f"the path {each!r} holds a character that cannot be printed, and so cannot stand in a script. Rename it.")
    run = f"{shlex.quote(sys.executable)} -m isomorph run {shlex.quote(str(path))} --store {shlex.quote(str(store))}"
    script, after = _HEAD.format(name=name, jobs=jobs), ""
    for stage in (*study.stages, "report"):
        array = stage != "report"
        script += _JOB.format(
            stage=stage,
            name=name,
            log="%A_%a" if array else "%j",
            array=f" --array=1-{jobs}" if array else "",
            after=after,
            command=f'{run} --stage {stage} --part "$SLURM_ARRAY_TASK_ID/{jobs}"' if array else run,
            requeue=STOPPED,
        )
        after = f' --dependency="afterok:${stage}" --kill-on-invalid-dep=yes'
    return script

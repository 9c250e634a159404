"""TensorFlow in a process of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from isomorph.errors import FileError, InputError, MissingDependencyError, ModelRunError
from isomorph.models import _savedmodel_worker
from isomorph.models._savedmodel_worker import read_message, write_message

INSTALL = "pip install 'isomorph[tensorflow]', or set ISOMORPH_TENSORFLOW_PYTHON to a Python that has TensorFlow and numpy"
_SECONDS_TO_END = 5


class SavedModelProcess:
    """A worker that holds one SavedModel; it ends with this object, and with this process.

    Attributes:
        inputs: Name, type and shape of each input of the signature; None in a shape stands for any number.
        outputs: The same of each output.
        parameters: How many numbers its variables hold.
        tensorflow: The worker's version of TensorFlow.
    """

    def __init__(self, folder: Path, *, signature: str, subject: str) -> None:
        import torch

        self._subject = subject
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it lasts as long as the worker
        python = os.environ.get("ISOMORPH_TENSORFLOW_PYTHON") or sys.executable
        script = Path(_savedmodel_worker.__file__)
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONSAFEPATH": "1"}
        command = [python, str(script), str(folder), signature, str(torch.get_num_threads())]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own script
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, env=environment
            )
        except OSError as error:
            raise InputError(f"ISOMORPH_TENSORFLOW_PYTHON names {python!r}, which cannot be started: {error.strerror}.") from error
        self._end = weakref.finalize(self, _end, self._process, self._said)
        head, _ = self._receive()
        if not head["ok"]:
            self.close()
            raise self._refusal(head, folder, python)
        self.inputs, self.outputs = head["inputs"], head["outputs"]
        self.parameters, self.tensorflow = head["parameters"], head["tensorflow"]

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def run(self, arrays: dict[str, np.ndarray[Any, Any]], names: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
        """The named outputs for one batch.

        Raises:
            ModelRunError: TensorFlow gave up, or the worker is gone; with what it said last.
        """
        _, outputs = self._ask({"names": list(names)}, arrays)
        return outputs

    def variables(self) -> dict[str, np.ndarray[Any, Any]]:
        """The variables of the signature, in the order in which it takes them: by name, or by position (`#0`, `#1` …) where names repeat.

        Raises:
            ModelRunError: TensorFlow cannot read them.
        """
        head, arrays = self._ask({"variables": True}, {})
        names: list[str] = head["variables"]
        if len(set(names)) != len(names):
            names = [f"#{at}" for at in range(len(names))]
        return {name: arrays[str(at)] for at, name in enumerate(names)}

    def _ask(
        self, question: dict[str, Any], arrays: dict[str, np.ndarray[Any, Any]]
    ) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
        with contextlib.suppress(OSError):  # a worker that is gone shows when its answer is read
            write_message(self._pipe(self._process.stdin), question, arrays)
        head, answers = self._receive()
        if not head["ok"]:
            raise ModelRunError(f"{self._subject} stopped: TensorFlow says {head['kind']}: {head['why']}")
        return head, answers

    def close(self) -> None:
        """End the worker."""
        self._end()

    def _pipe(self, stream: IO[bytes] | None) -> IO[bytes]:
        assert stream is not None  # noqa: S101 - both ends were asked for
        return stream

    def _receive(self) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
        try:
            return read_message(self._pipe(self._process.stdout))
        except (EOFError, ValueError, OSError, KeyError, TypeError) as error:
            self._process.kill() if not isinstance(error, EOFError) else None
            code = self._process.wait()
            said = self._last_words()
            raise ModelRunError(
                f"the process that runs TensorFlow for {self._subject} ended with code {code}"
                f"{' (it was killed, perhaps for want of memory)' if code == -9 else ''}. It said last: {said} Load the model again."
            ) from error

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = [each for each in self._said.read()[-20_000:].decode(errors="replace").splitlines() if each.strip()]
        return f"{lines[-1].strip()[:500]!r}." if lines else "nothing."

    def _refusal(self, head: dict[str, Any], folder: Path, python: str) -> Exception:
        kind, why = head["kind"], head["why"]
        if kind == "PermissionError":
            return FileError(
                f"{folder} is not loaded: its graph has operations that reach beyond it ({why}). A model of pictures needs none of them."
            )
        if kind == "ModuleNotFoundError":
            missing = why.rpartition(" ")[2].strip("'")
            who = self._subject if python == sys.executable else f"{self._subject}, with the Python {python},"
            return MissingDependencyError(missing, needed_by=who, install=INSTALL)
        if kind == "LookupError":
            return FileError(f"{folder} cannot be used as a model: {why}.")
        return FileError(f"{folder} is not a SavedModel that TensorFlow reads: {kind}: {why}")


def _end(process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    """Close the worker's input, on which it ends by itself; kill it where it does not."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    said.close()

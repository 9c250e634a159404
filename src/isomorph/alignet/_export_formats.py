"""A student in the formats that other programs read; each is read back and run."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch

from isomorph.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isomorph.alignet._export_network import ExportNetwork

Format = Literal["safetensors", "torch", "onnx"]
FORMATS: tuple[Format, ...] = get_args(Format)
FILES: Mapping[Format, str] = {"safetensors": "student.safetensors", "torch": "student.pt2", "onnx": "student.onnx"}
Run = Callable[[torch.Tensor], Mapping[str, torch.Tensor]]
BESIDE_BYTES = 1 << 30  # a protobuf ends at 2 GiB


def check_packages(formats: tuple[Format, ...]) -> None:
    """Raise `MissingDependencyError` before any work, where a format needs a package that is absent."""
    for package in ("onnx", "onnxscript", "onnxruntime") if "onnx" in formats else ():
        if find_spec(package) is None:
            raise MissingDependencyError(package, needed_by="the export to ONNX", install="pip install 'isomorph[onnx]'")


class Writer:
    """Writes one network in any of the formats.

    Args:
        network: On the CPU, in evaluation mode.
        pictures: Two or more prepared ones, to trace it with.
        folder: Where files go.
    """

    def __init__(self, network: ExportNetwork, pictures: torch.Tensor, folder: Path) -> None:
        self._network, self._pictures, self._folder = network, pictures, folder
        self._program: Any = None

    def write(self, format: Format) -> Run:
        """Write the file, and return what runs it."""
        return {"safetensors": self._safetensors, "torch": self._torch, "onnx": self._onnx}[format]()

    def _safetensors(self) -> Run:
        from safetensors.torch import load_file, save

        path = self._folder / FILES["safetensors"]
        path.write_bytes(save({name: each.detach().clone().contiguous() for name, each in self._network.student.state_dict().items()}))
        again = copy.deepcopy(self._network)
        again.student.load_state_dict(load_file(path))
        return again

    def _torch(self) -> Run:
        path = self._folder / FILES["torch"]
        with _quiet():
            torch.export.save(self._traced(), buffer := io.BytesIO())  # torch's own writer says nothing of a full disk
            path.write_bytes(buffer.getbuffer())
            read: Run = torch.export.load(path).module()
        return read

    def _onnx(self) -> Run:
        import onnxruntime

        path = self._folder / FILES["onnx"]
        names = list(self._names())
        size = sum(each.nbytes for each in self._network.state_dict().values())
        with _quiet():
            program = torch.onnx.export(
                self._traced(),
                (self._pictures,),
                dynamo=True,
                dynamic_shapes=({0: "batch"},),
                input_names=["pictures"],
                output_names=names,
                verbose=False,
            )
            assert program is not None  # noqa: S101 - dynamo=True returns one
            program.save(path, external_data=size > BESIDE_BYTES)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

        def run(pictures: torch.Tensor) -> dict[str, torch.Tensor]:
            arrays = session.run(names, {"pictures": pictures.numpy()})
            return {name: torch.from_numpy(each) for name, each in zip(names, arrays, strict=True)}

        return run

    def _names(self) -> tuple[str, ...]:
        with torch.no_grad():
            return tuple(self._network(self._pictures[:1]))

    def _traced(self) -> Any:
        """The graph, with any number of pictures a batch."""
        if self._program is None:
            try:
                self._program = torch.export.export(
                    self._network, (self._pictures,), dynamic_shapes=({0: torch.export.Dim("batch")},), strict=False
                )
            except Exception as error:  # torch.export raises whatever the network's own code led to
                raise InputError(
                    f"torch.export cannot trace the student's network: {str(error).strip().splitlines()[0][:300]} "
                    "Export it as 'safetensors', which needs no graph."
                ) from error
        return self._program


@contextmanager
def _quiet() -> Iterator[None]:
    """Within: the exporters' remarks on themselves stay unsaid."""
    import logging

    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [each.level for each in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for each in loggers:
            each.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for each, level in zip(loggers, levels, strict=True):
                each.setLevel(level)


def compare(expected: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor], *, tolerance: float, what: str, way_out: str) -> float:
    """The largest difference of any output, as a share of that output's largest value.

    Raises:
        InputError: An output is missing, or differs by more than `tolerance`.
    """
    worst = 0.0
    for name, right in expected.items():
        if name not in found or found[name].shape != right.shape:
            has = f"the shape {list(found[name].shape)}" if name in found else "no such output"
            raise InputError(f"{what} is no copy: {name} should have the shape {list(right.shape)}, and it has {has}. {way_out}")
        difference = float((found[name].double() - right.double()).abs().max())
        share = difference / max(float(right.double().abs().max()), 1e-12)
        if not share <= tolerance:
            raise InputError(
                f"{what} is no copy: {name} differs by {difference:.3g}, which is {share:.2%} of its largest value; at most "
                f"{tolerance:.2%} is allowed. {way_out}"
            )
        worst = max(worst, share)
    return worst

"""An ONNX file, read as a foreign file: bounded, and kept inside its folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.errors import FileError, InputError
from isomorph.models._picture_input import PictureInput

LIMIT_BYTES = 2 << 30
LIMIT_EXTERNAL_BYTES = 32 << 30


@dataclass(frozen=True)
class OnnxGraph:
    """A checked graph.

    Attributes:
        path: The file.
        model: The parsed `ModelProto`, without the values that stand in other files.
        external: What stands in other files: the tensor's name, and its values (memory-mapped).
        subject: The model's name, for messages.
    """

    path: Path
    model: Any
    external: dict[str, npt.NDArray[Any]]
    files: tuple[Path, ...]
    subject: str

    @classmethod
    def read(cls, path: Path, *, subject: str) -> OnnxGraph:
        """Read and check a file; nothing of it runs.

        Raises:
            FileError: There is no such file, it is damaged or larger than 2 GiB, or its external data is missing, larger than 32 GiB,
                elsewhere than beside it, or not in initialisers.
        """
        if not path.is_file():
            raise FileError(f"there is no file {path}. Names of ONNX models are 'onnx/' and the path of a file: 'onnx/nets/mine.onnx'.")
        if path.stat().st_size > LIMIT_BYTES:
            raise FileError(f"{path} has {path.stat().st_size:,} bytes; an ONNX file has at most {LIMIT_BYTES:,}, weights apart.")
        model = _parsed(path)
        external, files = _external(path, model)
        return cls(path, model, external, files, subject)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file; where weights stand in other files, of the digests of all."""
        digests = []
        for each in (self.path, *self.files):
            with each.open("rb") as stream:
                digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
        return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()

    @property
    def parameters(self) -> int:
        """How many numbers the initialisers hold."""
        return sum(int(np.prod(each.dims)) for each in self.model.graph.initializer)

    @property
    def layers(self) -> list[tuple[str, str]]:
        """Every tensor that a node of the graph gives, and the kind of the node, in the order in which they run."""
        return list({output: node.op_type for node in self.model.graph.node for output in node.output if output}.items())

    @property
    def picture_input(self) -> PictureInput:
        """The one input.

        Raises:
            InputError: There are several, or it takes no pictures.
        """
        import onnx

        given = {each.name for each in self.model.graph.initializer}
        inputs = [each for each in self.model.graph.input if each.name not in given]
        if len(inputs) != 1:
            names = ", ".join(each.name for each in inputs) or "none"
            raise InputError(
                f"{self.subject} has {len(inputs)} inputs ({names}); a model of pictures has one. "
                f"Run it yourself, and pass the function to wrap_model."
            )
        tensor = inputs[0].type.tensor_type
        shape = [each.dim_value if each.HasField("dim_value") else None for each in tensor.shape.dim]
        kind = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
        kind = {"float": "float32", "double": "float64"}.get(kind, kind)
        return PictureInput.checked(inputs[0].name, kind, shape, subject=self.subject)


def _parsed(path: Path) -> Any:
    import onnx

    try:
        model = onnx.load_model(path, format="protobuf", load_external_data=False)
    except Exception as error:  # protobuf's own error, which has no stubs
        raise FileError(f"{path} is not an ONNX file, or is damaged: {str(error).splitlines()[0]}") from error
    if not model.graph.node:
        raise FileError(f"{path} is not an ONNX file, or is damaged: it holds no graph.")
    return model


def _external(path: Path, model: Any) -> tuple[dict[str, npt.NDArray[Any]], tuple[Path, ...]]:
    """The values of the initialisers that stand in other files, and those files."""
    import onnx

    outside = [each for each in _tensors(model) if each.data_location == onnx.TensorProto.EXTERNAL]
    initialisers = {id(each) for each in model.graph.initializer}
    values, files, total = {}, set(), 0
    for tensor in outside:
        if id(tensor) not in initialisers:
            raise FileError(f"{path} keeps the tensor {tensor.name!r}, which is no initialiser, in another file; that is not read.")
        facts = {each.key: each.value for each in tensor.external_data}
        file = _beside(path, tensor.name, facts.get("location", ""))
        dtype, shape = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)), tuple(tensor.dims)
        offset, size = _range(path, tensor.name, facts, file, needed=_bytes(dtype, shape))
        total += size
        if total > LIMIT_EXTERNAL_BYTES:
            raise FileError(f"{path} keeps more than {LIMIT_EXTERNAL_BYTES:,} bytes in other files; that is not read.")
        files.add(file)
        values[tensor.name] = np.memmap(file, dtype, "r", offset, shape) if size else np.empty(shape, dtype)
    return values, tuple(sorted(files))


def _tensors(message: Any) -> Iterator[Any]:
    """Every tensor in a message: of initialisers, attributes, inner graphs and functions."""
    import onnx

    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in value if hasattr(value, "__len__") else [value]:
                yield from _tensors(each)


def _beside(path: Path, tensor: str, location: str) -> Path:
    """The file at `location`, which has to stay in the folder of the graph."""
    parts = {*PurePosixPath(location).parts, *PureWindowsPath(location).parts}
    absolute = PurePosixPath(location).is_absolute() or PureWindowsPath(location).anchor
    folder = path.parent.resolve()
    file = (folder / location).resolve()
    if not location or absolute or ".." in parts or not file.is_relative_to(folder):
        raise FileError(f"{path} keeps the tensor {tensor!r} in {location!r}, which is not in its own folder; that is not read.")
    if not file.is_file():
        raise FileError(f"{path} keeps the tensor {tensor!r} in {location!r}, and there is no such file. Put it beside the graph.")
    return file


def _bytes(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    count = 1
    for each in shape:  # Python's integers: sizes from a hostile file do not wrap around
        count *= max(each, 0)
    return count * dtype.itemsize


def _range(path: Path, tensor: str, facts: dict[str, str], file: Path, *, needed: int) -> tuple[int, int]:
    """Where the tensor's bytes begin, and how many there are."""
    try:
        offset = int(facts.get("offset", "0"))
        size = int(facts.get("length", str(needed)))
    except ValueError:
        offset = size = -1
    if offset < 0 or size != needed or offset + size > file.stat().st_size:
        raise FileError(
            f"{path} keeps the tensor {tensor!r} in {file.name}, {needed:,} bytes from {facts.get('offset', '0')}, but says "
            f"{facts.get('length', 'no')} bytes of a file of {file.stat().st_size:,}. One of the two is damaged."
        )
    return offset, size

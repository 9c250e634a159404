"""The process that TensorFlow lives in, and how one talks to it.

This file runs by itself, under any Python that has numpy and TensorFlow; it must import nothing of Isomorph. A message is eight bytes (the
length of its head), a head in JSON, and the bytes of the arrays that the head names, one after the other.
"""

import json
import math
import os
import re
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np

LIMIT_HEAD = 1 << 24
LIMIT_BYTES = 1 << 36
TYPES = ("float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool")
# Operations that reach beyond the numbers of the graph: files, sockets, Python, other processes.
_REFUSED = re.compile(
    r"File|PyFunc|Reader|Dataset|Iterator|Summary|Remote|Rpc|Debug|TRTEngine|^PrintV2$|^Abort$|(En|De)codeProto|Vocab|LoadAndRemap|Sql|Gcs"
    r"|(Send|Recv)$|XlaHost|Checkpoint|^(Save|Restore|Sharded)"
)
# The function that writes checkpoints is in every SavedModel; nothing calls it here.
_SAVER = re.compile(r"^(SaveV2|RestoreV2|MergeV2Checkpoints|ShardedFilename)$")


def write_message(stream: IO[bytes], head: dict[str, Any], arrays: dict[str, Any] | None = None) -> None:
    """Send one message."""
    parts = {name: np.asarray(each, order="C") for name, each in (arrays or {}).items()}
    listed = [[name, each.dtype.name, list(each.shape)] for name, each in parts.items()]
    text = json.dumps({**head, "arrays": listed}).encode()
    stream.write(len(text).to_bytes(8, "big") + text)
    for each in parts.values():
        if each.nbytes:
            stream.write(each.reshape(-1).view(np.uint8).data)
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Receive one message: its head and its arrays.

    Raises:
        EOFError: The other side is gone.
        ValueError: What came is no message, or one of unbelievable size.
    """
    size = int.from_bytes(_exactly(stream, 8), "big")
    if size > LIMIT_HEAD:
        raise ValueError(f"a head of {size:,} bytes")
    head = json.loads(_exactly(stream, size))
    arrays = {}
    for name, dtype, shape in head.pop("arrays"):
        count = math.prod(shape)
        if dtype not in TYPES or min(shape, default=0) < 0 or count * 8 > LIMIT_BYTES:
            raise ValueError(f"an array {dtype} {shape}")
        array = np.empty(shape, dtype)
        if count:
            _fill(stream, array.reshape(-1).view(np.uint8).data)
        arrays[name] = array
    return head, arrays


def _exactly(stream: IO[bytes], size: int) -> bytes:
    held = bytearray(size)
    _fill(stream, memoryview(held))
    return bytes(held)


def _fill(stream: Any, room: memoryview) -> None:
    while room:
        count = stream.readinto(room)
        if not count:
            raise EOFError("the other side is gone")
        room = room[count:]


def refused_operations(graph: Any, entries: list[str]) -> list[str]:
    """The operations of a graph that are not run: those that reach beyond it, and the saver's where a signature comes by them."""
    functions = {each.signature.name: each.node_def for each in graph.library.function}
    reached, waiting = set(), list(entries)
    while waiting:
        name = waiting.pop()
        if name in functions and name not in reached:
            reached.add(name)
            waiting += [called for node in functions[name] for called in _called(node)]
    found = set()
    for name, nodes in [("", graph.node), *functions.items()]:
        for node in nodes:
            if _REFUSED.search(node.op) and not (_SAVER.match(node.op) and name not in reached):
                found.add(node.op)
    return sorted(found)


def _called(node: Any) -> list[str]:
    names = [node.op]
    for attribute in node.attr.values():
        names += [attribute.func.name, *(each.name for each in attribute.list.func)]
    return names


class _Served:
    """One SavedModel: read as data first, and loaded only when every operation is one of those that stay inside."""

    def __init__(self, folder: Path, signature: str) -> None:
        from tensorflow.core.protobuf import saved_model_pb2

        parsed = saved_model_pb2.SavedModel()
        parsed.ParseFromString((folder / "saved_model.pb").read_bytes())
        graphs = [each for each in parsed.meta_graphs if "serve" in each.meta_info_def.tags]
        if not graphs or signature not in graphs[0].signature_def:
            known = sorted(key for each in graphs for key in each.signature_def if not key.startswith("__"))
            raise LookupError(f"it has no signature {signature!r}; it has: {', '.join(known) or 'none'}")
        saver = graphs[0].saver_def
        savers = {each.partition(":")[0] for each in (saver.save_tensor_name, saver.restore_op_name)}
        entries = [called for node in graphs[0].graph_def.node if node.name not in savers for called in _called(node)]
        if refused := refused_operations(graphs[0].graph_def, entries):
            raise PermissionError(", ".join(refused))
        import tensorflow as tf

        self._loaded = tf.saved_model.load(str(folder), tags=["serve"])  # the signatures live as long as this
        self._run = self._loaded.signatures[signature]
        self._specs = self._run.structured_input_signature[1]

    def facts(self) -> dict[str, Any]:
        """Inputs and outputs: name, type and shape."""
        inputs = [[name, each.dtype.name, _shape(each.shape)] for name, each in self._specs.items()]
        outputs = [[name, each.dtype.name, _shape(each.shape)] for name, each in self._run.structured_outputs.items()]
        parameters = sum(math.prod(each.shape) for each in getattr(self._loaded, "variables", ()) or self._run.variables)
        return {"inputs": inputs, "outputs": outputs, "parameters": parameters}

    def run(self, arrays: dict[str, Any], names: list[str]) -> dict[str, Any]:
        """The named outputs for one batch."""
        import tensorflow as tf

        outputs = self._run(**{name: tf.constant(each) for name, each in arrays.items()})
        return {name: outputs[name].numpy() for name in names}

    def variables(self) -> tuple[list[str], dict[str, Any]]:
        """The names of the variables that the signature uses, in the order in which it takes them, and their numbers by position."""
        held = self._run.variables
        return [each.name for each in held], {str(at): each.numpy() for at, each in enumerate(held)}


def _shape(shape: Any) -> list[int | None] | None:
    return None if shape.rank is None else [None if each is None else int(each) for each in shape.as_list()]


def main() -> None:
    """Load the SavedModel named on the command line and answer until the other side closes."""
    own = Path(__file__).resolve().parent  # Python before 3.11 looks here first, where a _ssl.py is not what it thinks
    sys.path[:] = [each for each in sys.path if Path(each).resolve() != own]
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever TensorFlow prints is not an answer
    folder, signature, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    try:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.set_visible_devices([], "GPU")
        served = _Served(folder, signature)
        write_message(answers, {"ok": True, **served.facts(), "tensorflow": tf.__version__})
    except Exception as error:
        write_message(answers, {"ok": False, "kind": type(error).__name__, "why": _line(error)})
        return
    while True:
        try:
            head, arrays = read_message(sys.stdin.buffer)
        except EOFError:
            return
        try:
            if "variables" in head:
                names, found = served.variables()
                write_message(answers, {"ok": True, "variables": names}, found)
            else:
                write_message(answers, {"ok": True}, served.run(arrays, head["names"]))
        except Exception as error:
            write_message(answers, {"ok": False, "kind": type(error).__name__, "why": _line(error)})


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:2000] if lines else ""


if __name__ == "__main__":
    main()

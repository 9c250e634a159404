"""onnxruntime over one graph, with the outputs that are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from isomorph.errors import FileError, IsomorphError, ModelRunError
from isomorph.models._onnx_graph import OnnxGraph

_NUMBERS = {f"tensor({each})" for each in ("float", "float16", "double", "bool", "uint8", "int8", "int16", "int32", "int64")}


class OnnxSessions:
    """Runs a graph on the CPU.

    A session keeps every tensor that the graph declares as an output until the end of a run, so each set of wanted tensors has a session
    of its own, and the last one is kept. Nodes run as they stand, without fusion: what a layer holds does not depend on which others are
    wanted.

    Attributes:
        layers: Name and kind of every tensor of numbers that a node gives, in the order in which they run.
        ends: The graph's own outputs among them.
    """

    def __init__(self, graph: OnnxGraph) -> None:
        import onnx

        self._graph = graph
        self._declared = {each.name: onnx.ValueInfoProto.FromString(each.SerializeToString()) for each in graph.model.graph.output}
        self._wanted: tuple[str, ...] = ()
        self._session: Any = None
        session = self._open(tuple(name for name, _ in graph.layers))
        kinds = {each.name: each.type for each in session.get_outputs()}
        self.layers = [(name, kind) for name, kind in graph.layers if kinds[name] in _NUMBERS]
        self.ends = [name for name in self._declared if kinds.get(name) in _NUMBERS]

    def run(self, takes: str, values: np.ndarray[Any, Any], names: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
        """The tensors called `names`, for one batch.

        Raises:
            ModelRunError: onnxruntime gave up; its own words.
        """
        try:
            arrays = self._open(tuple(names)).run(list(names), {takes: values})
        except Exception as error:  # onnxruntime's errors share no class of their own
            if isinstance(error, IsomorphError):
                raise
            raise ModelRunError(f"{self._graph.subject} stopped on {len(values)} pictures: {_first_line(error)}") from error
        return dict(zip(names, arrays, strict=True))

    def _open(self, wanted: tuple[str, ...]) -> Any:
        if self._session is None or wanted != self._wanted:
            self._session = None  # before the next: two copies of the weights need not fit
            self._session, self._wanted = self._opened(wanted), wanted
        return self._session

    def _opened(self, wanted: tuple[str, ...]) -> Any:
        import onnx
        import onnxruntime
        import torch

        graph = self._graph
        shown = graph.model.graph.output
        del shown[:]
        shown.extend(self._declared.get(name) or onnx.ValueInfoProto(name=name) for name in wanted)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 4
        if graph.external:
            values = [onnxruntime.OrtValue.ortvalue_from_numpy(each) for each in graph.external.values()]
            options.add_external_initializers(list(graph.external), values)
        try:
            return onnxruntime.InferenceSession(graph.model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise FileError(f"{graph.path} is an ONNX file, but onnxruntime does not run it: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]

"""ONNX files as models."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph import spec
from isomorph.errors import MissingDependencyError
from isomorph.models._card import ModelCard
from isomorph.models._layout_recipe import LayoutRecipe, prepare_layout
from isomorph.models._onnx_graph import OnnxGraph

if TYPE_CHECKING:
    from isomorph.models._model import Model

INSTALL = "pip install 'isomorph[onnx]'"


class OnnxSource:
    """Files that the user has: what stands behind `onnx/` is a path."""

    def names(self) -> list[str]:
        """None: files are named by their path."""
        return []

    def card(self, name: str) -> ModelCard:
        """What the file says of itself; nothing of it runs."""
        return _card(_read(name), name)

    def build(self, name: str) -> Model:
        """Check the file and hand it to onnxruntime."""
        from isomorph.models._foreign_network import ForeignNetwork
        from isomorph.models._model import Model
        from isomorph.models._onnx_sessions import OnnxSessions

        graph = _read(name)
        takes = graph.picture_input
        sessions = OnnxSessions(graph)

        def run(values: np.ndarray[Any, Any], names: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
            return sessions.run(takes.name, values, names)

        return Model(
            card=_card(graph, name),
            module=ForeignNetwork(takes, sessions.layers, sessions.ends, run),
            weights=f"sha256:{graph.digest}",
            recipe=_recipe(graph),
            preparation=prepare_layout,
        )


def _read(name: str) -> OnnxGraph:
    for package in ("onnx", "onnxruntime"):
        if find_spec(package) is None:
            raise MissingDependencyError(package, needed_by=repr(f"onnx/{name}"), install=INSTALL)
    return OnnxGraph.read(Path(name).expanduser(), subject=f"onnx/{name}")


def _recipe(graph: OnnxGraph) -> LayoutRecipe:
    """The customary preparation for ImageNet, as a graph says nothing of it."""
    takes = graph.picture_input
    return takes.recipe(resize_pixels=round(max(side or 224 for side in takes.sides) * 256 / 224))


def _card(graph: OnnxGraph, name: str) -> ModelCard:
    model = graph.model
    producer = " ".join(each for each in (model.producer_name, model.producer_version) if each)
    taken = "plain bytes" if graph.picture_input.dtype == "uint8" else "the mean and std of ImageNet"
    return ModelCard(
        name=f"onnx/{name}",
        source="onnx",
        summary=f"ONNX graph of {len(model.graph.node)} nodes{f', written by {producer}' if producer else ''}",
        parameters=graph.parameters,
        upstream="a file of the user's",
        weights_sha256=graph.digest,
        recipe=spec.to_plain(_recipe(graph)),
        install=INSTALL,
        note=f"A graph does not say how pictures are prepared; assumed are a centre crop and {taken}. Change it with recipe=…",
    )

"""An extraction of captions as one of the pictures that they are about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.features import Features
from isomorph.features._grouping import Grouping
from isomorph.models._extract import _extraction, _from_store
from isomorph.spec import fingerprint, to_plain
from isomorph.store import Store, open_store

if TYPE_CHECKING:
    from isomorph.geometry import Gram
    from isomorph.models._extraction import Extraction


def grouped(extraction: Extraction, groups: Mapping[str, str] | None, store: Store | Path | str | None) -> Extraction:
    """What `Extraction.grouped` says: computed when a layer is asked for, or at once into the store."""
    grouping = Grouping.of(extraction.ids, groups)
    spec = {
        "kind": "extraction",
        "grouped": extraction.fingerprint,
        "members": [[extraction.ids[row] for row in rows] for rows in grouping.members],
        "ids": list(grouping.names),
    }
    name = fingerprint(spec)
    store = open_store(store) if isinstance(store, str | Path) else store
    if store is not None and name in store:
        return _from_store(store.open(name), grouping.names)
    layer_of = {layer.source: layer.name for layer in extraction.layers}
    shards = {source: f"layer-{index:05d}" for index, source in enumerate(layer_of)}
    meta = {
        "layers": to_plain(extraction.layers),
        "shards": shards,
        "duplicates": dict(extraction.duplicates),
        "unusable": dict(extraction.unusable),
        "provenance": {
            **extraction.provenance,
            "extraction": name,
            "grouped": {**grouping.summary(), "extraction": extraction.fingerprint},
        },
    }
    if store is None:
        return _extraction(meta, grouping.names, lambda source: _means(extraction[layer_of[source]], grouping))
    subject = extraction.provenance.get("model_name", "")
    summary = f"{subject}, means of {len(extraction.ids)} rows in {len(grouping.names)} groups, {len(extraction)} layers"
    with store.begin(name, {**spec, "summary": summary}) as writer:
        for source, shard in shards.items():
            if shard not in writer.finished:
                writer.put(shard, _means(extraction[layer_of[source]], grouping))
        return _from_store(writer.commit(meta, keep=tuple(shards.values())), grouping.names)


def _means(x: Features | Gram, grouping: Grouping) -> dict[str, Any]:
    r"""The parts of one layer after averaging, \(A x\) with rows of A that sum to 1.

    Of a Gram matrix: \(A G A^\top\), centred on the mean of the groups, which is another than that of the rows where groups differ in size.
    """
    if isinstance(x, Features):
        return {"values": grouping.mean(x.values)}
    part = grouping.mean(np.ascontiguousarray(grouping.mean(x.centred).T))
    offset, sums = grouping.mean(x.mean_product[:, None])[:, 0], grouping.mean(x.row_sums[:, None])[:, 0]
    means = part.mean(axis=1)
    mean_product = means + offset + offset.mean() - x.mean_product.mean()
    return {"centred": part - means[:, None] - means + means.mean(), "mean_product": mean_product, "row_sums": sums}

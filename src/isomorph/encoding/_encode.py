"""Every layer of a model against every unit and region of a brain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.encoding._brain_scores import BrainScores
from isomorph.encoding._choose_layers import marked_best
from isomorph.encoding._encode_folds import Fold, folds_of
from isomorph.encoding._encode_layer import LayerScorer, LayerScores
from isomorph.encoding._encode_layers import Layer, layers_of
from isomorph.encoding._encode_notes import notes_of
from isomorph.encoding._encode_options import Certainty, Intervals, Resample
from isomorph.encoding._encode_targets import Targets, UnitTargets, targets_of
from isomorph.encoding._load_protocol import load_protocol
from isomorph.encoding._protocol import Protocol
from isomorph.errors import InputError, ShapeError, UnknownNameError
from isomorph.features import Features
from isomorph.geometry import Gram

if TYPE_CHECKING:
    from isomorph.brains import RDMRecording, Recording
    from isomorph.engine import Progress


def encode(
    x: Features | Gram | Mapping[str, Features | Gram],
    recording: Recording | RDMRecording,
    *,
    protocol: str | Protocol = "conwell2024",
    model: str = "",
    regions: Sequence[str] | None = None,
    time: float | tuple[float, float] | None = None,
    intervals: Intervals = "delta",
    resample: Resample = "stimuli",
    replicates: int = 1000,
    level: float = 0.95,
    permutations: int = 0,
    seed: int = 0,
    progress: Progress | None = None,
    **changes: Any,
) -> BrainScores:
    r"""Score layers against the responses of every unit, and the geometry of every region, of every subject.

    Rows meet by id: layers must have all stimuli of the recording and may have more. Units are fitted once, whatever the number of regions
    they are in. Nothing but inner products of a layer is needed unless the protocol projects or standardises features.

    **Intervals** are over stimuli, the fitted maps held fixed. `"delta"`: the score ± its standard error times t, the error from how
    much each stimulus has to do with the score (its influence; for RDMs the jackknife's first order). `"bootstrap"`: percentiles of
    scores with stimuli drawn anew. On train they take predictions of stimuli that were left out as given. In simulations 95 % intervals
    of mean correlations held the truth in 92 to 96 of 100 cases (40 to 400 test stimuli), of RDMs in 94 to 97 (20 to 100), of R² in 78 to
    94, since R² itself is biased low by few stimuli; of medians, which noise biases, in 77 to 97.

    Args:
        x: One layer (`Features` or `Gram`), or a mapping of layers: an extraction.
        recording: Of units, or of RDMs: then the geometry alone is scored.
        protocol: A name of `list_protocols()` or a `Protocol`.
        model: What to call the model; the name in `x` unless given.
        regions: Some of the recording's; all of them unless given.
        time: Of responses over time, which: the sample nearest to a time in seconds, or the mean of a window.
        intervals: `"delta"` or `"bootstrap"`.
        resample: What intervals are over: `"stimuli"` (other stimuli of this kind), `"units"` (other units of these brains; scores of
            units count as independent, which those of neighbours are not) or `"both"`. Of RDMs always stimuli.
        replicates: Of the bootstrap.
        level: The intervals' coverage.
        permutations: Of the test stimuli, for one-sided p-values on test; 0 for none.
        seed: Of permutations, bootstrap and split halves.
        progress: Where to show it.
        changes: Fields of `Protocol` that are to be otherwise.

    Raises:
        IdError: A layer lacks a stimulus of the recording.
        ShapeError: A side of the split has fewer than 3 stimuli; no region has units enough; no layer tells the stimuli apart.
        NonFiniteError: A feature or response is NaN or infinite.
        InputError: The protocol needs ceilings, trials or features that are not there, or an option is out of range.
        UnknownNameError: There is no such protocol, option, region or metric.

    Example:
        >>> from isomorph.brains import Recording
        >>> rng = np.random.default_rng(0)
        >>> layer = Features(rng.normal(size=(80, 30)), tuple(map(str, range(80))), layer="fc6", subject="net")
        >>> brain = Recording(ids=layer.ids, responses=layer.values @ rng.normal(size=(30, 20)) + rng.normal(size=(80, 20)))
        >>> scores = encode(layer, brain, metrics=("eReg",))
        >>> bool(scores.table.query("split == 'test'").score.item() > 0.9)
        True
    """
    certainty = Certainty(
        intervals=intervals, resample=resample, replicates=replicates, level=level, permutations=permutations, seed=seed
    )  # fmt: skip
    chosen = load_protocol(protocol, **_known(changes))
    name, layers = layers_of(x)
    targets = targets_of(recording, regions=regions, time=time, min_units=chosen.min_units)
    chosen = _possible(chosen, targets)
    folds = folds_of(targets, chosen, certainty)
    scorer = LayerScorer(chosen, targets, folds, certainty)
    found: dict[str, LayerScores] = {}
    constant = []
    for layer in _shown(layers, progress):
        try:
            scores = scorer.score(layer.read(targets.ids))
        except ShapeError as error:
            raise ShapeError(f"layer {layer.name!r}: {error}") from error
        if scores is None:
            constant.append(layer.name)
        else:
            found[layer.name] = scores
    if not found:
        raise ShapeError(f"none of the {len(layers)} layers tells the {len(targets.ids)} stimuli apart: there is nothing to score.")
    return _result(model or name, [each for each in layers if each.name in found], found, targets, chosen, certainty, constant, folds)


def _known(changes: dict[str, Any]) -> dict[str, Any]:
    options = (*(each.name for each in fields(Protocol)), "model", "regions", "time", "intervals", "resample", "replicates", "level",
               "permutations", "seed", "progress")  # fmt: skip
    for each in changes:
        if each not in options:
            raise UnknownNameError("option of encode", each, options, listing="`help(encode)` and `help(Protocol)` have them")
    return changes


def _possible(protocol: Protocol, targets: Targets) -> Protocol:
    """The protocol with metrics that the recording can give."""
    if isinstance(targets, UnitTargets) or not protocol.fits:
        return protocol
    if "cRSA" not in protocol.metrics:
        raise InputError(
            f"a recording of RDMs has no units to fit, so that {' and '.join(protocol.metrics)} can't be had. Pass metrics=('cRSA',)."
        )
    left = " and ".join(each for each in protocol.metrics if each != "cRSA")
    targets.notes.append(f"the recording is of RDMs: {left} need units and are left out.")
    return protocol.changed(metrics=("cRSA",), name=protocol.name)


def _shown(layers: list[Layer], progress: Progress | None) -> Any:
    if progress is None:
        yield from layers
        return
    with progress.task("encoding", total=len(layers), unit="layers") as task:
        for layer in layers:
            yield layer
            task.advance()


def _result(
    model: str,
    layers: list[Layer],
    found: dict[str, LayerScores],
    targets: Targets,
    protocol: Protocol,
    certainty: Certainty,
    constant: list[str],
    folds: list[Fold],
) -> BrainScores:
    import pandas

    rows: list[dict[str, Any]] = []
    units: dict[tuple[str, str, str], FloatArray] = {}
    alphas: dict[tuple[str, str], FloatArray] = {}
    contributions: dict[tuple[str, str, str, str, str], FloatArray] = {}
    for layer in layers:
        scores = found[layer.name]
        for (metric, side), tally in scores.tallies.items():
            ends, p = tally.interval(units=metric == "eReg"), tally.p_values()
            for place, group in enumerate(targets.groups):
                head = {
                    "model": model, "layer": layer.name, "layer_index": layer.index, "depth": layer.depth, "metric": metric,
                    "region": group.region, "subject": group.subject, "split": side,
                }  # fmt: skip
                fitted = _penalties(scores, folds, place) if metric != "cRSA" else _NO_PENALTIES
                rows.append(
                    head | tally.row(place, ends, p) | {"n_units": len(group.units)} | fitted
                    | {"effective_dimensionality": scores.dimensionality[side]}
                )  # fmt: skip
                if side == "test":
                    key = (model, layer.name, metric, group.region, group.subject)
                    contributions[key] = tally.contributions[:, place].astype(np.float32)
        if isinstance(targets, UnitTargets):
            if "test" in scores.units:
                units[model, layer.name, "eReg"] = targets.spread(scores.units["test"])
            if scores.penalties is not None:
                alphas[model, layer.name] = targets.spread(scores.penalties)
    table = pandas.DataFrame(rows).assign(**_conventions(protocol, certainty))
    table = _ordered(marked_best(table))
    notes = notes_of(table, targets.notes, constant, protocol, folds=len(folds))
    return BrainScores(
        table=table, units=units, recording={**targets.summary(), "stimuli": len(targets.ids)}, protocol=protocol, notes=notes,
        contributions=contributions, alphas=alphas, level=certainty.level,
    )  # fmt: skip


_NO_PENALTIES = dict.fromkeys(("alpha_low", "alpha_median", "alpha_high", "units_at_edge"), np.nan)


def _penalties(scores: LayerScores, folds: list[Fold], place: int) -> dict[str, float]:
    """Smallest, middle and largest penalty of a group's units, over folds, and the share at the grid's edge."""
    alphas, edge = (
        np.concatenate([each[fold.units[fold.columns[place]]] for each, fold in zip(kept, folds, strict=True)])
        for kept in (scores.alphas, scores.at_edge)
    )
    if np.isnan(alphas).all():
        return _NO_PENALTIES
    low, middle, high = np.quantile(alphas, [0.0, 0.5, 1.0])
    return {"alpha_low": low, "alpha_median": middle, "alpha_high": high, "units_at_edge": float(edge.mean())}


def _conventions(protocol: Protocol, certainty: Certainty) -> dict[str, Any]:
    from isomorph.encoding._encode_words import projection_words, regression_words

    return {
        "protocol": protocol.name, "scorer": protocol.scorer, "normaliser": protocol.normaliser, "aggregator": protocol.aggregator,
        "split_rule": protocol.split.rule, "regression": regression_words(protocol), "projection": projection_words(protocol),
        "distance": protocol.distance, "comparison": protocol.comparison, "seed": certainty.seed, "replicates": certainty.drawn,
    }  # fmt: skip


def _ordered(table: Any) -> Any:
    from isomorph.encoding._brain_scores import COLUMNS

    return table[list(COLUMNS)]

"""What brain scores say in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph._version import __version__
from isomorph.report._headline import number

if TYPE_CHECKING:
    from isomorph.report._encoding_view import EncodingView

METRIC_WORDS = {
    "cRSA": "classical RSA: the RDM of all features against the region's RDM",
    "eReg": "encoding: ridge from the layer to each unit, the correlation on held-out stimuli, averaged over units",
    "eRSA": "encoding RSA: the RDM of the predicted responses against the region's RDM",
}
CITATIONS = (
    "Conwell, Prince, Kay, Alvarez & Konkle (2024). A large-scale examination of inductive biases shaping high-level visual representation "
    "in brains and machines. Nature Communications 15:9383.",
    "Kriegeskorte, Mur & Bandettini (2008). Representational similarity analysis. Frontiers in Systems Neuroscience 2:4.",
    "Naselaris, Kay, Nishimoto & Gallant (2011). Encoding and decoding in fMRI. NeuroImage 56, 400-410.",
)
_FIELDS = {
    "scorer": "the score",
    "normaliser": "normalised by",
    "aggregator": "over units",
    "split_rule": "split",
    "regression": "regression and penalties",
    "projection": "projection",
    "distance": "distance of RDMs",
    "comparison": "RDMs compared by",
}


def with_ends(row: Any) -> str:
    """`0.44 [0.38, 0.50]`, or without the interval where there is none."""
    text = number(float(row["score"]))
    if np.isfinite(row["low"]) and np.isfinite(row["high"]):
        text += f" [{number(float(row['low']))}, {number(float(row['high']))}]"
    return text


def ceiling_words(row: Any) -> str:
    """`0.62`, `0.40–0.68`, or nothing."""
    if np.isfinite(row["ceiling_lower"]) and np.isfinite(row["ceiling_upper"]):
        return f"{number(float(row['ceiling_lower']))}–{number(float(row['ceiling_upper']))}"
    return number(float(row["ceiling"])) if np.isfinite(row["ceiling"]) else ""


def headlines(view: EncodingView) -> dict[tuple[str, str], str]:
    """For each `(metric, region)` a sentence to quote."""
    said = {}
    for metric in view.metrics:
        for region in view.regions:
            ranked = view.ranked(metric, region)
            ranked = ranked[np.isfinite(ranked["score"].to_numpy(dtype=float))]
            if len(ranked):
                said[metric, region] = _headline(view, metric, region, ranked)
    return said


def _headline(view: EncodingView, metric: str, region: str, ranked: Any) -> str:
    best = ranked.iloc[0]
    who, most = view.labels[best["model"]], view.subjects[region]
    layer = f"layer {best['layer']}"
    if best["agreed"] < best["subjects"]:
        layer = f"mostly {layer}" if 2 * best["agreed"] > best["subjects"] else f"layers about depth {number(float(best['depth']))}"
    start = f"{who} ({layer}) predicts {region} best of {len(ranked)} models" if len(ranked) > 1 else f"{who} ({layer}) predicts {region}"
    if metric == "cRSA":
        start = start.replace("predicts", "resembles")
    over = f" over {most} subjects" if most > 1 else ""
    ceiling = ceiling_words(best)
    return f"{start}: {metric} = {with_ends(best)}{over}" + (f", of a ceiling of {ceiling}." if ceiling else ".")


def headline(view: EncodingView) -> str:
    """The sentence of the first metric and region that have one."""
    said = headlines(view)
    return next(iter(said.values())) if said else "No layer of any model has a score."


def hierarchy(view: EncodingView) -> list[str]:
    """Where along the depth each region is predicted best: one sentence a metric, where there are several regions.

    A model with one or two layers has no depth to speak of.
    """
    said = []
    layers = view.scores.table.groupby("model")["layer"].nunique()
    deep = [model for model in view.models if layers[model] > 2]
    for metric in view.metrics:
        c = view.choices[(view.choices["metric"] == metric) & view.choices["model"].isin(deep)]
        depths = {region: float(c.loc[c["region"] == region, "depth"].mean()) for region in view.regions}
        known = {region: each for region, each in sorted(depths.items(), key=lambda pair: pair[1]) if np.isfinite(each)}
        if len(known) > 1:
            listed = ", ".join(f"{region} {number(each)}" for region, each in known.items())
            said.append(f"Mean relative depth of the chosen layers ({metric}; 0 input, 1 output): {listed}.")
    return said


def caveats(view: EncodingView) -> list[str]:
    """What a headline might hide."""
    said = ["Layers were chosen on the train half and are scored on the test half, so that these scores are not inflated by the choice."]
    c = view.choices
    above = c[np.isfinite(c["ceiling"].to_numpy(dtype=float)) & (c["score"] > c["ceiling"])]
    if len(above):
        said.append(f"{len(above)} scores lie above their ceiling, which is an estimate too; they are shown as they are.")
    edges = c["units_at_edge"].to_numpy(dtype=float)
    if np.isfinite(edges).any() and np.nanmax(edges) > 0.1:
        row = c.iloc[int(np.nanargmax(edges))]
        said.append(
            f"Up to {np.nanmax(edges):.0%} of a region's units have the smallest or largest penalty of the grid "
            f"({view.labels[row['model']]}, {row['layer']}, {row['region']}): a wider grid may predict them better."
        )
    return said


def procedure(view: EncodingView) -> list[str]:
    """The methods, in sentences: what is stated of every number is scorer, normaliser, aggregator, split and penalty rule."""
    t = view.scores.table
    said = [
        *(_recording(view, str(name), rows) for name, rows in t.groupby("recording", sort=False)),
        f"Protocol: {_all(t['protocol'])}.",
        *(f"{metric}: {METRIC_WORDS[metric]}." for metric in view.metrics if metric in METRIC_WORDS),
    ]
    for metric in view.metrics:
        rows = t[t["metric"] == metric]
        stated = [f"{words}: {_all(rows[field])}" for field, words in _FIELDS.items() if field in rows and _all(rows[field])]
        said.append(f"{metric} is stated with its conventions. {'; '.join(stated)}.")
    draws = max(int(each) for each in t["replicates"])
    how = f"percentiles of {draws:,} bootstrap replicates (seed {_all(t['seed'])})" if draws else "the score ± t times its standard error"
    over = ", and subjects are held fixed: they speak of other stimuli, not of other people" if view.most_subjects > 1 else ""
    said += [
        f"Intervals ({100 * view.scores.level:g} %) are over stimuli: {how}. Fitted maps are held fixed{over}.",
        "The layer of a model is chosen per metric, region and subject as the one with the best train score; what is reported is its test "
        "score, averaged over subjects. The noise ceiling is on the scale of the score; scores are not clipped at it.",
    ]
    if view.has_dimensionality:
        said.append(
            "Effective dimensionality is (Σλ)²/Σλ² of the features' covariance. Layers of one model are not independent, so that the "
            "correlation of score and dimensionality is described, not tested."
        )
    return [*said, f"Isomorph {__version__}."]


def _recording(view: EncodingView, name: str, rows: Any) -> str:
    regions = dict.fromkeys(rows["region"])
    whose = ", ".join(f"{region} ({count} subject{'s' * (count > 1)})" for region in regions if (count := view.subjects[region]))
    halves = rows.groupby("split", sort=False)["n_stimuli"].max()
    sizes = " and ".join(f"{int(count)} to {'train on' if split == 'train' else 'test on'}" for split, count in halves.items())
    return f"The recording {name}: {whose}; stimuli: {sizes}."


def _all(values: Any) -> str:
    return ", ".join(dict.fromkeys(str(each) for each in values if each is not None and str(each) not in ("", "nan", "None")))

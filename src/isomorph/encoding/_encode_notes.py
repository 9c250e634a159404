"""What a reader of scores ought to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from isomorph.encoding._protocol import Protocol
from isomorph.encoding._ridge import Ridge

if TYPE_CHECKING:
    import pandas

_EDGE = 0.05
_LISTED = 5
_ENOUGH = 20  # test stimuli: with so many 91 of 100 intervals held the truth, nearly what was asked


def notes_of(
    table: pandas.DataFrame, recorded: Sequence[str], constant: Sequence[str], protocol: Protocol, *, folds: int
) -> tuple[str, ...]:
    """Sentences on the recording, layers left out, choices among layers, few stimuli, penalties at the edge, and scores above ceilings."""
    notes = list(dict.fromkeys(recorded))
    if constant:
        listed = ", ".join(constant[:_LISTED])
        said = "1 layer is" if len(constant) == 1 else f"{len(constant)} layers are"
        notes.append(f"{said} alike for all stimuli of one side of the split, and left out: {listed}{_more(len(constant))}.")
    test = table[table["split"] == "test"]
    for note in (_choices(test, folds), _few(test), _edges(test, protocol), _undefined(test), _above(test)):
        notes += note
    return tuple(notes)


def _choices(test: pandas.DataFrame, folds: int) -> list[str]:
    """Of several folds, each trains on stimuli that others test on."""
    if folds < 2 or test["layer"].nunique() < 2:
        return []
    return [
        f"train scores are means over {folds} folds, which train on stimuli that other folds test on: the test scores of layers that they "
        "choose are too high. To report a chosen layer, split once: EvenOdd() or Halves(…)."
    ]


def _few(test: pandas.DataFrame) -> list[str]:
    least = int(test["n_stimuli"].min())
    if least >= _ENOUGH:
        return []
    return [
        f"scores rest on {least} test stimuli: of fewer than {_ENOUGH} intervals are too narrow (95 % intervals of mean correlations held "
        "the truth in 78 of 100 simulations with 3, in 85 with 8)."
    ]


def _edges(test: pandas.DataFrame, protocol: Protocol) -> list[str]:
    many = test[(test["metric"] != "cRSA") & (test["units_at_edge"] > _EDGE)]
    if many.empty or not isinstance(protocol.regression, Ridge):
        return []
    grid, worst = protocol.regression.alphas, many.iloc[int(many["units_at_edge"].to_numpy().argmax())]
    layers = many[["model", "layer"]].drop_duplicates()
    return [
        f"in {len(layers)} of {len(test[['model', 'layer']].drop_duplicates())} layers more than {_EDGE:.0%} of a region's units have the "
        f"smallest or largest alpha of the grid ({grid[0]:g} to {grid[-1]:g}), most in {worst['layer']} with {worst['region']}"
        f"{' of ' + worst['subject'] if worst['subject'] else ''} ({worst['units_at_edge']:.0%}); a wider grid may predict them better."
    ]


def _undefined(test: pandas.DataFrame) -> list[str]:
    nothing = test[test["score"].isna()]
    if nothing.empty:
        return []
    named = nothing[["metric", "region", "subject"]].drop_duplicates()
    listed = ", ".join(" ".join(filter(None, row)) for row in named.to_numpy()[:_LISTED])
    return [
        f"{len(nothing)} of {len(test)} test scores are not defined, because an RDM is constant or a stimulus has no pattern to correlate: "
        f"{listed}{_more(len(named))}."
    ]


def _above(test: pandas.DataFrame) -> list[str]:
    above = test[(test["score"] > test["ceiling"]) | (test["normalised"] > 1)]
    if above.empty:
        return []
    listed = ", ".join(
        f"{row['metric']} of {row['layer']} with {row['region']}{' of ' + row['subject'] if row['subject'] else ''} "
        f"({row['score']:.2f} of {row['ceiling']:.2f})"
        for row in above.sort_values("score", ascending=False).head(_LISTED).to_dict("records")
    )
    return [
        f"{len(above)} test scores are above their ceilings, which are estimates: {listed}{_more(len(above))}. They are left as they are."
    ]


def _more(count: int) -> str:
    return f" and {count - _LISTED} more" if count > _LISTED else ""

"""What a consistency report says in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph._version import __version__
from isomorph.report._headline import number

if TYPE_CHECKING:
    from isomorph.report._consistency_view import View

CITATIONS = (
    "Ciernik, Linhardt, Morik, Dippel, Kornblith & Muttenthaler (2025). Training objective drives the consistency of representational "
    "similarity across datasets. arXiv:2411.05561.",
    "Kornblith, Norouzi, Lee & Hinton (2019). Similarity of neural network representations revisited. arXiv:1905.00414.",
    "Song, Smola, Gretton, Bedo & Borgwardt (2012). Feature selection via dependence maximization. JMLR 13, 1393-1434.",
)


def between(row: Any, value: str = "median") -> str:
    """`0.71 [0.60, 0.80]`."""
    text = number(float(row[value]))
    if np.isfinite(row["low"]) and np.isfinite(row["high"]):
        text += f" [{number(float(row['low']))}, {number(float(row['high']))}]"
    return text


def set_name(row: Any) -> str:
    """`SSL` within a set, `SSL – Supervised` between two."""
    return str(row["set_a"]) if row["set_a"] == row["set_b"] else f"{row['set_a']} – {row['set_b']}"


def overall(view: View) -> Any:
    """The summary row of all models together by the first measure; of the first set where there is none such; None without numbers."""
    for result in [view.results["all"]] if "all" in view.results else view.results.values():
        rows = result.summary[result.summary["measure"] == view.similarities.measures[0]]
        rows = rows[np.isfinite(rows["median"].to_numpy(dtype=float))]
        if len(rows):
            whole = rows[rows["set_a"] == "all models"]
            return (whole if len(whole) else rows).iloc[0]
    return None


def headline(view: View) -> str:
    """One sentence to quote: how consistent similarities are, over all models and first measure."""
    best, count = overall(view), len(view.similarities.models)
    if best is None:
        return f"{count} models on {len(view.similarities.datasets)} data sets are too few to say how consistent their similarities are."
    pairs = int(best["dataset_pairs"])
    median = round(float(best["median"]), 2)
    word = "strongly" if median >= 0.8 else "moderately" if median >= 0.5 else "weakly" if median >= 0.2 else "hardly"
    models = f"of {count} models" if best["set_a"] == "all models" else f"models of {set_name(best)}"
    return (
        f"Which {models} are alike carries over {word} from one data set to another: "
        f"median correlation {between(best)} over {pairs} pair{'s' if pairs > 1 else ''} of data sets."
    )


def caveats(view: View) -> list[str]:
    """What the headline might hide."""
    said: list[str] = []
    row = overall(view)
    if row is None:
        return said
    said.append(
        f"Measured by {view.similarities.measures[0]}. Pairs of models share models, so that intervals come from drawing models or data "
        "sets, never from treating pairs as independent."
    )
    partial = float(row.get("width_partial_median", np.nan))
    if np.isfinite(partial):
        said.append(f"With the models' numbers of features partialled out the median is {number(partial)}.")
    return said


def procedure(view: View) -> list[str]:
    """The methods, in sentences."""
    s, options = view.similarities, view.first[1].options
    counts = ", ".join(f"{name} ({n:,})" for name, n in zip(s.datasets, s.n, strict=True)) if s.n else ", ".join(s.datasets)
    models, level = len(s.models), 100 * float(options.get("level", 0.95))
    said = [
        f"There are {models} models and {len(s.datasets)} data sets: {counts}. On each, all {models * (models - 1) // 2} pairs of models "
        f"were compared by {', '.join(s.measures)}.",
        f"Consistency is the {options.get('method', 'pearson').capitalize()} correlation, over pairs of models, between the similarities "
        "on one data set and those on another. A set of models is compared within itself and with other sets.",
        f"Intervals ({level:g} %) are percentiles of {options.get('replicates', 0):,} bootstrap replicates over "
        f"{options.get('resample', 'models')}; a model and its own copy make no pair. p-values come from "
        f"{options.get('permutations', 0):,} permutations of the models' labels on each data set by itself.",
        "Range restriction: sets whose similarities differ little correlate less, whatever their consistency; the table gives the standard "
        "deviation, and the median after all sets are cut to the same number of pairs. The width-partialled median takes out how many "
        "features the models have. The disattenuated median corrects for the error with which each similarity is known.",
    ]
    if s.performance is not None:
        said.append(
            "The performance of a model on a data set was given; where a study file was run, it is the cross-validated accuracy of a "
            "linear probe for the data set's labels."
        )
    said.append(f"Isomorph {__version__}.")
    return said

"""What the engine must collect for a measure, and how its value follows from that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from isomorph.measures import CKA, CKNNA, HSIC, RBFCKA, RSA, AngularCKA, JaccardKNN, Measure, MutualKNN

Kind: TypeAlias = Literal["linear", "dot", "rbf", "correlation", "cosine", "centred-cosine", "euclidean", "sqeuclidean"]
Statistic: TypeAlias = Literal["song", "biased", "lange", "pearson", "cosine", "spearman", "rho-a", "mutual-knn", "jaccard-knn", "cknna"]

RANKS = ("spearman", "rho-a")
ESTIMATORS = ("song", "biased", "lange")
NEIGHBOURS = ("mutual-knn", "jaccard-knn", "cknna")


@dataclass(frozen=True, kw_only=True)
class View:
    """A matrix of relations that follows from inner products.

    Attributes:
        kind: A kernel or a distance.
        sigma: The width of an RBF kernel.
        unit: What `sigma` is measured in.
        centring: `"U"` (Székely and Rizzo's, off the diagonal) or `"C"` (double) where a jack-knife needs rows that sum to 0; else `""`.
    """

    kind: Kind
    sigma: float = 0.0
    unit: str = ""
    centring: Literal["", "U", "C"] = ""

    @property
    def base(self) -> str:
        """Whose inner products it follows from: features, or their rows at unit length."""
        return self.kind if self.kind in ("correlation", "cosine", "centred-cosine") else "centred"

    @property
    def key(self) -> str:
        """How tensors of a state name it."""
        return " ".join(str(part) for part in (self.kind, self.sigma or "", self.unit, self.centring) if part)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A measure as the engine computes it.

    Attributes:
        label: What the result calls it.
        view: The relations that it compares.
        statistic: How it compares them.
        minimum: The fewest stimuli.
        form: Of an HSIC: `"ratio"` (divided by the self terms), `"angle"` (of that) or `"plain"`.
        k: How many neighbours, if it looks at them.
        mutual: Whether neighbours must be so both ways.
    """

    label: str
    view: View
    statistic: Statistic
    minimum: int = 2
    form: Literal["ratio", "angle", "plain"] = "ratio"
    k: int = 0
    mutual: bool = False


def recipe_of(measure: Measure, label: str, *, jackknife: bool) -> Recipe | None:
    """The streaming form of `measure`; None where it has none (or has an option that the engine does not know)."""
    found = _form(measure, label)
    if found is None:
        return None
    view = found.view
    if jackknife and found.statistic in ("song", "biased"):
        view = replace(view, centring="U" if found.statistic == "song" else "C")
    return replace(found, view=view, minimum=measure.traits.minimum_stimuli)


def _form(measure: Any, label: str) -> Recipe | None:
    kind = type(measure)
    if kind in (CKA, HSIC, AngularCKA, RBFCKA):
        return _alignment(measure, label)
    if kind is RSA:
        return _rsa(measure, label)
    if kind is MutualKNN:
        return Recipe(label=label, view=View(kind="cosine"), statistic="mutual-knn", k=measure.k)
    if kind is JaccardKNN:
        return Recipe(label=label, view=View(kind="centred-cosine" if measure.centre else "cosine"), statistic="jaccard-knn", k=measure.k)
    if kind is CKNNA and not measure.epsilon:
        views: dict[str, Kind] = {"cosine": "cosine", "centred": "linear", "dot": "dot"}
        if measure.similarity in views:
            view = View(kind=views[measure.similarity])
            return Recipe(label=label, view=view, statistic="cknna", k=measure.k, mutual=measure.mask == "mutual")
    return None


def _alignment(measure: Any, label: str) -> Recipe | None:
    if measure.hsic_estimator not in ESTIMATORS:
        return None
    if type(measure) is RBFCKA:
        if measure.sigma_unit not in ("absolute", "median", "root-median"):
            return None
        view = View(kind="rbf", sigma=float(measure.sigma), unit=measure.sigma_unit)
        return Recipe(label=label, view=view, statistic=measure.hsic_estimator)
    form: dict[type, Literal["angle", "plain"]] = {AngularCKA: "angle", HSIC: "plain"}
    return Recipe(label=label, view=View(kind="linear"), statistic=measure.hsic_estimator, form=form.get(type(measure), "ratio"))


def _rsa(measure: Any, label: str) -> Recipe | None:
    distance, comparison = measure.distance, measure.comparison
    if distance not in ("correlation", "cosine", "euclidean", "sqeuclidean") or comparison not in ("pearson", "cosine", *RANKS):
        return None
    if comparison in RANKS and distance == "euclidean":  # a root keeps the order
        distance = "sqeuclidean"
    return Recipe(label=label, view=View(kind=distance), statistic=comparison)

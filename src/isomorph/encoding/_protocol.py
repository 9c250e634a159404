"""How an encoding model is judged: every choice a field of its own, recorded with every score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from isomorph.encoding._aggregator import AGGREGATORS
from isomorph.encoding._normaliser import NORMALISERS, VARIANCE_SCORERS
from isomorph.encoding._ridge import Ridge
from isomorph.encoding._scorer import check_scorer
from isomorph.encoding._split import EvenOdd, Split
from isomorph.errors import InputError, UnknownNameError
from isomorph.geometry._distance import check_distance
from isomorph.inference._comparison import check_comparison

if TYPE_CHECKING:
    from isomorph.encoding._pls import PLS
    from isomorph.encoding._principal_regression import PrincipalRegression
    from isomorph.encoding._sparse_projection import SparseProjection

    Regression: TypeAlias = Ridge | PLS | PrincipalRegression

METRICS = ("cRSA", "eReg", "eRSA")
CEILINGS = ("auto", "ncsnr", "split-half", "leave-one-subject-out", "none")


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What is fitted, on which stimuli, how it is scored and how scores are made one; `load_protocol` has published ones.

    Attributes:
        name: What tables call it.
        metrics: `"cRSA"`: the geometry of a layer against that of a region, nothing fitted. `"eReg"`: responses of units predicted by a
            linear map. `"eRSA"`: the geometry of these predictions against that of the region.
        split: Which stimuli are trained on and which are tested on. Scores of several folds are averaged.
        regression: The map: `Ridge`, `PLS`, `PrincipalRegression`.
        projection: None: exact, from inner products of all features. `SparseProjection()`: of features mixed at random into fewer first.
        penalties: What penalties of a ridge without standardisation mean. `"projected"`: what they mean for as many standardised columns as
            a random projection of the recording's stimuli has (`johnson_lindenstrauss`), of which that ridge is the limit for many
            draws: one number scales all features of a layer. `"raw"`: what they mean for the features as they are.
        scorer: Of a unit: `"pearson"`, `"spearman"`, `"r2"`, `"explained_variance"`, `"concordance"`.
        normaliser: `"none"`, `"r/ceiling"`, `"r2/ceiling2"`, `"r2/ceiling4"`, as in `normalise`.
        normalised: Whether each of the `"units"` is normalised before they are aggregated, or the scores and ceilings of `"regions"` after.
        ceiling: Of units as in `unit_ceilings`: `"ncsnr"`, `"split-half"`, `"leave-one-subject-out"`, `"none"`; `"auto"`: ncsnr where it
            can be had. Of RDMs: from trials where there are any, else across subjects.
        bound: Which end of an RDM's ceiling counts as the ceiling: `"upper"` or `"lower"`.
        aggregator: Over units: `"mean"` or `"median"`.
        distance: Of RDMs.
        comparison: Of RDMs.
        min_units: Regions with fewer units of a subject are left out, and named in the notes.

    Raises:
        InputError: Choices that do not go together.
        UnknownNameError: A name that there is not.

    Example:
        >>> Protocol(metrics=("eReg",), scorer="r2", aggregator="median").split.rule
        'even-odd'
    """

    name: str = "own"
    metrics: tuple[str, ...] = METRICS
    split: Split = field(default_factory=EvenOdd)
    regression: Regression = field(default_factory=lambda: Ridge(standardise=False))
    projection: SparseProjection | None = None
    penalties: Literal["projected", "raw"] = "projected"
    scorer: str = "pearson"
    normaliser: str = "none"
    normalised: Literal["units", "regions"] = "units"
    ceiling: str = "auto"
    bound: Literal["lower", "upper"] = "upper"
    aggregator: str = "mean"
    distance: str = "correlation"
    comparison: str = "pearson"
    min_units: int = 2

    def __post_init__(self) -> None:
        given: Any = self.metrics
        metrics = (given,) if isinstance(given, str) else tuple(dict.fromkeys(given))
        object.__setattr__(self, "metrics", metrics)
        for metric in metrics:
            _check(metric, "metric", METRICS)
        if not metrics:
            raise InputError(f"a protocol needs at least one metric of {', '.join(METRICS)}.")
        check_scorer(self.scorer)
        _check(self.normaliser, "normaliser", NORMALISERS)
        _check(self.normalised, "place to normalise", ("units", "regions"))
        _check(self.ceiling, "ceiling", CEILINGS)
        _check(self.bound, "bound of a ceiling", ("lower", "upper"))
        _check(self.aggregator, "aggregator", AGGREGATORS)
        _check(self.penalties, "scale of penalties", ("projected", "raw"))
        check_distance(self.distance)
        check_comparison(self.comparison, None)
        if not isinstance(self.split, Split):
            raise InputError(f"Protocol.split must be EvenOdd(), KFold(…), Shuffled(…) or Halves(…); got {self.split!r:.80}.")
        if not callable(getattr(self.regression, "fit", None)):
            raise InputError(f"Protocol.regression must be Ridge(…), PLS(…) or PrincipalRegression(…); got {self.regression!r:.80}.")
        if self.min_units < 1:
            raise InputError(f"Protocol.min_units must be at least 1; got {self.min_units}.")
        if self.normaliser != "none" and self.ceiling == "none":
            raise InputError(f"the normaliser {self.normaliser!r} needs a ceiling, but ceiling='none'. Choose ceiling='auto'.")
        if self.scorer in VARIANCE_SCORERS and self.normaliser in ("r/ceiling", "r2/ceiling4"):
            raise InputError(
                f"the normaliser {self.normaliser!r} divides correlations, but the scorer {self.scorer!r} is a share of variance. "
                "Choose normaliser='r2/ceiling2'."
            )

    def changed(self, **changes: Any) -> Protocol:
        """The protocol with other options; its name says so.

        Raises:
            UnknownNameError: There is no such option.
        """
        known = tuple(self.__dataclass_fields__)
        for name in changes:
            if name not in known:
                raise UnknownNameError("option of a protocol", name, known, listing="`help(Protocol)` has them")
        made = replace(self, **changes)
        return made if "name" in changes or made == self else replace(made, name=f"{self.name}, changed")

    def plain(self) -> dict[str, Any]:
        """The fields as plain data; the split and the regression say what they are."""
        from isomorph.encoding._protocol_plain import plain_protocol

        return plain_protocol(self)

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> Protocol:
        """What `plain` gave, as a protocol.

        Raises:
            InputError: It is another thing.
        """
        from isomorph.encoding._protocol_plain import protocol_from_plain

        return protocol_from_plain(plain)

    @property
    def fits(self) -> bool:
        """Whether any metric needs a regression."""
        return any(metric != "cRSA" for metric in self.metrics)


def _check(value: str, what: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UnknownNameError(what, str(value), known)

"""One answer an item from several raters: the majority, or Dawid and Skene's model of who errs how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from isomorph.errors import InputError, ShapeError, UnknownNameError
from isomorph.perception._answers import Answers
from isomorph.perception._distributions import Floats
from isomorph.perception._responses import coded, tallied

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False, kw_only=True)
class Aggregate:
    """What several raters say together.

    Attributes:
        outcomes: What was answered, in the order of the columns.
        probabilities: `[item, outcome]`: shares of votes (majority), or posterior probabilities (Dawid–Skene).
        labels: `[item]` the most probable outcome; a tie goes to the first in order.
        tied: `[item]` whether there was one.
        prior: `[outcome]` class frequencies, Dawid–Skene's only.
        confusion: `[rater, outcome, answer]` what each rater answers where the class is `outcome`, Dawid–Skene's only.
        log_likelihood: Of the answers, in nats, Dawid–Skene's only.
        iterations: EM steps taken.
        converged: Whether they ended by themselves.
    """

    outcomes: tuple[str, ...]
    probabilities: Floats
    labels: tuple[str, ...]
    tied: npt.NDArray[np.bool_]
    prior: Floats | None = None
    confusion: Floats | None = None
    log_likelihood: float = float("nan")
    iterations: int = 0
    converged: bool = True

    def answers(self, ids: Sequence[str], **facts: Any) -> Answers:
        """As `Answers` to these items."""
        return Answers(ids=tuple(ids), outcomes=self.outcomes, probabilities=self.probabilities, **facts)


def aggregate(
    responses: Any,
    *,
    method: Literal["majority", "dawid-skene"] = "majority",
    smoothing: float = 0.0,
    tolerance: float = 1e-8,
    iterations: int = 1000,
) -> Aggregate:
    r"""Labels from several raters' answers.

    `"dawid-skene"` (1979, <https://doi.org/10.2307/2346806>) fits class frequencies \(\rho_k\) and each rater's confusion matrix
    \(\theta_{rk\ell}\) by EM in log space, from the shares of votes:
    \(P(k \mid i) \propto \rho_k \prod_r \theta_{r k \ell(i, r)}\). It weighs raters by how they err, and
    needs each to have answered many items.

    Args:
        responses: `[item, rater]` text or numbers; missing: NaN, None or `""`.
        method: How they are put together.
        smoothing: Added to each cell of a rater's confusion matrix before it is normalised; 0: plain maximum likelihood.
        tolerance: EM ends when the log likelihood per answer grows by less.
        iterations: Or after so many steps, with `converged` False.

    Raises:
        InputError: An item has no answer.

    Example:
        >>> aggregate([["cat", "cat", "dog"], ["dog", "dog", "dog"]]).labels
        ('cat', 'dog')
    """
    if method not in ("majority", "dawid-skene"):
        raise UnknownNameError("way to aggregate", method, ("majority", "dawid-skene"))
    codes, values = coded(responses)
    counts = tallied(codes, len(values))
    empty = np.flatnonzero(counts.sum(axis=1) == 0)
    if len(empty):
        raise InputError(f"nobody answered item {empty[0]}, nor {len(empty) - 1} others of {len(codes)}. Leave them out.")
    outcomes = tuple(str(each) for each in values)
    shares = counts / counts.sum(axis=1, keepdims=True)
    if method == "majority":
        return Aggregate(outcomes=outcomes, probabilities=shares, **_labelled(shares, outcomes))
    return _dawid_skene(codes, shares, outcomes, smoothing, tolerance, iterations)


def _labelled(p: Floats, outcomes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "labels": tuple(outcomes[at] for at in p.argmax(axis=1)),
        "tied": np.isclose(p, p.max(axis=1, keepdims=True), rtol=0, atol=1e-12).sum(axis=1) > 1,
    }


def _dawid_skene(
    codes: npt.NDArray[np.int64], posterior: Floats, outcomes: tuple[str, ...], smoothing: float, tolerance: float, iterations: int
) -> Aggregate:
    from scipy.sparse import csr_array
    from scipy.special import logsumexp

    classes, raters = len(outcomes), codes.shape[1]
    items, who = np.nonzero(codes >= 0)
    shown = csr_array((np.ones(len(items)), (items, who * classes + codes[items, who])), shape=(len(codes), raters * classes))
    before, step, done = -np.inf, 0, False
    while True:
        prior = posterior.mean(axis=0)
        table = np.asarray(shown.T @ posterior).reshape(raters, classes, classes).transpose(0, 2, 1) + smoothing
        sums = table.sum(axis=2, keepdims=True)
        confusion = np.divide(table, sums, out=np.full_like(table, 1 / classes), where=sums > 0)  # a class no rater met says nothing
        logs = np.log(np.maximum(confusion, 1e-300)).transpose(0, 2, 1).reshape(raters * classes, classes)
        joint = np.asarray(shown @ logs) + np.log(np.maximum(prior, 1e-300))
        evidence = logsumexp(joint, axis=1)
        likelihood = float(evidence.sum())
        done = likelihood - before < tolerance * len(items)
        if done or step >= iterations:
            break
        posterior, before, step = np.exp(joint - evidence[:, None]), likelihood, step + 1
    return Aggregate(
        outcomes=outcomes, probabilities=posterior, prior=prior, confusion=confusion, log_likelihood=likelihood, iterations=step,
        converged=done, **_labelled(posterior, outcomes),
    )  # fmt: skip


def annotator_quality(responses: Any, *, truth: Any = None, abstain: str | None = None) -> pandas.DataFrame:
    """Each rater beside the others.

    Args:
        responses: `[item, rater]` text or numbers; missing: NaN, None or `""`.
        truth: `[item]` right answers, where they are known.
        abstain: The answer that means none, such as `"na"`.

    Returns:
        One row a rater: `rater`, `n` (answers), `agreement` (share of items on which the rater gives the majority answer of the *others*;
        ties among them count as their share), `kappa` (mean Cohen's κ with each other rater on items both answered), `accuracy`
        (against `truth`), `abstained` (share). What cannot be computed is NaN.

    Raises:
        ShapeError: The truth has another number of items.

    Example:
        >>> annotator_quality([["a", "a", "b"], ["b", "b", "b"], ["a", "a", "a"]])["agreement"].round(2).tolist()
        [0.83, 0.83, 0.67]
    """
    import pandas

    codes, values = coded(responses)
    counts = tallied(codes, len(values))
    if truth is not None and len(truth) != len(codes):
        raise ShapeError(f"the truth has {len(truth)} items and the responses {len(codes)}.")
    place = {str(each): at for at, each in enumerate(values.tolist())}
    right = None if truth is None else np.array([place.get(each, -2) for each in _as_named(truth, values)])
    kappas = _cohen(codes, len(values))
    rows = []
    for rater in range(codes.shape[1]):
        mine = np.flatnonzero(codes[:, rater] >= 0)
        answer = codes[mine, rater]
        rows.append({
            "rater": rater, "n": len(mine), "agreement": _with_others(counts[mine], answer),
            "kappa": _mean(np.delete(kappas[rater], rater)),
            "accuracy": float("nan") if right is None else _mean((right[mine] == answer).astype(np.float64)),
            "abstained": _mean((answer == place.get(str(abstain), -2)).astype(np.float64)),
        })  # fmt: skip
    return pandas.DataFrame(rows)


def _as_named(truth: Any, values: npt.NDArray[Any]) -> list[str]:
    """The truth as the responses are named: numbers that are missing somewhere are floats, and 1 is then called 1.0."""
    column = np.asarray(truth)
    both_numbers = column.dtype.kind in "biuf" and values.dtype.kind in "biuf"
    return [str(each) for each in (column.astype(np.result_type(column, values)) if both_numbers else column).tolist()]


def _with_others(counts: npt.NDArray[np.int64], answer: npt.NDArray[np.int64]) -> float:
    others = counts.copy()
    others[np.arange(len(others)), answer] -= 1
    others = np.where(others.sum(axis=1, keepdims=True) > 0, others, -1)
    best = others == others.max(axis=1, keepdims=True)
    share = best[np.arange(len(others)), answer] / best.sum(axis=1)
    return _mean(share[others.max(axis=1) > 0])


def _cohen(codes: npt.NDArray[np.int64], outcomes: int) -> Floats:
    """`[rater, rater]` Cohen's κ on the items that both answered; NaN where it is 0/0."""
    shown = (codes >= 0).astype(np.float64)
    hot = (codes[:, :, None] == np.arange(outcomes)).astype(np.float64)
    both = shown.T @ shown
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = np.einsum("irk,isk->rs", hot, hot, optimize=True) / both
        shares = np.einsum("irk,is->rsk", hot, shown, optimize=True)  # rater r's answers on the items that s answered, too
        expected = np.einsum("rsk,srk->rs", shares, shares) / both**2
        return np.asarray(np.where(expected < 1, (observed - expected) / (1 - expected), np.nan))


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")

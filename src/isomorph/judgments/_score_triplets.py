"""How well similarities foretell what people chose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.inference import interval
from isomorph.inference._bootstrap import check_draws
from isomorph.judgments._blocks import for_blocks
from isomorph.judgments._resample import resampled_means
from isomorph.judgments._similarity import Centring, Similarity, pair_similarities
from isomorph.judgments._softmax import softmax_parts
from isomorph.judgments._ties import TIES, Ties, choices
from isomorph.judgments._triplet_score import TripletScore
from isomorph.judgments._triplets import Triplets


def score_triplets(
    x: Features | Gram | RDM,
    triplets: Triplets,
    *,
    similarity: Similarity | Callable[[FloatArray], FloatArray] = "dot",
    centring: Centring = "stimuli",
    temperature: float = 1.0,
    ties: Ties = "split",
    replicates: int = 1000,
    resample: str = "trials",
    level: float = 0.95,
    seed: int = 0,
    memory_limit: str | int = "2GB",
    positional: bool = False,
) -> TripletScore:
    r"""Score similarities against odd-one-out (or two-alternative) judgments.

    $$q = \mathrm{softmax}((s_{01}, s_{02}, s_{12})/T), \qquad \mathrm{NLL} = -\tfrac1n \sum \ln q_{01}$$

    The model keeps the pair with the largest similarity together; accuracy is the share of trials in which that is the people's pair
    (chance 1/3; 1/2 for two alternatives, where the pair 12 is left out). Where the judgments have soft choices p, accuracy is the
    expected share of people that agree and NLL is \(-\sum_c p_c \ln q_c\).

    The NLL depends on the scale of the similarities, accuracy does not: dot products of raw features make it large without any need.
    `temperature` divides the similarities; `TripletScore.best_temperature()` says which one these trials would like.

    Args:
        x: Features, their Gram matrix, or an RDM; joined by id.
        triplets: The judgments.
        similarity: `"dot"`, `"cosine"`, `"centred-cosine"`, `"euclidean"` or a function; see `pair_similarities`.
        centring: Which mean a centred cosine takes away.
        temperature: T, above 0.
        ties: What a trial counts whose largest similarity is shared; see `choices`. Recorded in the score.
        replicates: Bootstrap samples; 0 for no interval.
        resample: What is drawn: `"trials"`, `"objects"` or `"participants"`. Trials that share objects are not independent: over
            objects the interval is the one to report for new objects.
        level: The interval's coverage.
        seed: The bootstrap's seed.
        memory_limit: See `pair_similarities`.
        positional: Join by position instead of by id.

    Raises:
        IdError: A trial shows an object that `x` lacks.
        NonFiniteError: `x` holds NaN or infinity.
        InputError: An option lies outside its range, or there are no trials.

    Example:
        >>> x = Features(np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]), ("ant", "bee", "cup"))
        >>> trials = Triplets(items=np.array([[0, 1, 2], [1, 2, 0]]), objects=("ant", "bee", "cup"))
        >>> score_triplets(x, trials, replicates=0).accuracy
        0.5
    """
    check_draws(replicates=replicates, seed=seed, level=level)
    if not temperature > 0 or not np.isfinite(temperature):
        raise InputError(f"the temperature must be above 0; got {temperature}.")
    if ties not in TIES:
        raise InputError(f"ties are one of {', '.join(map(repr, TIES))}; got {ties!r}.")
    if not len(triplets):
        raise InputError("there are no trials to score.")
    similarities = pair_similarities(
        x, triplets, similarity=similarity, centring=centring, memory_limit=memory_limit, positional=positional
    )
    posterior, credit, nll, tied = _per_trial(similarities.T, triplets, temperature, ties)
    intervals = np.full((2, 2), np.nan)
    if replicates:
        means = resampled_means(np.stack([credit, nll]), triplets, resample=resample, replicates=replicates, seed=seed)
        intervals = np.array(interval(means, level))
    return TripletScore(
        accuracy=float(credit.mean()), nll=float(nll.mean()), low=_or_none(intervals[0, 0]), high=_or_none(intervals[1, 0]),
        nll_low=_or_none(intervals[0, 1]), nll_high=_or_none(intervals[1, 1]), n=len(triplets), ties=ties, tied=tied,
        similarity=_label(x, similarity, centring),
        temperature=float(temperature), resample=resample, replicates=replicates, level=level, seed=seed, task=triplets.task,
        subject=x.subject, layer=x.layer, order=triplets.order, credit=credit, trial_nll=nll,
        similarities=similarities, posterior=posterior.T, soft=triplets.soft,
    )  # fmt: skip


def _label(x: Features | Gram | RDM, similarity: str | Callable[[FloatArray], FloatArray], centring: str) -> str:
    if isinstance(x, RDM):
        return f"-{x.distance or 'dissimilarity'}"
    if not isinstance(similarity, str):
        return getattr(similarity, "__name__", "function")
    return f"{similarity} ({centring})" if similarity == "centred-cosine" else similarity


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _per_trial(
    similarities: FloatArray, triplets: Triplets, temperature: float, ties: Ties
) -> tuple[FloatArray, FloatArray, FloatArray, int]:
    """Posterior `[pair, trial]`, credit and NLL `[trial]`, and the number of tied trials."""
    n, pairs = len(triplets), 2 if triplets.task == "two-alternative" else 3
    posterior = np.zeros((3, n))
    credit, nll, tied = np.empty(n), np.empty(n), np.empty(n, dtype=np.bool_)

    def work(at: slice) -> None:
        block = similarities[:pairs, at].astype(np.float64)
        posterior[:pairs, at], shifted, log_total = softmax_parts(block / temperature)
        chosen, tied[at] = choices(block, posterior[:pairs, at], ties)
        if triplets.soft is None:
            credit[at], nll[at] = chosen[0], log_total - shifted[0]
        else:
            people = triplets.soft[at].T[:pairs]
            credit[at] = (chosen * people).sum(axis=0)
            nll[at] = (people * (log_total - shifted)).sum(axis=0)

    for_blocks(n, work)
    return posterior, credit, nll, int(tied.sum())

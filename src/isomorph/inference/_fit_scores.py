"""Cross-validated scores and ceilings of many weighted samples at once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError
from isomorph.inference._comparison import GRAMS, compare_rdms
from isomorph.inference._deletion import subset
from isomorph.inference._fit import fit
from isomorph.inference._fit_folds import LEAST_IN_FOLD, split, too_small
from isomorph.inference._fit_grams import RANKED, grams, pooled_shares
from isomorph.inference._models import Candidates, SelectModel
from isomorph.inference._weighted import weighted_similarities

_CHUNK_VALUES = 3_000_000


@dataclass(frozen=True, eq=False)
class Samples:
    """Weighted samples, and how each is split.

    Attributes:
        weights: `[sample, stimulus]`: how often each stimulus stands.
        stimuli: `[sample, stimulus]`: its fold; −1 where it was not drawn.
        people: `[variant, sample, subject]`: how often each subject stands; several variants share the stimuli of a sample.
        subjects: `[variant, sample, subject]`: their folds.
        counts: How many folds of stimuli and of subjects.
    """

    weights: IntArray
    stimuli: IntArray
    people: IntArray
    subjects: IntArray
    counts: tuple[int, int]

    def __len__(self) -> int:
        return len(self.weights)

    def part(self, at: slice) -> Samples:
        return Samples(self.weights[at], self.stimuli[at], self.people[:, at], self.subjects[:, at], self.counts)


@dataclass(frozen=True, eq=False)
class FoldScores:
    """What samples gave.

    Attributes:
        per_subject: `[variant, sample, model, subject]`: mean over folds of stimuli; NaN where it is undefined.
        scores: `[variant, sample, model]`.
        bounds: `[variant, sample, 2]`: the ceilings.
        weights: For each model `[variant, sample, fold of stimuli, fold of subjects, component]`.
    """

    per_subject: FloatArray
    scores: FloatArray
    bounds: FloatArray
    weights: tuple[FloatArray, ...]


class FoldScorer:
    """Fits every model on the training folds of a sample and scores it on the test folds.

    For the comparisons that are inner products, all that is needed of a sample are the inner products of components and subjects on its
    training and on its test stimuli: matrix products over all samples. The others are compared fold by fold.

    Args:
        models: What is scored.
        subjects: `[subject, pair]`.
        comparison: As in `compare_rdms`.
        sigma_k: As in `compare_rdms`.
    """

    def __init__(self, models: Candidates, subjects: FloatArray, *, comparison: str, sigma_k: FloatArray | None) -> None:
        scale = np.concatenate([np.full(span.stop - span.start, np.abs(models.rows[span]).max()) for span in models.spans])
        own = np.abs(subjects).max(axis=1)
        scale, own = (np.where(each > 0, each, 1.0)[:, None] for each in (scale, own))
        self.models, self.comparison, self.sigma_k = models, comparison, sigma_k
        self.components = len(models.rows)
        self.rows = np.concatenate([models.rows / scale, subjects / own])
        self.linear = comparison not in (*RANKED, *GRAMS) and sigma_k is None

    def __call__(self, samples: Samples) -> FoldScores:
        step = max(1, _CHUNK_VALUES // (2 * samples.counts[0] * len(self.rows) ** 2))
        parts = [self._scored(samples.part(slice(start, start + step))) for start in range(0, len(samples), step)]
        per_subject, bounds = (np.concatenate(each, axis=1) for each in zip(*((p[0], p[1]) for p in parts), strict=True))
        weights = tuple(np.concatenate(each, axis=1) for each in zip(*(p[2] for p in parts), strict=True))
        held = np.where(samples.people[:, :, None] > 0, per_subject, 0.0)
        scores = np.einsum("vrmS,vrS->vrm", held, samples.people) / samples.people.sum(axis=2, keepdims=True)
        unusable = too_small(samples.stimuli, samples.counts[0], LEAST_IN_FOLD)[None] | np.stack(
            [too_small(each, samples.counts[1], 1) for each in samples.subjects]
        )
        scores[unusable], bounds[unusable] = np.nan, np.nan
        return FoldScores(per_subject, scores, bounds, weights)

    def _scored(self, samples: Samples) -> tuple[FloatArray, FloatArray, list[FloatArray]]:
        """Similarities to each subject, ceilings, and weights of a block of samples."""
        count, (k, s) = len(samples), samples.counts
        train, test = split(samples.weights, samples.stimuli, k)
        of_people = split(samples.people, samples.subjects, s)[0]
        weights = self._weights(train, of_people)
        own = samples.subjects[:, :, None, :] == np.arange(s)[:, None]
        pools = self._pools(samples)
        if self.linear:
            gram, spread = grams(self.rows, test.reshape(count * k, -1), self.comparison, None)
            gram = gram.reshape(count, k, *gram.shape[1:])
            similar = np.stack([self._linear(gram, span, w) for span, w in zip(self.models.spans, weights, strict=True)])
            bounds = self._linear_bounds(gram, spread.reshape(count, k, -1), pools)
        else:
            similar, bounds = self._sampled(test, weights, pools)
        per_subject = np.where(own[None, :, :, None], similar, 0.0).sum(axis=4).mean(axis=3)
        bounds = np.where(samples.people[..., None] > 0, bounds, 0.0) * samples.people[..., None]
        return np.moveaxis(per_subject, 0, 2), bounds.sum(axis=2) / samples.people.sum(axis=2, keepdims=True), weights

    def _weights(self, train: IntArray, people: IntArray) -> list[FloatArray]:
        """Weights of each model `[variant, sample, fold of stimuli, fold of subjects, component]`."""
        count, k, n = train.shape
        shape = (people.shape[0], count, k, people.shape[2])
        if not self.models.flexible:
            return [np.ones((*shape, 1))] * len(self.models.spans)
        gram, spread = grams(self.rows, train.reshape(count * k, n), self.comparison, self.sigma_k)
        gram, spread = gram.reshape(count, k, *gram.shape[1:]), spread.reshape(count, k, -1)
        with np.errstate(invalid="ignore", divide="ignore"):
            pool = people[:, :, None] / np.sqrt(spread[:, :, None, self.components :])
        result: list[FloatArray] = []
        for span, model in zip(self.models.spans, self.models.models, strict=True):
            if model is None:
                result.append(np.ones((*shape, 1)))
                continue
            own, to_people = gram[:, :, span, span], gram[:, :, span, self.components :]
            similar = np.zeros(1)
            if isinstance(model, SelectModel):
                similar = np.einsum("rkcS,vrsS->vrksc", self._similarities(gram, span, train), people)
            cross = np.einsum("rkcS,vrksS->vrksc", to_people, pool)
            width = span.stop - span.start
            own = np.broadcast_to(own[None, :, :, None], (*shape, width, width))
            found = fit(
                model, own.reshape(-1, width, width), cross.reshape(-1, width), np.broadcast_to(similar, cross.shape).reshape(-1, width)
            )
            result.append(found.reshape(*shape, width))
        return result

    def _similarities(self, gram: FloatArray, span: slice, train: IntArray) -> FloatArray:
        """Each component against each subject on the training stimuli, `[sample, fold, component, subject]`, by the comparison itself."""
        if self.linear:
            return _normalised(gram)[:, :, span, self.components :]
        width, people = span.stop - span.start, len(self.rows) - self.components
        result = np.full((*train.shape[:2], width, people), np.nan)
        if self.comparison in RANKED:
            first, second = (each.ravel() for each in np.indices((width, people)))
            weights = train.reshape(-1, train.shape[2])
            found = weighted_similarities(self.rows, span.start + first, self.components + second, weights, comparison=self.comparison)
            return found.reshape(result.shape)
        for place in np.ndindex(*train.shape[:2]):
            rows, sigma = self._sample(train[place])
            result[place] = _compared(rows[span], rows[self.components :], self.comparison, sigma)
        return result

    def _linear(self, gram: FloatArray, span: slice, weights: FloatArray) -> FloatArray:
        """`[variant, sample, fold of stimuli, fold of subjects, subject]`."""
        own = np.einsum("vrksc,rkcd,vrksd->vrks", weights, gram[:, :, span, span], weights, optimize=True)
        lengths = np.einsum("rkSS->rkS", gram[:, :, self.components :, self.components :])
        product = np.einsum("vrksc,rkcS->vrksS", weights, gram[:, :, span, self.components :], optimize=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            own = np.where(own > 1e-14, own, np.nan)
            return np.asarray(product / np.sqrt(own[..., None] * lengths[None, :, :, None]))

    def _pools(self, samples: Samples) -> FloatArray:
        """Weights of the pools `[variant, sample, bound, tested subject, pooled subject]`: lower without the tested fold, and upper."""
        people = samples.people[:, :, None].astype(np.float64)
        size = people.shape[-1]
        other = samples.subjects[..., :, None] != samples.subjects[..., None, :]
        if samples.counts[1] == 1:
            other = np.broadcast_to(~np.eye(size, dtype=bool), other.shape)
        return np.stack([np.where(other, people, 0.0), np.broadcast_to(people, other.shape)], axis=2)

    def _linear_bounds(self, gram: FloatArray, spread: FloatArray, pools: FloatArray) -> FloatArray:
        """Each subject against its pools `[variant, sample, subject, 2]`."""
        subjects = slice(self.components, None)
        similar = _normalised(gram)[:, :, subjects, subjects]
        with np.errstate(invalid="ignore", divide="ignore"):
            lengths = np.sqrt(np.einsum("rkSS->rkS", gram[:, :, subjects, subjects]) / spread[:, :, subjects])
            shares = pools[:, :, None] * lengths[None, :, :, None, None]
            to_all = shares @ similar[None, :, :, None]
            total = np.einsum("vrkbij,vrkbij->vrkbi", to_all, shares)
            return np.moveaxis((np.einsum("vrkbii->vrkbi", to_all) / np.sqrt(total)).mean(axis=2), 2, 3)

    def _sampled(self, test: IntArray, weights: list[FloatArray], pools: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The same, sample by sample and fold by fold, for comparisons that are no inner products."""
        variants, count, k, s = weights[0].shape[:4]
        people = len(self.rows) - self.components
        similar = np.full((len(weights), variants, count, k, s, people), np.nan)
        bounds = np.zeros((variants, count, people, 2))
        for sample, fold in np.ndindex(count, k):
            rows, sigma = self._sample(test[sample, fold])
            subjects, shares = rows[self.components :], pooled_shares(rows[self.components :], self.comparison)
            predicted = [
                w[:, sample, fold].reshape(variants * s, -1) @ rows[span] for w, span in zip(weights, self.models.spans, strict=True)
            ]
            which, back = np.unique(pools[:, sample].reshape(-1, people), axis=0, return_inverse=True)
            both = np.concatenate([*predicted, which @ shares])
            found = _compared(both, subjects, self.comparison, sigma)
            similar[:, :, sample, fold] = found[: -len(which)].reshape(len(weights), variants, s, people)
            against = found[-len(which) :][back].reshape(variants, 2, people, people)
            bounds[:, sample] += np.einsum("vbii->vib", against) / k
        return similar, bounds

    def _sample(self, weights: IntArray) -> tuple[FloatArray, FloatArray | None]:
        """The RDMs of a sample of stimuli: pairs as often as they stand; each once where a comparison takes copies for likeness."""
        if self.comparison in GRAMS or self.sigma_k is not None:
            return subset(self.rows, self.sigma_k, np.flatnonzero(weights), len(weights))
        left, right = np.triu_indices(len(weights), 1)
        times = (weights[left] * weights[right]).astype(np.intp)
        return self.rows[:, np.repeat(np.arange(len(left)), times)], None


def _normalised(gram: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        lengths = np.sqrt(np.einsum("rkii->rki", gram))
        return np.asarray(gram / lengths[..., :, None] / lengths[..., None, :])


def _compared(x: FloatArray, y: FloatArray, comparison: str, sigma_k: FloatArray | None) -> FloatArray:
    """`compare_rdms`, with NaN for what is undefined."""
    result = np.full((len(x), len(y)), np.nan)
    if x.shape[1] < LEAST_IN_FOLD:
        return result
    left, right = (np.flatnonzero(np.isfinite(each).all(axis=1) & (np.ptp(each, axis=1) > 0)) for each in (x, y))
    if len(left) and len(right):
        with suppress(InputError):  # a Riemannian distance that is infinite
            result[np.ix_(left, right)] = compare_rdms(x[left], y[right], comparison=comparison, sigma_k=sigma_k)
    return result

"""A teacher: a model's features mapped so that they are as unsure of people's choices as people are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from isomorph.alignment._examples import read_examples
from isomorph.alignment._fit import statistics
from isomorph.alignment._fitted_transform import FittedTransform
from isomorph.alignment._global import Global
from isomorph.alignment._initial import best_scale
from isomorph.alignment._object_folds import object_folds
from isomorph.alignment._odd_one_out_embedding import OddOneOutEmbedding
from isomorph.alignment._posterior import choice_surprise
from isomorph.alignment._teacher_triplets import nearest_first
from isomorph.alignment._triplet_loss import pair_similarities
from isomorph.arrays import FloatArray, positions
from isomorph.engine import Progress
from isomorph.features import Features
from isomorph.judgments import Triplets


@dataclass(frozen=True, eq=False, kw_only=True)
class Teacher:
    """A fitted map, and how near it comes to people's choice probabilities on objects that it has not seen.

    Attributes:
        transform: The affine map of the teacher's features.
        divergence: Nats: the mean Kullback-Leibler divergence from people's probabilities on trials of held-out objects; 0 is perfect.
        untransformed: The same of the features as they are, standardised and scaled as suits the training trials best.
        held_out: The ids of the held-out objects.
        trials: How many trials of held-out objects there were.
    """

    transform: FittedTransform
    divergence: float
    untransformed: float
    held_out: tuple[str, ...]
    trials: int

    def __str__(self) -> str:
        return (
            f"KL {self.divergence:.3f} nats from people's choice probabilities on {len(self.held_out)} held-out objects "
            f"({self.trials:,} trials); {self.untransformed:.3f} without the map"
        )

    __repr__ = __str__

    def label(self, x: Features, triplets: Triplets) -> Triplets:
        """What the teacher says of triplets: dot products as `similarities`, the most similar pair first, the odd one last.

        Of the pair, the item nearer to the odd one comes first, so that s01 ≥ s02 ≥ s12. What people said of these trials is left out.

        Raises:
            IdError: `x` lacks an object of the triplets.
        """
        rows = positions(x.ids, triplets.objects, name=repr(x.subject or "the features"))
        mapped = self.transform.transform(x).values[rows].astype(np.float64)
        similarities = pair_similarities(mapped, triplets.items).T
        items, similarities = nearest_first(triplets.items, similarities)
        return Triplets(
            items=items,
            objects=triplets.objects,
            similarities=similarities,
            source=f"labelled by {self.transform.rename(x.subject) or 'a teacher'}",
        )


@dataclass(frozen=True, kw_only=True)
class UncertaintyDistillation:
    r"""Fits the teacher of AligNet: an affine map towards people's choice *probabilities*, drawn to a scaled identity.

    $$\min_{W, b} \; \frac1n \sum_t \mathrm{KL}\big(\hat p_t \,\|\, \mathrm{softmax}(s_t)\big) + \lambda \sum_{ij} (W - cI)_{ij}^2, \qquad
    s_{ij} = \langle \tilde x_i W + b, \tilde x_j W + b \rangle$$

    p̂ is the posterior of a `VICE` embedding, averaged over draws. One choice says which pair someone kept; the posterior says how sure
    people would be, which is what the teacher should hand on. The strength, learning rate and schedule of the paper are not public: the
    defaults are those of `Global`, ours.

    Attributes:
        map: The map and how it is fitted; its regulariser should be `"scaled_identity_sum"`.
        draws: Of the embedding.
        folds: One in so many objects is held out to judge the map; trials that mix both sides are dropped.
        seed: Of draws and held-out objects.

    References:
        Muttenthaler et al., 2024, <https://arxiv.org/abs/2409.06509>.
    """

    map: Global = field(default_factory=Global)
    draws: int = 50
    folds: int = 4
    seed: int = 0

    def fit(self, x: Features, triplets: Triplets, embedding: OddOneOutEmbedding, *, progress: Progress | None = None) -> Teacher:
        """Fit the map on the objects that are not held out, and judge it on those that are.

        Args:
            x: The teacher's features of the objects.
            triplets: Trials on those objects; who chose what plays no part, only which three were shown.
            embedding: What knows people's probabilities; it may have seen all objects, the map has not.
            progress: Shows the epochs.

        Raises:
            InputError: The embedding lacks an object, or too few objects or trials are there to hold some out.
            IdError: `x` lacks an object.
        """
        soft = embedding.soften(triplets, draws=self.draws, seed=self.seed)
        fold = object_folds(soft, self.folds, seed=self.seed)[0]
        training, judged = soft.take(fold.train), soft.take(fold.test)
        fitted = self.map.fit(x, training, progress=progress)
        rows = positions(x.ids, soft.objects, name=repr(x.subject or "the features"))
        mean, std = statistics(x.values, "scalar")
        plain = np.asarray((x.values - mean) / std, dtype=np.float64)
        plain *= best_scale(plain, read_examples(x, training), 1.0)
        return Teacher(
            transform=replace(fitted, method="uncertainty distillation"),
            divergence=choice_divergence(fitted.transform(x).values[rows].astype(np.float64), judged),
            untransformed=choice_divergence(plain[rows], judged),
            held_out=tuple(soft.objects[row] for row in fold.held_out),
            trials=len(judged),
        )


def choice_divergence(embedding: FloatArray, triplets: Triplets) -> float:
    r"""The mean divergence of an embedding's choice probabilities from those in `triplets.soft`, in nats; 0 where they are the same.

    $$\frac1n \sum_t \sum_c p_{tc} (\ln p_{tc} - \ln q_{tc}), \qquad q_t = \mathrm{softmax}(e_0 e_1, e_0 e_2, e_1 e_2)$$

    Finite for any embedding; shares of 0 add nothing. Without soft choices p is 1 for the pair that was kept.

    Args:
        embedding: `[object, dimension]`, rows in the order of `triplets.objects`.
        triplets: What was shown, and the shares p of the pairs 01, 02, 12.
    """
    if triplets.soft is None:
        return choice_surprise(embedding, triplets.items, None)
    logs = np.log(triplets.soft, out=np.zeros(triplets.soft.shape), where=triplets.soft > 0)
    return choice_surprise(embedding, triplets.items, triplets.soft) + float((triplets.soft * logs).sum(axis=1).mean())

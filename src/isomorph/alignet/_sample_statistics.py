"""How evenly sampled triplets go over the groups they were drawn by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isomorph.arrays import IntArray


@dataclass(frozen=True, kw_only=True)
class SampleStatistics:
    """Counts over a sample.

    Attributes:
        n: Triplets.
        images: Images there are.
        images_shown: Images that stand in at least one triplet.
        groups: Groups (classes or clusters) there are.
        groups_shown: Groups with at least one image shown.
        groups_eligible: Groups large enough for the first image of a triplet: of 2 for a border, of 3 for three of one group.
        single: Groups of one image: they can give the odd one of a border triplet, never the pair.
        smallest: Images of the smallest group.
        median: Images of the median group.
        largest: Images of the largest group.
        shown_fewest: How often the images of a group were shown: of the group that was shown least …
        shown_median: … of the median group …
        shown_most: … and of the group that was shown most.
    """

    n: int
    images: int
    images_shown: int
    groups: int
    groups_shown: int
    groups_eligible: int
    single: int
    smallest: int
    median: float
    largest: int
    shown_fewest: int
    shown_median: float
    shown_most: int


def sample_statistics(shown: IntArray, labels: IntArray, sizes: IntArray, eligible: int) -> SampleStatistics:
    """From how often each image was shown (`[image]`), its group, and the groups' sizes."""
    by_group = np.bincount(labels, weights=shown, minlength=len(sizes)).astype(np.int64)
    return SampleStatistics(
        n=int(shown.sum()) // 3, images=len(labels), images_shown=int((shown > 0).sum()), groups=len(sizes),
        groups_shown=int((by_group > 0).sum()), groups_eligible=eligible, single=int((sizes == 1).sum()), smallest=int(sizes.min()),
        median=float(np.median(sizes)), largest=int(sizes.max()), shown_fewest=int(by_group.min()),
        shown_median=float(np.median(by_group)), shown_most=int(by_group.max()),
    )  # fmt: skip

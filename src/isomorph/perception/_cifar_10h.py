"""People's answers to the CIFAR-10 test set."""

from __future__ import annotations

import numpy as np

from isomorph.perception._answers import Answers

CIFAR_10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""The ten classes in the order of their labels."""


def load_cifar_10h() -> Answers:
    """511,000 votes of people on the 10,000 CIFAR-10 test images (Peterson et al., 2019), with the official labels as the truth.

    Items are called `"0000"` … `"9999"`, in the order of the test set.

    Raises:
        FetchError: The files are at hand nowhere; see `isomorph.data.path`. The votes are for non-commercial use.
    """
    counts, labels = _read("cifar10h-counts.npy"), _read("cifar10_test_labels.npy")
    return Answers.from_counts(
        _ids(len(counts)), CIFAR_10, counts, truth=[CIFAR_10[int(each)] for each in labels], subject="people", provenance="cifar-10h"
    )


def load_cifar_10_classifier() -> Answers:
    """One real classifier's probabilities for the same images (Northcutt et al., 2021), beside which people can be put."""
    p, labels = _read("cifar10_test_set_pyx.npy"), _read("cifar10_test_labels.npy")
    return Answers(
        ids=_ids(len(p)), outcomes=CIFAR_10, probabilities=p, truth=tuple(CIFAR_10[int(each)] for each in labels), subject="classifier",
        provenance="cifar10_test_set_pyx",
    )  # fmt: skip


def _ids(n: int) -> tuple[str, ...]:
    return tuple(f"{at:04d}" for at in range(n))


def _read(file: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    from isomorph.data import path, read_npy

    return np.asarray(read_npy(path("cifar-10h", file)))

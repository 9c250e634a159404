"""Similarities with a known structure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from isomorph.consistency import Similarities

KINDS = ("red", "red", "red", "red", "red", "red", "blue", "blue", "blue", "blue", "blue", "green", "green", "green", "green", "green")


def symmetric(values: np.ndarray) -> np.ndarray:
    return (values + values.swapaxes(-1, -2)) / 2


def make_similarities(seed: int = 0, *, datasets: int = 4, measures: int = 2, noise: float = 0.7, kinds=KINDS, **known) -> Similarities:
    rng = np.random.default_rng(seed)
    models = len(kinds)
    shared = rng.normal(size=(measures, models, models))
    values = symmetric(shared + noise * rng.normal(size=(datasets, measures, models, models)))
    names = tuple(f"m{at:02}" for at in range(models))
    table = pd.DataFrame({"kind": list(kinds), "size": np.arange(models) * 10.0}, index=list(names))
    defaults = {
        "metadata": table,
        "performance": rng.random((datasets, models)),
        "widths": tuple(int(w) for w in rng.integers(64, 2048, models)),
    }
    return Similarities(values, tuple(f"d{at}" for at in range(datasets)), ("cka", "rsa")[:measures], names, **(defaults | known))


@pytest.fixture
def similarities() -> Similarities:
    return make_similarities()


@pytest.fixture
def make():
    return make_similarities

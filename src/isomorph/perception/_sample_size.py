"""How many people to ask, and how sure so many are."""

from __future__ import annotations

import math

from isomorph.errors import InputError


def sample_size(*, error: float, p: float = 0.5, z: float = 1.96, population: int | None = None) -> int:
    r"""How many answers estimate a share to within ± `error`.

    $$n = z^2 p (1 - p) / E^2, \qquad n_N = n / (1 + (n - 1) / N)$$

    rounded up; the second form is for a finite population of N.

    Args:
        error: E, half the interval's width, between 0 and 1.
        p: The share expected; 0.5 is the worst case.
        z: The normal quantile of the confidence: 1.96 for 95 %, 2.576 for 99 %.
        population: How many people there are in all.

    Raises:
        InputError: A number is out of its range.

    Example:
        >>> sample_size(error=0.0847), sample_size(error=0.0847, population=500)
        (134, 106)
    """
    _check(p, z, population)
    if not 0 < error < 1:
        raise InputError(f"error is a share between 0 and 1, such as 0.05; got {error}.")
    n = z**2 * p * (1 - p) / error**2
    if population is not None:
        n = n / (1 + (n - 1) / population)
    return max(1, math.ceil(n - 1e-9))  # 100.00000000000001 answers are 100


def margin_of_error(n: int, *, p: float = 0.5, z: float = 1.96, population: int | None = None) -> float:
    r"""The inverse of `sample_size`: \(E = z \sqrt{p (1 - p) / n}\), with the finite population's correction where there is one.

    Example:
        >>> round(margin_of_error(134), 4)
        0.0847
    """
    _check(p, z, population)
    if n < 1 or (population is not None and n > population):
        raise InputError(f"n is how many people answer, 1 or more and no more than there are; got {n}.")
    infinite = float(n) if population is None else (n * (1 - 1 / population) / (1 - n / population) if n < population else math.inf)
    return z * math.sqrt(p * (1 - p) / infinite)


def _check(p: float, z: float, population: int | None) -> None:
    if not 0 <= p <= 1:
        raise InputError(f"p is a share between 0 and 1; got {p}.")
    if not 0 < z < math.inf:
        raise InputError(f"z is a positive quantile, such as 1.96; got {z}.")
    if population is not None and population < 1:
        raise InputError(f"a population has 1 person or more; got {population}.")

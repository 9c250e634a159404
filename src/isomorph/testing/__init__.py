"""Contract checks for authors of plugins: each raises AssertionError with the claim that does not hold."""

from isomorph.testing._check_measure import check_measure

__all__ = ["check_measure"]

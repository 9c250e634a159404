"""All pairs of many systems, in one pass over row stripes of their Gram matrices."""

from isomorph.pairwise._all_pairs import all_pairs
from isomorph.pairwise._result import AllPairs
from isomorph.pairwise._state import PairState

__all__ = ["AllPairs", "PairState", "all_pairs"]

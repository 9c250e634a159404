"""All pairs of many systems, in one pass over row stripes of their Gram matrices."""

from isomorph.pairwise._all_pairs import all_pairs
from isomorph.pairwise._pair_ranges import PairRange, PairsJoin, pair_ranges
from isomorph.pairwise._result import AllPairs
from isomorph.pairwise._state import PairState

__all__ = ["AllPairs", "PairRange", "PairState", "PairsJoin", "all_pairs", "pair_ranges"]

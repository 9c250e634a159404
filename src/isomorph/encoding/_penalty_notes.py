"""What ought to be said of chosen penalties: a grid that was too narrow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isomorph.arrays import FloatArray


def share_at_edge(alphas: FloatArray, grid: Sequence[float]) -> float:
    """The share of units, 0 to 1, whose penalty is the smallest or largest of the grid; 0 for a grid of one, where none is chosen."""
    return float(np.isin(alphas, (grid[0], grid[-1])).mean()) if len(grid) > 1 else 0.0


def penalty_notes(alphas: FloatArray, grid: Sequence[float]) -> tuple[str, ...]:
    """Sentences that ought to travel with the numbers."""
    if len(grid) == 1:
        return (f"the grid has one alpha, {grid[0]:g}: none was chosen. Give several, such as 10.0 ** np.arange(-1, 6).",)
    share = share_at_edge(alphas, grid)
    if not share:
        return ()
    return (
        f"{round(share * len(alphas)):,} of {len(alphas):,} units ({share:.0%}) have the smallest or largest alpha of the grid "
        f"({grid[0]:g} to {grid[-1]:g}); a wider grid may predict them better.",
    )

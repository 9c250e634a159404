"""What scores are calibrated on: validation pictures, as they are and corrupted; never test pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isomorph.stimuli._joined import joined

if TYPE_CHECKING:
    from isomorph.stimuli import Stimuli
    from isomorph.visalign._study import AbstentionPart


def calibration_pictures(validation: Stimuli, part: AbstentionPart, *, seed: int) -> Stimuli:
    """Each picture as it is, and once with each severity; picture after picture takes the next corruption."""
    from isomorph.stimuli import corrupted

    sets = {"0-clean": validation}
    for at, severity in enumerate(part.severities):
        for turn, name in enumerate(part.corruptions):
            chosen = [each for row, each in enumerate(validation.ids) if (row + at) % len(part.corruptions) == turn]
            if chosen:
                sets[f"{severity}-{name}"] = corrupted(validation.take(chosen), name, severity, seed=seed)
    return joined(sets)

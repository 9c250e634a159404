"""One name for everything a recording holds."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from isomorph.brains._recording import Recording


def recording_digest(recording: Recording) -> str:
    """The SHA-256 of ids, arrays and tables; of responses only where there are no trials that they follow from."""
    result = hashlib.sha256("\0".join(recording.ids).encode())
    arrays = {
        "trials" if recording.trials is not None else "responses": recording.responses if recording.trials is None else recording.trials,
        "repeats": recording.repeats,
        "times": recording.times,
    }
    for name, array in arrays.items():
        if array is not None:
            result.update(f"\n{name} {array.shape} {array.dtype.str}\n".encode())
            result.update(np.ascontiguousarray(array).data)
    for table in (recording.units, recording.stimuli):
        result.update(table.to_csv(lineterminator="\n").encode())
    result.update("\0".join(recording.roi_columns or ()).encode())
    return result.hexdigest()

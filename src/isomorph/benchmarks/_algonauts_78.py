"""The 78 photographs of the first Algonauts challenge, with early visual cortex and IT of 15 people."""

from __future__ import annotations

import numpy as np

from isomorph.benchmarks._geometry_match import GeometryMatch
from isomorph.benchmarks._target import Target

_DATASET = "algonauts-78"
_CITATION = "Cichy, Roig, Andonian, Dwivedi, Lahner, Lascelles, Mohsenzadeh, Ramakrishnan & Oliva (2019). arXiv:1905.05675."
_REGIONS = {"human EVC": "brain_data/fmri_EVC_RDMs.npz", "human IT": "brain_data/fmri_IT_RDMs.npz"}


def algonauts_78() -> GeometryMatch:
    """Two regions of 15 people on 78 photographs; single subjects are noisy here, so that the ceilings are low."""
    from isomorph import data
    from isomorph.stimuli import Stimuli

    files = sorted(each.file for each in data.catalogue(_DATASET) if each.file.endswith(".jpg"))
    stimuli = Stimuli.from_files([data.path(_DATASET, file) for file in files], ids=[file.rpartition("/")[2][:-4] for file in files])
    upper = np.triu_indices(len(files), 1)
    targets = []
    for name, file in _REGIONS.items():
        square = np.asarray(data.read_npz(data.path(_DATASET, file))["arr_0"], dtype=np.float64)
        targets.append(
            Target(
                name=name,
                kind="brain",
                rdms=square[:, None, upper[0], upper[1]],
                subjects=tuple(f"subject {number}" for number in range(1, len(square) + 1)),
                citation=_CITATION,
            )
        )
    return GeometryMatch(
        name=_DATASET,
        summary="78 photographs of objects on natural backgrounds",
        stimuli=stimuli,
        targets=tuple(targets),
        citation=_CITATION,
        licence="BSD-3-Clause (repository)",
    )

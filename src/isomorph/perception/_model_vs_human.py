"""The published trials of people and two models on distorted pictures."""

from __future__ import annotations

from collections.abc import Sequence

from isomorph.errors import UnknownNameError
from isomorph.perception._trials import Trials
from isomorph.perception._trials_file import read_trials


def load_model_vs_human(*, datasets: Sequence[str] | None = None) -> Trials:
    """85,120 trials of people on 17 sets of distorted pictures, and two models' answers to the same (Geirhos et al., 2021).

    Args:
        datasets: Some of them, such as `["cue-conflict", "edge"]`.

    Raises:
        UnknownNameError: There is no such data set.
        FetchError: A file is at hand nowhere; see `isomorph.data.path`.
    """
    from isomorph.data import catalogue, path

    files = [row.file for row in catalogue("model-vs-human") if "_session" in row.file]
    known = {each.split("/")[0] for each in files}
    for each in datasets or ():
        if each not in known:
            raise UnknownNameError("data set", each, known)
    return read_trials([path("model-vs-human", each) for each in files if datasets is None or each.split("/")[0] in datasets])

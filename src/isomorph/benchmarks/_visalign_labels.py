"""Labels of test pictures, from any file that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from isomorph.errors import FileError, InputError
from isomorph.perception import Answers, read_answers, read_visalign_pickle
from isomorph.perception._submission import check_names

PICKLES = (".pk", ".pkl", ".pickle")


def read_labels(path: Path | str, outcomes: Sequence[str], names: Sequence[str] | None = None) -> Answers:
    """What people answered to each picture, as shares or votes over `outcomes`, of which the last abstains.

    Args:
        path: `labels.pk` as upstream's code writes it (nothing that a pickle asks for is run); JSON: file name → numbers in the order of
            `outcomes`, or null for abstaining; or a table that `read_answers` knows (`.csv`, `.parquet`, `.npz`, `.json`), with named
            outcomes.
        outcomes: The classes in their order, then abstaining.
        names: The file names wanted: none may be missing; others are left aside.

    Raises:
        FileError: The file cannot be read as what it claims to be; of a pickle: it names something to be called.
        InputError: A picture is missing, has another count of numbers, no votes at all, or shares that do not sum to one; or the outcomes
            stand in another order.
    """
    path = Path(path)
    wanted = tuple(outcomes)
    plain = _plain_table(path, len(wanted))
    if plain is None:
        found = read_answers(path, abstain=wanted[-1])
        if found.outcomes != wanted:
            raise InputError(f"{path} has the outcomes {', '.join(found.outcomes)}; this set's are {', '.join(wanted)}, in this order.")
    else:
        found = _from_table(path, plain, wanted)
    if names is not None:
        missing = set(names) - set(found.ids)
        if missing:
            check_names(set(found.ids) & set(names), names, what=str(path))
        found = found.take(tuple(names))
    return found


def _plain_table(path: Path, width: int) -> dict[str, list[float]] | None:
    if path.suffix in PICKLES:
        return {name: row.reshape(-1).tolist() for name, row in read_visalign_pickle(path).items()}
    if path.suffix != ".json":
        return None
    from isomorph.data import read_json

    table = read_json(path)
    if isinstance(table, dict) and table and all(each is None or isinstance(each, list) for each in table.values()):
        return {name: [0.0] * (width - 1) + [1.0] if each is None else each for name, each in table.items()}
    return None


def _from_table(path: Path, table: dict[str, list[float]], outcomes: tuple[str, ...]) -> Answers:
    for name, row in table.items():
        numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in row)
        if len(row) != len(outcomes) or not numbers:
            what = f"{len(row)} numbers" if numbers else f"{row!r:.60}"
            raise InputError(f"{path}: the picture {name!r} has {what}; {len(outcomes)} are wanted: {', '.join(outcomes)}.")
    try:
        values = np.array(list(table.values()), dtype=np.float64)
    except OverflowError as error:
        raise InputError(f"{path} holds a number that is too large for a share or for votes.") from error
    votes = bool(np.isfinite(values).all() and (values == np.rint(values)).all() and (values.sum(axis=1) > 1).any())
    try:
        if votes:
            return Answers.from_counts(tuple(table), outcomes, values, abstain=outcomes[-1], subject="people")
        return Answers(ids=tuple(table), outcomes=outcomes, probabilities=values, abstain=outcomes[-1], subject="people")
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def check_against_names(labels: Answers, truth: Sequence[str], path: Path) -> None:
    """Raise where the labels of pictures whose names say the class lie on another one: the columns are in another order.

    Raises:
        InputError: At least half of those pictures are labelled as another class.
    """
    told = [at for at, each in enumerate(truth) if each]
    best = labels.decisions()
    wrong = [at for at in told if labels.outcomes[best[at]] != truth[at]]
    if told and 2 * len(wrong) >= len(told):
        at = wrong[0]
        raise InputError(
            f"{path} labels {len(wrong)} of {len(told)} pictures against their names: {labels.ids[at]!r} as {labels.outcomes[best[at]]!r}, "
            f"not {truth[at]!r}. The columns must stand in the order {', '.join(labels.outcomes)}."
        )


def check_classes(classes: Sequence[str]) -> None:
    """Raise unless file names can hold these classes.

    Raises:
        InputError: There are fewer than two, a name has other than small letters and `_`, or one is `abstain`.
    """
    odd = next((each for each in classes if not each.replace("_", "").isalpha() or each != each.lower() or each == "abstain"), None)
    if odd is not None:
        raise InputError(f"the class {odd!r} must be small letters and '_', for file names hold it, and 'abstain' is no class.")
    if len(set(classes)) < max(2, len(classes)):
        raise InputError(f"a set needs two classes or more, each once; got {list(classes)}.")


def check_file(path: Path, what: str) -> None:
    """Raise unless there is such a file.

    Raises:
        FileError: There is none.
    """
    if not path.is_file():
        raise FileError(f"{path} is missing: {what}.")

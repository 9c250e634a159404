"""Files of answers and trials that are damaged, or mean harm."""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copy

import pytest

from isomorph.errors import FileError, InputError
from isomorph.perception import Answers, Column, Trials, read_answers, read_trials, sample_size, write_trials

_GOOD = {"format": "isomorph-answers", "ids": ["a"], "outcomes": ["cat", "dog"], "probabilities": [[1, 0]]}


@pytest.mark.parametrize("subject", ["../../evil", "a/b", "a\\b", "a\0b"])
def test_subjects_of_foreign_trials_lead_to_no_place_elsewhere(tmp_path: Path, subject: str) -> None:
    answers = Answers.from_decisions(["a.png"], ["cat"], ["cat"], truth=["cat"], subject=subject)
    with pytest.raises(InputError, match=r"the subject .* cannot be part of a file's name"):
        write_trials(Trials.from_answers(answers, dataset="edge"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_data_sets_lead_to_no_place_elsewhere(tmp_path: Path) -> None:
    answers = Answers.from_decisions(["a.png"], ["cat"], ["cat"], truth=["cat"], subject="mine")
    with pytest.raises(InputError, match=r"the data set '\.\.' cannot be part"):
        write_trials(Trials.from_answers(answers, dataset=".."), tmp_path / "out")


def _trials_of(dataset: str, subject: str = "mine", session: str = "1") -> Trials:
    answers = Answers.from_decisions(["a.png", "b.png"], ["cat", "dog"], ["cat", "cat"], truth=["cat", "dog"], subject=subject)
    return replace(Trials.from_answers(answers, dataset=dataset), session=Column.of([session] * 2))


@pytest.mark.parametrize("dataset", ["my_set", "_", "a_b_c", "my_set_subject-01", "é.v2_", "colour"])
@pytest.mark.parametrize("subject", ["subject-01", "net_v2", "s"])
@pytest.mark.parametrize("session", ["1", "practice"])
def test_names_with_underscores_survive_a_round_trip(tmp_path: Path, dataset: str, subject: str, session: str) -> None:
    trials = _trials_of(dataset, subject, session)
    (path,) = write_trials(trials, tmp_path / "out")
    (tmp_path / "elsewhere").mkdir()
    moved = Path(copy(path, tmp_path / "elsewhere"))
    for each in (tmp_path / "out", [path], moved, moved.parent):  # whatever folder the file lies in
        again = read_trials(each)
        assert (again.dataset.names, again.subject.names, again.session.names) == ((dataset,), trials.subject.names, (session,))
        assert again.correct.tolist() == [True, False]


def test_names_that_cannot_be_told_from_others_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the session '1_2' has a '_', which ends names in a file's name"):
        write_trials(_trials_of("edge", session="1_2"), tmp_path / "out")
    with pytest.raises(InputError, match=r"the data set '' cannot be part of a file's name. Give it a name"):
        write_trials(_trials_of(""), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_tables_have_a_bounded_number_of_columns(tmp_path: Path) -> None:
    trials, wide, tabs = (tmp_path / each for each in ("edge_net_session-1.csv", "wide.csv", "wide.tsv"))
    trials.write_text(",".join(f"c{at}" for at in range(1001)) + "\n" + ",".join(["1"] * 1001) + "\n")
    with pytest.raises(FileError, match="has 1,001 columns, where trials have 8 and at most 1,000 are read"):
        read_trials([trials])
    for path, separator in ((wide, ","), (tabs, "\t")):
        path.write_text(separator.join(["id", *(f"c{at}" for at in range(60_000))]) + "\n")
        with pytest.raises(FileError, match=r"has 60,001 columns; tables of answers are read up to 50,000. Write .npz instead"):
            read_answers(path)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"truth": 5}, "truth is no list"),
        ({"ids": "a"}, "ids is no list"),
        ({"outcomes": {"cat": 0, "dog": 1}}, "outcomes is no list"),
        ({"counts": [[10**30, 1]]}, "lacks or garbles"),
        ({"probabilities": [["x", 0]]}, "lacks or garbles"),
    ],
)
def test_json_of_other_types_is_refused(tmp_path: Path, change: dict[str, object], text: str) -> None:
    file = tmp_path / "answers.json"
    file.write_text(json.dumps(_GOOD | change))
    with pytest.raises(FileError, match=text):
        read_answers(file)


def test_votes_below_zero_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "answers.json"
    file.write_text(json.dumps(_GOOD | {"counts": [[-3, 5]]}))
    with pytest.raises(InputError, match="a count of -3"):
        read_answers(file)


def test_a_path_is_named_once(tmp_path: Path) -> None:
    file = tmp_path / "submission.json"
    file.write_text('{"a.png": [1, 0]}')
    with pytest.raises(InputError) as found:
        read_answers(file)
    assert str(found.value).count(str(file)) == 1


def test_a_header_alone_is_no_table(tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    file.write_text("id,cat,dog\n")
    with pytest.raises(FileError, match="holds no item below its header"):
        read_answers(file)


def test_deep_json_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "deep.json"
    file.write_text('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}")
    with pytest.raises(FileError, match="cannot be read as JSON"):
        read_answers(file)


def test_a_column_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "edge_net_session-1.csv"
    file.write_text("subj,session,Session,object_response,category,imagename\nnet,1,2,cat,cat,a.png\n")
    with pytest.raises(FileError, match="has the column 'session' twice"):
        read_trials(file)


@pytest.mark.parametrize("z", [float("nan"), float("inf"), 0])
def test_quantiles_are_positive_numbers(z: float) -> None:
    with pytest.raises(InputError, match="z is a positive quantile"):
        sample_size(error=0.1, z=z)

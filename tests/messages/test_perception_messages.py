"""The sentences that people read when answers and trials are not what they should be."""

import json
import os
import pickle

import numpy as np
import pytest

from isomorph.perception import (
    VISALIGN_OUTCOMES,
    Answers,
    behaviour_table,
    compare_answers,
    hellinger,
    read_answers,
    read_submission,
    read_trials,
    read_visalign_pickle,
    write_submission,
)

HEADER = "subj,session,trial,rt,object_response,category,condition,imagename"


def said(action):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the text is what is pinned
        action()
    return str(caught.value)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            [0.5, 0.4],
            "'net' sums to 0.9 for 'b.png', and 1 of 2 items do not sum to 1. Probabilities are wanted: softmax of logits, or "
            "Answers.from_weights to divide by the sum, or Answers.from_counts for votes.",
        ),
        ([1.5, -0.5], "'net' has -0.5 for 'b.png' (outcome 1); no answer has a share below 0."),
        (
            [np.nan, 1.0],
            "'net' has nan for 'b.png' (outcome 0), and 1 of 2 items hold NaN or infinity. Leave them out, or give them an answer.",
        ),
        (
            [0.0, 0.0],
            "'net' has nothing but zeros for 'b.png', and for 1 of 2 items: nobody answered there. Leave these items out, or give the "
            "outcome that stands for no answer its share.",
        ),
    ],
)
def test_rows_that_are_no_distributions(row, sentence):
    assert said(lambda: Answers(ids=["a.png", "b.png"], outcomes=["x", "y"], probabilities=[[0.5, 0.5], row], subject="net")) == sentence


def test_counts_of_zero():
    assert said(lambda: Answers.from_counts(["a.png", "b.png"], ["x", "y"], [[3, 1], [0, 0]])) == (
        "the counts has nothing but zeros for 'b.png', and for 1 of 2 items: nobody answered there. Leave these items out, or give the "
        "outcome that stands for no answer its share."
    )
    assert said(lambda: Answers.from_counts(["a"], ["x", "y"], [[0.5, 0.5]])) == (
        "counts are whole numbers of votes; got fractions or NaN. Shares go into `probabilities`."
    )


def test_distances_without_names():
    assert said(lambda: hellinger([[0.5, 0.5]], [[0.5, 0.6]])) == (
        "q sums to 1.1 for row 0, and 1 of 1 items do not sum to 1. Probabilities are wanted: softmax of logits, or Answers.from_weights "
        "to divide by the sum, or Answers.from_counts for votes."
    )


def answers(ids, outcomes, subject):
    return Answers.from_decisions(ids, outcomes, [outcomes[0]] * len(ids), subject=subject)


def test_outcomes_in_another_order():
    people, model = answers(["a"], ["cat", "dog"], "people"), answers(["a"], ["dog", "cat"], "net")
    assert said(lambda: compare_answers(model, people)) == (
        "the outcomes differ: outcome 0 is 'dog' for net and 'cat' for people. The names are the same in another order: write the columns "
        "in one order."
    )
    assert said(lambda: compare_answers(answers(["a"], ["cat", "dog", "owl"], "net"), people)) == (
        "the outcomes differ: net has 3 outcomes and people 2. Map one to the other: Answers.mapped."
    )


def test_items_that_one_side_lacks():
    people, model = answers(["a", "b", "c"], ["x", "y"], "people"), answers(["b"], ["x", "y"], "net")
    assert said(lambda: compare_answers(model, people)) == (
        "2 of 3 items of people are not among those of net: 'a', 'c'. Take the items both have: answers.take(ids)."
    )


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            {"a.jpg": [1] * 10},
            "{path}: the image 'a.jpg' has 10 entries; it needs 11 numbers (tiger, zebra, camel, giraffe, elephant, rhino, gorilla, bear, "
            "kangaroo, human, abstain) or null.",
        ),
        ({"a.jpg": [0] * 11}, "{path}: the image 'a.jpg' has nothing but zeros; write null for full abstention."),
        (
            {"a.jpg": [0, -0.5] + [1] * 9},
            "{path}: the image 'a.jpg' has -0.5 for 'zebra'; a finite number of 0 or more is needed.",
        ),
        (
            {"a.jpg": [0, float("nan")] + [1] * 9},
            "{path}: the image 'a.jpg' has nan for 'zebra'; a finite number of 0 or more is needed.",
        ),
        ({"a.jpg": ["1"] * 11}, "{path}: the image 'a.jpg' has '1' for 'tiger'; a finite number of 0 or more is needed."),
        ([1, 2], "{path} holds a list; a submission is one JSON object, file name → 11 numbers or null."),
        (
            {"c.jpg": None},
            "{path} does not hold the 2 images of the test set: 2 missing: 'a.jpg', 'b.jpg'; 1 unknown: 'c.jpg'.",
        ),
    ],
)
def test_submissions(tmp_path, rows, sentence):
    path = tmp_path / "submission.json"
    path.write_text(json.dumps(rows))
    names = ["a.jpg", "b.jpg"] if "c.jpg" in rows else None
    assert said(lambda: read_submission(path, names=names)) == sentence.format(path=path)


def test_an_image_twice(tmp_path):
    path = tmp_path / "submission.json"
    path.write_text('{"a.jpg": null, "a.jpg": null}')
    assert said(lambda: read_submission(path)) == f"{path} holds the image 'a.jpg' twice."


def test_submitting_classes_in_another_order(tmp_path):
    swapped = ("zebra", "tiger", *VISALIGN_OUTCOMES[2:])
    order = "tiger, zebra, camel, giraffe, elephant, rhino, gorilla, bear, kangaroo, human, abstain"
    assert said(lambda: write_submission(answers(["a"], swapped, "net"), tmp_path / "out.json")) == (
        f"a submission has the outcomes {order}, in this order; these answers have 'zebra' where 'tiger' belongs."
    )
    assert said(lambda: write_submission(answers(["a"], VISALIGN_OUTCOMES[:10], "net"), tmp_path / "out.json")) == (
        f"a submission has the outcomes {order}, in this order; these answers have 10 outcomes where 11 belong."
    )


class Hostile:
    def __reduce__(self):
        return os.system, ("true",)


def test_a_hostile_pickle(tmp_path):
    path = tmp_path / "labels.pk"
    path.write_bytes(pickle.dumps({"a.jpg": Hostile()}))
    assert said(lambda: read_visalign_pickle(path)) == (
        f"{path}: the pickle names 'posix.system'. Pickles can run any code, so only dicts, lists, text, numbers, arrays and plain tensors "
        "are read. Nothing of it was run."
    )
    assert said(lambda: read_answers(path)) == (
        f"{path} has no suffix of answers; .npz, .json, .csv, .tsv, .parquet and .npy are read, pickles by read_visalign_pickle."
    )


def test_a_table_with_a_bad_row(tmp_path):
    path = tmp_path / "net.csv"
    path.write_text("image,cat,dog\na.png,0.5,0.5\nb.png,0.5,0.2\n")
    assert said(lambda: read_answers(path)).startswith(f"{path}: 'net' sums to 0.7 for 'b.png', and 1 of 2 items do not sum to 1.")
    path.write_text("image,cat,dog\na.png,0.5,much\n")
    assert said(lambda: read_answers(path)).startswith(f"{path} holds something that is no number among the outcomes cat, dog")


def trials(tmp_path, files):
    folder = tmp_path / "edge"
    folder.mkdir()
    for name, rows in files.items():
        (folder / f"edge_{name}.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return read_trials(folder)


def test_observers_of_different_images(tmp_path):
    found = trials(
        tmp_path,
        {
            "subject-01_session_1": ["subject-01,1,1,1,cat,cat,0,x_a.png", "subject-01,1,2,1,cat,dog,0,x_b.png"],
            "net_session-1": ["net,1,1,NaN,cat,cat,NaN,a.png", "net,1,2,NaN,cat,cat,NaN,c.png"],
        },
    )
    assert said(lambda: behaviour_table(found)) == (
        "edge: the observers did not answer the same images in the same conditions. net lacks 1 of 3: b.png (condition 0); subject-01 "
        "lacks 1 of 3: c.png (condition 0). Compare what all answered: leave the others out, or check the names in imagename."
    )


def test_an_image_answered_twice(tmp_path):
    found = trials(tmp_path, {"subject-01_session_1": ["subject-01,1,1,1,cat,cat,0,x_a.png", "subject-01,1,2,1,dog,cat,0,y_a.png"]})
    assert said(lambda: behaviour_table(found)) == (
        "edge: subject-01 answered a.png (condition 0) 2 times. One answer an image and condition is compared: leave the others out, or "
        "give each session's trials another subject."
    )


def test_nobody_is_a_person(tmp_path):
    found = trials(tmp_path, {"net_session-1": ["net,1,1,NaN,cat,cat,NaN,a.png"]})
    assert said(lambda: behaviour_table(found)) == (
        "no subject is a person, among net. Say who is: read_trials(…, people='participant-*'); model-vs-human calls people subject-01 …"
    )
    assert said(lambda: found.take(datasets=["egde"])) == "no trial is of the data set 'egde'. There are: edge."


def test_a_file_that_says_another_subject(tmp_path):
    path = tmp_path / "edge" / "edge_net-a_session-1.csv"
    assert said(lambda: trials(tmp_path, {"net-a_session-1": ["net_b,1,1,NaN,cat,cat,NaN,a.png"]})) == (
        f"{path} is called after the subject 'net-a', but holds trials of 'net-b'. Names may differ in - and _ only; rename the file or "
        "correct its column 'subj'."
    )


def test_files_that_lack_columns_or_fields(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("subj,object_response,category\na,b,c\n")
    assert said(lambda: read_trials(path)) == (
        f"{path} lacks the column 'imagename'; it has subj, object_response, category. Trials have subj, session, trial, rt, "
        "object_response, category, condition, imagename."
    )
    path.write_text(f"{HEADER}\na,1,1,1,cat,cat,0,a.png\na,1,2\n")
    assert said(lambda: read_trials(path)) == f"{path}: row 3 has 3 fields and the header 8."
    path.write_text(f"{HEADER}\na,1,1,soon,cat,cat,0,a.png\n")
    assert said(lambda: read_trials(path)) == (
        f"{path}: a response time in its column 'rt' is no number: could not convert string to float: 'soon'."
    )

"""What VisAlign's rooms say of what they cannot use."""

import json
import pickle
import re

import numpy as np
import pytest
from PIL import Image

from isomorph.cli import main
from isomorph.errors import DeviceError, FileError, InputError, NonFiniteError, UnknownNameError
from isomorph.models._visalign_models import visalign_network
from isomorph.perception import VISALIGN_OUTCOMES, Answers
from isomorph.visalign import (
    AbstentionPart,
    NetworkPart,
    Pictures,
    SetPart,
    Training,
    VisalignStudy,
    build_set,
    open_set,
    read_configuration,
    read_labels,
    read_runs,
    submit,
)
from isomorph.visalign._examples import RowExamples

OUTCOMES = ("cat", "dog", "abstain")


@pytest.fixture
def folder(tmp_path):
    """A test set of two cats and a dog, whose files say so."""
    root = tmp_path / "set" / "open_test_set"
    (root / "filenames").mkdir(parents=True)
    (root / "category1").mkdir()
    names = ["cat11.jpg", "cat12.jpg", "dog11.jpg"]
    for name in names:
        Image.new("RGB", (20, 20), "red").save(root / "category1" / name)
    (root / "filenames" / "category1.txt").write_text("".join(f"category1/{name}\n" for name in names))
    (root / "labels.json").write_text(json.dumps(dict(zip(names, np.eye(3)[[0, 0, 1]].tolist(), strict=True))))
    (tmp_path / "set" / "set.json").write_text(json.dumps({"classes": ["cat", "dog"]}))
    return tmp_path / "set"


def said(kind, sentence):
    return pytest.raises(kind, match=re.escape(sentence))


def labelled(folder, table):
    (folder / "open_test_set" / "labels.json").write_text(json.dumps(table))
    return folder


def test_the_wrong_order_of_classes(folder, tmp_path):
    labelled(folder, {"cat11.jpg": [0, 1, 0], "cat12.jpg": [0, 1, 0], "dog11.jpg": [1, 0, 0]})
    sentence = (
        "labels 3 of 3 pictures against their names: 'cat11.jpg' as 'dog', not 'cat'. "
        "The columns must stand in the order cat, dog, abstain."
    )
    with said(InputError, sentence):
        open_set(folder)
    table = tmp_path / "labels.npz"
    Answers(ids=["cat11.jpg"], outcomes=["dog", "cat", "abstain"], probabilities=[[0, 1, 0]], abstain="abstain").save(table)
    with said(InputError, "has the outcomes dog, cat, abstain; this set's are cat, dog, abstain, in this order."):
        read_labels(table, OUTCOMES)
    mixed = Answers(ids=["a.jpg"], outcomes=VISALIGN_OUTCOMES[::-1], probabilities=[np.eye(11)[0]], abstain="abstain")
    with said(InputError, "these answers have 'abstain' where 'tiger' belongs"):
        submit(mixed, tmp_path / "s.json", ["a.jpg"])


def test_missing_and_unknown_pictures(folder, tmp_path):
    labelled(folder, {"cat11.jpg": [1, 0, 0], "dog11.jpg": [0, 1, 0]})
    with said(InputError, "does not hold the 3 images of the test set: 1 missing: 'cat12.jpg'."):
        open_set(folder)
    labelled(folder, {"cat11.jpg": [1, 0, 0], "cat12.jpg": [1, 0, 0], "dog11.jpg": [0, 1, 0]})
    data = open_set(folder)
    run = tmp_path / "run.json"
    run.write_text(json.dumps({"cat11.jpg": [1, 0, 0], "cat12.jpg": [1, 0, 0], "dog12.jpg": [0, 1, 0]}))
    with said(InputError, "does not hold the 3 images of the test set: 1 missing: 'dog11.jpg'; 1 unknown: 'dog12.jpg'."):
        read_runs([run], data)
    with said(InputError, "there is nothing to score; name files of answers: submissions (.json) or tables (.npz, .csv, .parquet)."):
        read_runs([], data)
    (folder / "open_test_set" / "category1" / "cat12.jpg").unlink()
    with said(FileError, f"{folder}/open_test_set/category1/cat12.jpg is missing: category1.txt in"):
        open_set(folder)


class _Hostile:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


def test_a_hostile_pickle_is_refused_and_nothing_runs(folder, tmp_path):
    mark = tmp_path / "it-ran"
    (folder / "open_test_set" / "labels.json").unlink()
    (folder / "open_test_set" / "labels.pk").write_bytes(pickle.dumps({"cat11.jpg": _Hostile(mark)}))
    with pytest.raises(FileError, match=r"labels\.pk"):
        open_set(folder)
    assert not mark.exists()


def test_counts_of_zero_and_shares_that_do_not_sum_to_one(folder):
    full = {"cat11.jpg": [3, 0, 0], "cat12.jpg": [4, 1, 0]}
    for row, kind, sentence in (
        ([0, 0, 0], InputError, "labels.json: the counts has nothing but zeros for 'dog11.jpg', and for 1 of 3 items: nobody answered"),
        ([0, -1, 3], InputError, "labels.json: the counts has -1 for 'dog11.jpg' (outcome 1); no answer has a share below 0."),
        ([0, 1], InputError, "the picture 'dog11.jpg' has 2 numbers; 3 are wanted: cat, dog, abstain."),
        ([0, "1", 0], InputError, "the picture 'dog11.jpg' has [0, '1', 0]; 3 are wanted: cat, dog, abstain."),
    ):
        with said(kind, sentence):
            open_set(labelled(folder, full | {"dog11.jpg": row}))
    with said(InputError, "labels.json: 'people' sums to 0.7 for 'dog11.jpg', and 1 of 3 items do not sum to 1."):
        open_set(labelled(folder, {"cat11.jpg": [1, 0, 0], "cat12.jpg": [1, 0, 0], "dog11.jpg": [0.5, 0.2, 0]}))
    with pytest.raises((InputError, NonFiniteError), match=r"dog11"):
        open_set(labelled(folder, {"cat11.jpg": [1, 0, 0], "cat12.jpg": [1, 0, 0], "dog11.jpg": [float("nan"), 0, 0]}))


def test_folders_that_are_no_data_set(folder, tmp_path):
    with said(FileError, "lists no pictures; category1.txt … category8.txt hold lines '<subfolder>/<file>'."):
        open_set(tmp_path)
    lists = folder / "open_test_set" / "filenames"
    (lists / "category4.txt").write_text("../../secret.jpg\n")
    with said(FileError, "names '../../secret.jpg', which lies outside"):
        open_set(folder)
    (lists / "category4.txt").write_text("category1/cat11.jpg\n")
    with said(InputError, "stand twice, the first is 'cat11.jpg'; a submission could not tell them apart."):
        open_set(folder)
    (lists / "category4.txt").unlink()
    (lists / "category8.txt").write_text("category1/cat11.jpg\n")
    (lists / "category1.txt").write_text("category1/cat12.jpg\n")
    with said(InputError, "the picture 'cat11.jpg' of category 8 names the class ''; the classes are cat, dog."):
        open_set(folder)
    (lists / "category8.txt").unlink()
    (folder / "open_test_set" / "labels.json").unlink()
    with said(FileError, "holds no labels; put labels.json or labels.pk there. VisAlign's own come from its authors' archive"):
        _ = open_set(folder).gold
    (folder / "set.json").write_text("{")
    with said(FileError, "cannot be read as the facts of a data set"):
        open_set(folder)


def part(source, **changes):
    return SetPart(**({"classes": {each: Pictures(source=str(source)) for each in ("cat", "dog")}} | changes))


def test_sources_that_do_not_suffice(folder, tmp_path):
    pictures = folder / "open_test_set" / "category1"
    sentence = (
        "the class 'cat' has 3 pictures; 1125 to learn from, 125 to validate and 10 to test make 1260. Lower train, validation or test"
    )
    with said(InputError, sentence):
        build_set(part(pictures), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with said(InputError, f"{folder} holds something else than a data set of ours. Pass another folder, or move that one away."):
        build_set(part(pictures, train=1, validation=1, test=1), folder)
    with said(InputError, "the class 'Cat' must be small letters and '_', for file names hold it, and 'abstain' is no class."):
        SetPart(classes={"Cat": Pictures(source="x"), "dog": Pictures(source="x")})
    with said(InputError, "a set needs two classes or more, each once; got ['cat']."):
        SetPart(classes={"cat": Pictures(source="x")})
    with said(UnknownNameError, "no category to abstain from is called '9'."):
        part(pictures, abstain={"9": Pictures(source="x")})
    with said(UnknownNameError, "no corruption is called 'fogg'. Did you mean 'fog'?"):
        part(pictures, corruptions=("fogg",))
    with said(InputError, "the severity of 'fog' is a whole number from 1 to 10; got 11."):
        part(pictures, corruptions=("fog",), severities=(11,))
    with said(InputError, "each class needs pictures to learn from, to validate and to test; got 1125, 0, 10."):
        part(pictures, validation=0)
    with said(InputError, "is labelled 'lion'; there are"):
        Pictures(source=str(folder / "open_test_set"), labels=("lion",)).load()


def test_studies_that_cannot_be_run(folder, tmp_path):
    whole = {"name": "s", "folder": folder, "network": NetworkPart(architecture="mlp_small")}
    with said(InputError, "the study 's' needs [set] or folder, and just one of them; it has neither."):
        VisalignStudy(**whole | {"folder": None})
    with said(InputError, "needs network.architecture or network.backbone, and just one of them; it has both."):
        VisalignStudy(**whole | {"network": NetworkPart(architecture="mlp_small", backbone="a/b")})
    with said(InputError, "the study 's' needs seeds of 0 or more, each once; got [1, 1]."):
        VisalignStudy(**whole, seeds=(1, 1))
    with said(InputError, "the study 's' has one seed, and 'deepensemble' needs two networks; add a seed or leave it out."):
        VisalignStudy(**whole, seeds=(1,))
    with said(UnknownNameError, "no method of VisAlign is called 'openmax'."):
        AbstentionPart(methods=("openmax",))
    with said(InputError, "knn: no option is called 'neighbours'."):
        AbstentionPart(options={"knn": {"neighbours": 3}})
    with said(UnknownNameError, "no architecture is called 'vit_30'. Did you mean 'vit_30_16'?"):
        visalign_network("vit_30")
    with said(FileError, "holds nothing to learn from; train_split_filenames/final_train/<class>.txt and final_eval/<class>.txt list"):
        _ = VisalignStudy(**whole, out=tmp_path / "out").start().networks


def test_training_that_cannot_go_on(tmp_path):
    import torch

    rows = RowExamples(np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1]))

    def network():
        return torch.nn.Linear(4, 2)

    Training(epochs=1).fit(network, rows, rows, folder=tmp_path / "a")
    with said(InputError, "holds another training run (other options, pictures, seed or network). Pass another folder."):
        Training(epochs=2).fit(network, rows, rows, folder=tmp_path / "a")
    (tmp_path / "a" / "last.safetensors").write_bytes(b"not a checkpoint")
    with said(FileError, "last.safetensors is no checkpoint that can be read"):
        Training(epochs=1).fit(network, rows, rows, folder=tmp_path / "a")
    broken = RowExamples(np.full((4, 4), np.inf, dtype=np.float32), np.array([0, 1, 0, 1]))
    with said(InputError, "the loss of epoch 1 is nan; lower the learning rate (1e-05)."):
        Training(epochs=1).fit(network, broken, rows, folder=tmp_path / "b")
    with said(InputError, "training needs epochs of 1 or more; got 0."):
        Training(epochs=0)
    with said(DeviceError, "this machine has no device 'cuda:77'"):
        Training(epochs=1).fit(network, rows, rows, folder=tmp_path / "c", device="cuda:77")
    with said(InputError, "training's plateau_factor lowers the learning rate and must lie below 1; got 2."):
        Training(plateau_factor=2.0)


def test_configurations_that_ask_for_something_else(tmp_path):
    path = tmp_path / "imagenet.json"
    path.write_text(json.dumps({"trainer": {"lr": 1e-4, "optimizer": "SGD"}, "dataset": {}}))
    with said(InputError, "asks for the optimizer 'SGD'; VisAlign's recipe here has 'AdamW' alone."):
        read_configuration(path)
    path.write_text("[1]")
    with said(FileError, "is no configuration of VisAlign's; it needs the tables 'trainer' and 'dataset'."):
        read_configuration(path)
    pytest.importorskip("yaml", reason="a reader of YAML")
    hostile = tmp_path / "imagenet.yaml"
    hostile.write_text("trainer: !!python/object/apply:os.mkdir ['" + str(tmp_path / "it-ran") + "']\n")
    with said(FileError, "imagenet.yaml cannot be read as YAML: could not determine a constructor for the tag"):
        read_configuration(hostile)
    assert not (tmp_path / "it-ran").exists()


def test_the_terminal_says_one_sentence(folder, tmp_path, capsys):
    (tmp_path / "study.toml").write_text('folder = "nowhere"\nnetwork = { architecture = "mlp_small" }\n')
    assert main(["visalign", "build", str(tmp_path / "study.toml")]) == 1
    assert capsys.readouterr().err.startswith("isomorph visalign: ")
    (tmp_path / "study.toml").write_text('folder = "set"\nnetwork = { architecture = "mlp_small" }\nseed = 3\n')
    assert main(["run", str(tmp_path / "study.toml")]) == 1
    assert "study.toml: no option is called 'seed'. Did you mean 'seeds'?" in capsys.readouterr().err
    assert main(["visalign", "score", str(folder)]) == 1
    assert "there is nothing to score" in capsys.readouterr().err

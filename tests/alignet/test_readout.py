"""Readouts: fitted ones classify and have the released form; a network's own classifier is kept as it is."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from isomorph.alignet import Readout, Student, export_student, fit_readout, load_student, readout_from_classifier, with_readout
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features
from isomorph.models import ImageRecipe, extract, load_model, wrap_model
from isomorph.models._weights import weights_digest
from isomorph.stimuli import Stimuli

RECIPE = ImageRecipe(height_pixels=8, width_pixels=8, resize_pixels=8)
CLASSES = ("dark", "red", "green")
N = 45


def pictures():
    rng = np.random.default_rng(0)
    centres = np.array([[30, 30, 30], [200, 40, 40], [40, 200, 40]])
    values = centres[np.arange(N) % 3][:, None, None, :] + rng.integers(-25, 26, size=(N, 8, 8, 3))
    return Stimuli.from_arrays(values.astype(np.uint8), ids=[f"p{row}" for row in range(N)])


LABELS = {f"p{row}": CLASSES[row % 3] for row in range(N)}


class Net(torch.nn.Module):
    def __init__(self, end):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3)
        self.fc = end

    def forward(self, x):
        return self.fc(torch.tanh(self.conv(x)).mean((2, 3)))


def student(end=None, width=8):
    with torch.random.fork_rng():
        torch.manual_seed(2)
        base = wrap_model(Net(end or torch.nn.Linear(width, 5)), name="tiny", preprocess=RECIPE)
    module = Student.of(base, pictures(), layer="conv", pool="mean", dimensions=4)
    return dataclasses.replace(base, module=module, weights=weights_digest(module.state_dict()))


@pytest.mark.parametrize("kind", ["logistic", "adamw"])
def test_a_fitted_readout_classifies(kind):
    model = student()
    readout = fit_readout(model, pictures(), LABELS, classes=CLASSES, kind=kind, epochs=30)
    named = with_readout(model, readout)
    outputs = named.forward(named.prepare(list(pictures())))
    chosen = outputs["i1k_logits"].argmax(1).tolist()
    assert np.mean([CLASSES[each] == LABELS[f"p{row}"] for row, each in enumerate(chosen)]) > 0.95
    rows = outputs["pre_logits"].double()
    centred = rows - rows.mean(1, keepdim=True)
    normal = centred / torch.sqrt((centred**2).mean(1, keepdim=True) + 1e-6)
    by_hand = normal @ readout.linear.weight.double().T + readout.linear.bias.double()
    np.testing.assert_allclose(outputs["i1k_logits"].numpy(), by_hand.numpy(), rtol=1e-4, atol=1e-4)
    assert "45 pictures, accuracy 100.0%" in readout.how
    assert model.module.readout is None
    assert named.fingerprint != model.fingerprint


def test_folders_are_classes(tmp_path):
    for row, picture in enumerate(pictures()):
        (tmp_path / CLASSES[row % 3]).mkdir(exist_ok=True)
        Image.fromarray(picture).save(tmp_path / CLASSES[row % 3] / f"{row}.png")
    readout = fit_readout(student(), Stimuli.from_folder(tmp_path))
    assert readout.classes == ("dark", "green", "red")
    assert "accuracy 100.0%" in readout.how


def test_it_is_what_logistic_regression_on_normalised_rows_gives():
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is the oracle here")
    model = student()
    x = extract(model, pictures(), layers="output[pre_logits]")["output[pre_logits]"]
    readout = fit_readout(model, x, LABELS)
    normal = torch.nn.functional.layer_norm(torch.from_numpy(np.array(x.values)), (8,), eps=1e-6).numpy()
    strength = float(readout.how.split("C ")[1].split(",")[0])
    theirs = linear_model.LogisticRegression(C=strength, tol=1e-10, max_iter=10_000).fit(normal, [LABELS[each] for each in x.ids])
    assert readout.classes == tuple(theirs.classes_)
    ours = torch.softmax(readout(torch.from_numpy(np.array(x.values))), 1).numpy()
    np.testing.assert_allclose(ours, theirs.predict_proba(normal), atol=2e-3)


def test_the_classifier_of_a_real_network_is_kept(tmp_path):
    base = load_model("bundled/mobilenet_v2.random-1", recipe={"height_pixels": 32, "width_pixels": 32, "resize_pixels": 32})
    module = Student.of(base, pictures(), dimensions=4)
    model = dataclasses.replace(base, module=module, card=dataclasses.replace(base.card, name=base.name + "+alignet"))
    kept = with_readout(model, readout_from_classifier(model, pictures()))
    batch = base.prepare(list(pictures())[:4])
    torch.testing.assert_close(kept.forward(batch)["i1k_logits"], base.forward(batch))
    export = export_student(kept, pictures(), tmp_path / "export", formats=["safetensors"])
    back = load_student(export.folder)
    assert back.module.readout.kind == "classifier"
    assert torch.equal(back.forward(batch)["i1k_logits"], kept.forward(batch)["i1k_logits"])
    assert "the classifier of the network that the student began as" in (export.folder / "README.md").read_text()


def test_a_fitted_readout_is_exported(tmp_path):
    model = student()
    named = with_readout(model, fit_readout(model, pictures(), LABELS))
    export = export_student(named, pictures(), tmp_path / "export", formats=["safetensors", "torch"])
    batch = named.prepare(list(pictures()))
    right = named.forward(batch)["i1k_logits"]
    found = torch.export.load(export.folder / "student.pt2").module()(batch)["i1k_logits"]
    torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-4)
    back = load_student(export.folder, base=wrap_model(Net(torch.nn.Linear(8, 5)), name="tiny", preprocess=RECIPE))
    assert back.module.readout.classes == ("dark", "green", "red")
    assert torch.equal(back.forward(batch)["i1k_logits"], right)
    assert "logistic regression, C" in (export.folder / "README.md").read_text()


def test_what_is_refused():
    model = student()
    with pytest.raises(InputError, match="a readout is fitted by 'logistic' or 'adamw'; got 'ridge'"):
        fit_readout(model, pictures(), LABELS, kind="ridge")
    with pytest.raises(InputError, match="a readout needs the class of each picture: pass labels, or pictures that lie in one folder"):
        fit_readout(model, pictures())
    with pytest.raises(ShapeError, match=r"the readout's features have 7 columns, but the pre_logits of user/tiny have 8"):
        fit_readout(model, Features(np.ones((N, 7)), pictures().ids), LABELS)
    with pytest.raises(ShapeError, match=r"the readout takes 9 features, but the pre_logits of user/tiny have 8"):
        with_readout(model, Readout(9, CLASSES))
    with pytest.raises(InputError, match="a readout is 'fitted' or a 'classifier'; got 'guessed'"):
        Readout(8, CLASSES, kind="guessed")
    with pytest.raises(InputError, match=r"does not end in one linear map of what its layer 'conv' holds.*fit_readout fits one"):
        readout_from_classifier(model, pictures())  # a tanh stands between

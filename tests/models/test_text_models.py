import numpy as np
import pytest
import torch

from isomorph.errors import InputError, MissingDependencyError
from isomorph.models import Model, TextRecipe, extract, load_model
from isomorph.stimuli import Stimuli

TEXTS = ["a dog runs in the park", "a puppy is playing outside", "the stock market fell sharply on monday"]


def load(name: str) -> Model:
    try:
        return load_model(name)
    except MissingDependencyError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("name", "width"), [("minilm_l6_v2", 384), ("glove_6b_50d", 50), ("wordllama_256", 256)])
def test_sentences_of_one_meaning_lie_close_and_padding_changes_nothing(name: str, width: int) -> None:
    model = load(f"bundled/{name}")
    batch = model.prepare(TEXTS)
    rows = model.forward(batch).float()
    assert rows.shape == (3, width)
    unit = torch.nn.functional.normalize(rows, dim=1)
    cosines = unit @ unit.T
    assert cosines[0, 1] > cosines[0, 2] + 0.15
    alone = torch.cat([model.forward(model.prepare([each])) for each in TEXTS])
    torch.testing.assert_close(alone, rows, atol=2e-6, rtol=1e-4)
    mask = model.token_mask(batch)
    assert mask is not None
    assert mask.dtype == torch.bool
    assert mask.sum(1).tolist() == [int(model.token_mask(model.prepare([each])).sum()) for each in TEXTS]  # type: ignore[union-attr]


def test_minilm_is_the_unit_mean_of_its_last_layer() -> None:
    model = load("bundled/minilm_l6_v2")
    states: list[torch.Tensor] = []
    hook = model.module.get_submodule("bert.encoder.layer.5").register_forward_hook(
        lambda module, inputs, output: states.append(output[0] if isinstance(output, tuple) else output)
    )
    batch = model.prepare(TEXTS)
    rows = model.forward(batch)
    hook.remove()
    mask = batch["attention_mask"].numpy()[:, :, None]
    mean = (states[0].numpy() * mask).sum(1) / mask.sum(1)
    np.testing.assert_allclose(rows.numpy(), mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-6)
    assert batch["input_ids"][0, 0] == 101  # [CLS]


def test_glove_takes_the_mean_over_words_and_splits_what_it_does_not_know() -> None:
    model = load("bundled/glove_6b_50d")
    words, phrase = model.forward(model.prepare(["green", "house"])), model.forward(model.prepare(["Green House"]))
    torch.testing.assert_close(words.mean(0), phrase[0])
    compound = model.forward(model.prepare(["green-xylophone-house"]))
    parts = model.forward(model.prepare(["green xylophone house"]))
    torch.testing.assert_close(compound, parts)


def test_unknown_words_are_named_or_left_out_on_request() -> None:
    model = load("bundled/glove_6b_50d")
    with pytest.raises(InputError, match="no vector for 1 words: 'qqzzvvx'"):
        model.prepare(["a qqzzvvx house"])
    lenient = model.with_recipe(unknown="skip")
    assert lenient.fingerprint != model.fingerprint
    torch.testing.assert_close(lenient.forward(lenient.prepare(["house qqzzvvx"])), model.forward(model.prepare(["house"])))
    with pytest.raises(InputError, match="holds no token"):
        lenient.prepare(["qqzzvvx"])


def test_long_texts_are_an_error_unless_truncation_is_asked_for() -> None:
    model = load("bundled/minilm_l6_v2")
    long = "dog " * 300
    with pytest.raises(InputError, match="has 302 tokens; the model reads 256"):
        model.prepare([long])
    batch = model.with_recipe(too_long="truncate").prepare([long])
    assert batch["input_ids"].shape == (1, 256)
    assert batch["input_ids"][0, -1] == 102  # [SEP]


@pytest.mark.parametrize("bad", [["fine", ""], ["fine", "  "], ["fine", 3]])
def test_what_is_no_text_is_refused(bad: list[object]) -> None:
    with pytest.raises(InputError, match="text 1"):
        load("bundled/glove_6b_50d").prepare(bad)


def test_a_text_without_limit_is_never_cut() -> None:
    assert TextRecipe().fit("x", list(range(10_000))) == list(range(10_000))


def test_a_single_word_first_does_not_hide_that_layers_differ() -> None:
    model = load("bundled/glove_6b_50d")
    texts = ["cat", "a dog and a cat", "house"]
    found = extract(model, Stimuli.from_texts(texts), layers=["output"])["output"].values
    np.testing.assert_allclose(found, model.forward(model.prepare(texts)).numpy(), rtol=1e-6)

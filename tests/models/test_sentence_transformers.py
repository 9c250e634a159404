"""Sentence encoders equal `SentenceTransformer.encode`: tiny ones are saved here and loaded by their folder."""

import json
from importlib.util import find_spec

import numpy as np
import pytest

from isomorph import Stimuli
from isomorph.models import extract, list_models, load_model, model_card, outline

if find_spec("sentence_transformers") is None:
    pytest.skip("needs sentence-transformers: pip install 'isomorph[sentence-transformers]'", allow_module_level=True)

from isomorph.models._torchvision_guard import import_beside_torchvision

transformers = import_beside_torchvision("transformers")
sentence_transformers = import_beside_torchvision("sentence_transformers")
modules = import_beside_torchvision("sentence_transformers.models")

TEXTS = ["a ripe lemon", "  The dog sat on the mat", "dog"]
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "ripe", "lemon", "the", "dog", "sat", "on", "mat")


def saved(folder, *behind, **options):
    """Save a tiny encoder with these modules behind its network; returns theirs."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    network = folder / "network"
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    transformers.BertModel(transformers.BertConfig(vocab_size=14, max_position_embeddings=16, **sizes)).save_pretrained(network)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=16)
    fast.save_pretrained(network)
    whole = sentence_transformers.SentenceTransformer(modules=[modules.Transformer(str(network)), *behind], device="cpu", **options)
    whole.save(str(folder / "encoder"))
    return whole, f"sentence_transformers/{folder}/encoder"


@pytest.mark.parametrize("pooling", ["mean", "cls", "max", ("mean", "cls")])
def test_the_output_equals_encode(pooling, tmp_path) -> None:
    whole, name = saved(tmp_path, modules.Pooling(16, pooling_mode=pooling), modules.Normalize())
    model = load_model(name)
    assert (model.modality, model.recipe.max_tokens) == ("text", 16)
    found = extract(model, Stimuli.from_texts(TEXTS), layers=["transformer.encoder.layer.0*", "pooling", "output"], pool="mean")
    np.testing.assert_allclose(found["output"].values, whole.encode(TEXTS), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found["output"].values, axis=1), 1, atol=1e-6)
    assert not np.allclose(np.linalg.norm(found["pooling"].values, axis=1), 1)
    assert any(each.startswith("transformer.encoder.layer.0") for each in found)


def test_a_dense_layer_and_a_prompt_come_along(tmp_path) -> None:
    prompts = {"prompts": {"query": "the dog "}, "default_prompt_name": "query"}
    whole, name = saved(tmp_path, modules.Pooling(16), modules.Dense(16, 6), **prompts)
    model = load_model(name)
    found = extract(model, Stimuli.from_texts(TEXTS), layers="output", pool="mean")["output"]
    np.testing.assert_allclose(found.values, whole.encode(TEXTS), atol=1e-6)
    assert not np.allclose(found.values, whole.encode(TEXTS, prompt=""), atol=1e-3)


def test_random_weights_come_from_their_seed(tmp_path) -> None:
    _, name = saved(tmp_path, modules.Pooling(16), modules.Normalize())
    first, again, other = (load_model(f"{name}.random-{seed}") for seed in (0, 0, 1))
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert first.card.objective == "none"
    assert first.forward(first.prepare(TEXTS)).shape == (3, 16)


def test_files_of_earlier_versions_are_read(tmp_path) -> None:
    whole, name = saved(tmp_path, modules.Pooling(16))
    folder = tmp_path / "encoder"
    older = {"word_embedding_dimension": 16, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(older))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 8, "do_lower_case": false}')
    kinds = ["sentence_transformers.models.Transformer", "sentence_transformers.models.Pooling"]
    paths = ["", "1_Pooling"]
    listed = [{"idx": index, "name": str(index), "path": paths[index], "type": kinds[index]} for index in range(2)]
    (folder / "modules.json").write_text(json.dumps(listed))
    model = load_model(name)
    assert model.recipe.max_tokens == 8
    np.testing.assert_allclose(model.forward(model.prepare(TEXTS)), whole.encode(TEXTS), atol=1e-6)


@pytest.mark.parametrize("name", list_models("sentence_transformers/*"))
def test_every_row_builds_on_the_meta_device(name: str) -> None:
    card = model_card(name)
    assert (card.modality, card.objective) == ("text", "sentence similarity")
    assert model_card(f"{name}.random-0").objective == "none"
    names = dict(outline(f"{name}.random-0").named_modules())
    assert {"transformer", "pooling", "normalize"} <= set(names)

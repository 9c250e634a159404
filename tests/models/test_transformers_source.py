"""Models of transformers equal transformers: tiny ones are saved here and loaded by their folder."""

import json
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from isomorph import Stimuli
from isomorph.models import extract, list_models, load_model, model_card, outline

if find_spec("transformers") is None:
    pytest.skip("needs transformers: pip install 'isomorph[hf]'", allow_module_level=True)

from isomorph.models._torchvision_guard import import_beside_torchvision

transformers = import_beside_torchvision("transformers")

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 40, 52, 3), dtype=np.uint8)
TEXTS = ["a ripe lemon", "the dog sat on the mat", "dog"]
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "ripe", "lemon", "the", "dog", "sat", "on", "mat")
SMALL = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24}
SEEN = {"image_size": 32, "patch_size": 8, **SMALL}
READ = {"vocab_size": len(WORDS), "max_position_embeddings": 12, **SMALL}


def save_tokenizer(folder, *, closes: bool = True, padding: bool = True, end: str = "[SEP]") -> None:
    """A tokeniser that knows a dozen words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if closes:
        tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    named = {"unk_token": "[UNK]", "eos_token": end, **({"pad_token": "[PAD]"} if padding else {})}
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=12, **named).save_pretrained(folder)


def saved(folder, model, processor: str = "ViTImageProcessor", **options):
    """Save a network, and how its pictures are prepared; returns it in evaluation mode."""
    model.save_pretrained(folder)
    if processor:
        size = options.pop("size", {"height": 32, "width": 32})
        plain = getattr(transformers, processor)(size=size, **options).to_dict()
        (folder / "preprocessor_config.json").write_text(json.dumps(plain))
    return model.eval()


@pytest.mark.parametrize("kind", ["ViT", "Dinov2"])
def test_hidden_states_of_vision_transformers_equal_upstreams(kind: str, tmp_path) -> None:
    config = getattr(transformers, f"{kind}Config")(**SEEN)
    theirs = saved(tmp_path, getattr(transformers, f"{kind}Model")(config))
    model = load_model(f"hf/{tmp_path}")
    with torch.inference_mode():
        expected = theirs(model.prepare(PICTURES), output_hidden_states=True)
    stack = "encoder.layer" if any(name.startswith("encoder.layer.") for name, _ in theirs.named_modules()) else "layers"
    names = ["embeddings", f"{stack}.0", f"{stack}.2"]
    ours = extract(model, Stimuli.from_arrays(PICTURES), layers=[*names, "output[last_hidden_state]"])
    for name, states in zip(names, (expected.hidden_states[0], expected.hidden_states[1], expected.hidden_states[3]), strict=True):
        np.testing.assert_allclose(ours[name].values, states.flatten(1), atol=1e-5)
    np.testing.assert_allclose(ours["output[last_hidden_state]"].values, expected.last_hidden_state.flatten(1), atol=1e-5)
    assert (model.card.modality, model.card.parameters) == ("image", sum(each.numel() for each in theirs.parameters()))


def test_a_masked_autoencoder_sees_every_patch_in_its_order(tmp_path) -> None:
    theirs = saved(tmp_path, transformers.ViTMAEModel(transformers.ViTMAEConfig(**SEEN)))
    model = load_model(f"hf/{tmp_path}")
    batch = model.prepare(PICTURES)
    plain = transformers.ViTModel(transformers.ViTConfig(**SEEN), add_pooling_layer=False).eval()
    plain.load_state_dict(theirs.state_dict())
    with torch.inference_mode():
        expected = plain(batch).last_hidden_state
    for _ in range(2):
        torch.testing.assert_close(model.forward(batch).last_hidden_state, expected, atol=1e-5, rtol=0)


def test_the_image_encoder_of_segment_anything_is_found_in_the_whole(tmp_path) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "mlp_dim": 24, "output_channels": 8, "window_size": 2}
    vision = {**sizes, "image_size": 64, "patch_size": 16, "global_attn_indexes": [1]}
    prompts = {"hidden_size": 8, "image_size": 64, "patch_size": 16, "mask_input_channels": 4}
    mask = {"hidden_size": 8, "mlp_dim": 16, "num_attention_heads": 2, "iou_head_hidden_dim": 8}
    whole = transformers.SamModel(transformers.SamConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=mask))
    square = {"height": 64, "width": 64}
    theirs = saved(tmp_path, whole, "SamImageProcessor", size={"longest_edge": 64}, pad_size=square)
    model = load_model(f"hf/{tmp_path}")
    batch = model.prepare(PICTURES)
    with torch.inference_mode():
        expected = theirs.vision_encoder(batch).last_hidden_state
    torch.testing.assert_close(model.forward(batch).last_hidden_state, expected, atol=1e-5, rtol=0)
    assert batch.shape == (3, 3, 64, 64)
    assert (batch[:, :, 50:] == 0).all()


@pytest.mark.parametrize("kind", ["Bert", "DistilBert", "MPNet", "Roberta"])
def test_hidden_states_of_encoders_equal_upstreams(kind: str, tmp_path) -> None:
    config = getattr(transformers, f"{kind}Config")(**READ | {"max_position_embeddings": 16, "pad_token_id": 0})
    theirs = saved(tmp_path, getattr(transformers, f"{kind}Model")(config), "")
    save_tokenizer(tmp_path)
    model = load_model(f"hf/{tmp_path}")
    assert model.recipe.max_tokens == 12
    batch = model.prepare(TEXTS)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    expected = tokenizer(TEXTS, padding=True, return_tensors="pt")
    assert torch.equal(batch["input_ids"], expected["input_ids"])
    assert torch.equal(model.token_mask(batch), expected["attention_mask"].bool())
    with torch.inference_mode():
        states = theirs(input_ids=expected["input_ids"], attention_mask=expected["attention_mask"], output_hidden_states=True)
    weight = expected["attention_mask"][..., None]
    means = [(each * weight).sum(1) / weight.sum(1) for each in states.hidden_states]
    stack = "transformer.layer" if kind == "DistilBert" else "encoder.layer"
    found = extract(model, Stimuli.from_texts(TEXTS), layers=[f"{stack}.0*", f"{stack}.2*", "output[last_hidden_state]"], pool="mean")
    for index in (1, 3):
        assert any(
            each.width == 16 and np.allclose(each.values, means[index], atol=1e-5)
            for name, each in found.items()
            if name.startswith(f"{stack}.{index - 1}") or name.startswith("output")
        )


def test_gpt2_is_padded_behind_the_text_and_equals_each_text_alone(tmp_path) -> None:
    sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 12, "vocab_size": len(WORDS), "eos_token_id": 3, "bos_token_id": 3}
    theirs = saved(tmp_path, transformers.GPT2Model(transformers.GPT2Config(**sizes)), "")
    save_tokenizer(tmp_path, closes=False, padding=False)
    model = load_model(f"hf/{tmp_path}")
    batch = model.prepare(TEXTS)
    assert batch["input_ids"].tolist()[2] == [8, 3, 3, 3, 3, 3]
    assert batch["attention_mask"].tolist()[2] == [1, 0, 0, 0, 0, 0]
    features = extract(model, Stimuli.from_texts(TEXTS), layers=["h.0", "output[last_hidden_state]"], pool="mean")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for row, text in enumerate(TEXTS):
        with torch.inference_mode():
            states = theirs(**tokenizer(text, return_tensors="pt"), output_hidden_states=True)
        np.testing.assert_allclose(features["h.0"].values[row], states.hidden_states[1][0].mean(0), atol=1e-5)
        np.testing.assert_allclose(features["output[last_hidden_state]"].values[row], states.last_hidden_state[0].mean(0), atol=1e-5)
    cut = model.with_recipe(max_tokens=3, too_long="truncate").prepare(TEXTS[1:2])
    assert cut["input_ids"].tolist() == [[7, 8, 9]]


def test_of_t5_the_encoder_reads(tmp_path) -> None:
    sizes = {"d_model": 16, "d_ff": 24, "d_kv": 8, "num_layers": 2, "num_heads": 2, "vocab_size": len(WORDS)}
    theirs = saved(tmp_path, transformers.T5Model(transformers.T5Config(**sizes)), "").get_encoder()
    save_tokenizer(tmp_path)
    model = load_model(f"hf/{tmp_path}")
    batch = model.prepare(TEXTS)
    with torch.inference_mode():
        expected = theirs(**batch, output_hidden_states=True)
    found = extract(
        model, Stimuli.from_texts(TEXTS), layers=["encoder.block.0.layer.1.DenseReluDense", "output[last_hidden_state]"], pool="cls"
    )
    np.testing.assert_allclose(found["output[last_hidden_state]"].values, expected.last_hidden_state[:, 0], atol=1e-5)
    assert not any(name.startswith("decoder") for name, _ in model.module.named_modules())


PROCESSORS = {
    "ViTImageProcessor": {"size": {"height": 30, "width": 36}},
    "CLIPImageProcessor": {"size": {"shortest_edge": 41}, "crop_size": {"height": 32, "width": 32}},
    "BitImageProcessor": {"size": {"shortest_edge": 36}, "crop_size": {"height": 33, "width": 33}},
    "SiglipImageProcessor": {"size": {"height": 32, "width": 32}},
    "DeiTImageProcessor": {"size": {"height": 44, "width": 44}, "crop_size": {"height": 31, "width": 31}},
    "BeitImageProcessor": {"size": {"height": 32, "width": 32}},
    "BlipImageProcessor": {"size": {"height": 48, "width": 48}},
    "ConvNextImageProcessor": {"size": {"shortest_edge": 64}},
    "EfficientNetImageProcessor": {"size": {"height": 48, "width": 48}, "rescale_offset": True, "rescale_factor": 1 / 127.5},
    "SamImageProcessor": {"size": {"longest_edge": 64}, "pad_size": {"height": 64, "width": 64}},
    "ChineseCLIPImageProcessor": {"size": {"height": 32, "width": 32}, "do_center_crop": False},
}


def photographs() -> list[np.ndarray]:
    """Smooth pictures of odd sizes, with edges; noise alone would measure rounding and nothing else."""
    rng = np.random.default_rng(1)
    found = []
    for height, width in ((97, 140), (131, 85), (120, 121)):
        rows, columns = np.mgrid[0:height, 0:width]
        waves = [np.sin(rows * a + columns * b) for a, b in rng.uniform(0.02, 0.25, (3, 2))]
        picture = np.stack(waves, axis=2) * 110 + 127
        picture[height // 4 : height // 2, width // 3 : width // 2] = rng.uniform(0, 255, 3)
        found.append(picture.astype(np.uint8))
    return found


@pytest.mark.parametrize("name", PROCESSORS)
def test_preparation_equals_the_image_processor(name: str, tmp_path) -> None:
    """Exactly Pillow's version of it; within two grey levels of torchvision's, whose filters round otherwise."""
    from isomorph.models._transformers_recipe import read_recipe

    whole = getattr(transformers, name)(**PROCESSORS[name])
    plain = json.loads(json.dumps(whole.to_dict()))
    recipe = read_recipe(plain, "hf/test")
    pillow = getattr(transformers, f"{name}Pil", None)
    spread = min(recipe.std) * 255 / recipe.maximum
    for picture in photographs():
        ours = recipe([picture])[0]
        theirs = whole(images=picture, return_tensors="pt")["pixel_values"][0]
        assert ours.shape == theirs.shape
        assert (ours - theirs).abs().max() <= 2.01 / spread
        if pillow is not None:
            exact = pillow(**PROCESSORS[name])(images=picture, return_tensors="pt")["pixel_values"][0]
            torch.testing.assert_close(ours, exact.float(), atol=2e-6, rtol=1e-5)


def test_what_a_processor_leaves_out_is_its_own_default() -> None:
    from isomorph.models._transformers_recipe import _PROCESSORS, read_recipe

    for family in _PROCESSORS:
        whole = getattr(transformers, f"{family}ImageProcessor", None) or getattr(transformers, f"{family}ImageProcessorFast")
        picture = photographs()[0]
        theirs = whole()(images=picture, return_tensors="pt")["pixel_values"][0]
        ours = read_recipe({"image_processor_type": f"{family}ImageProcessor"}, "hf/test")([picture])[0]
        assert ours.shape == theirs.shape, family
        assert (ours - theirs).abs().mean() < 0.05, family


def test_a_random_folder_and_its_recipe_make_an_untrained_model(tmp_path) -> None:
    theirs = saved(tmp_path, transformers.ViTModel(transformers.ViTConfig(**SEEN)))
    first, again, other = (load_model(f"hf/{tmp_path}.random-{seed}") for seed in (0, 0, 1))
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert first.card.training_data == "none"
    assert other.weights != load_model(f"hf/{tmp_path}").weights
    assert first.card.parameters == sum(each.numel() for each in theirs.parameters())


def test_weights_of_half_precision_run_in_float32_and_a_head_without_weights_is_left_out(tmp_path) -> None:
    theirs = transformers.ViTForImageClassification(transformers.ViTConfig(**SEEN)).half()
    saved(tmp_path, theirs)
    model = load_model(f"hf/{tmp_path}")
    assert next(model.module.parameters()).dtype == torch.float32
    assert model.module.pooler is None
    assert model.forward(model.prepare(PICTURES)).pooler_output is None


def test_the_tokeniser_is_part_of_the_fingerprint(tmp_path) -> None:
    saved(tmp_path, transformers.BertModel(transformers.BertConfig(**READ)), "")
    save_tokenizer(tmp_path)
    before = load_model(f"hf/{tmp_path}").fingerprint
    save_tokenizer(tmp_path, closes=False)
    assert load_model(f"hf/{tmp_path}").fingerprint != before


def test_the_catalogue_is_listed_without_transformers() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from isomorph.models import list_models, model_card; names = list_models('hf/*'); [model_card(n) for n in names];"
        "assert 'transformers' not in sys.modules and 'torch' not in sys.modules; print(len(names))"
    )
    assert int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout) >= 35


@pytest.mark.parametrize("name", list_models("hf/*"))
def test_every_row_builds_on_the_meta_device_with_the_size_it_states(name: str) -> None:
    card = model_card(name)
    drawn = f"{name.removesuffix('.kakaobrain')}.random-0"
    assert sum(each.numel() for each in outline(drawn).parameters()) == card.parameters
    assert card.objective
    assert card.training_data
    assert card.citation
    if "text" in card.modalities[1:]:
        assert model_card(f"{name}:text").modality == "text"
        assert len(list(outline(f"{drawn}:text").parameters())) > 50

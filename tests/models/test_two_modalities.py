"""Towers that share a space: pictures and texts of one model."""

import json
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from isomorph import Stimuli
from isomorph.cli import main
from isomorph.errors import InputError
from isomorph.models import extract, list_models, load_model, model_card
from isomorph.models._torchvision_guard import import_beside_torchvision

needs_open_clip = pytest.mark.skipif(find_spec("open_clip") is None, reason="needs open_clip: pip install 'isomorph[clip]'")
needs_transformers = pytest.mark.skipif(find_spec("transformers") is None, reason="needs transformers: pip install 'isomorph[hf]'")

PICTURES = np.random.default_rng(0).integers(0, 256, (2, 40, 52, 3), dtype=np.uint8)
CAPTIONS = ["a ripe lemon", "the dog sat on the mat!", "why?! a dog"]
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "ripe", "lemon", "the", "dog", "sat", "on", "mat")
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
SEES, READS = {"image_size": 32, "patch_size": 8, **SMALL}, {"vocab_size": 14, "max_position_embeddings": 12, **SMALL}


@needs_open_clip
def test_both_towers_of_open_clip_equal_its_own() -> None:
    from isomorph.models._weights import seeded

    open_clip = import_beside_torchvision("open_clip")
    whole = seeded(lambda: open_clip.create_model("ViT-S-32", pretrained_text=False), 3).eval()
    text, image = load_model("open_clip/ViT-S-32.random-3:text"), load_model("open_clip/ViT-S-32.random-3")
    assert (text.name, text.modality, image.name) == ("open_clip/ViT-S-32.random-3:text", "text", "open_clip/ViT-S-32.random-3")
    batch = text.prepare(CAPTIONS)
    assert torch.equal(batch["text"], open_clip.get_tokenizer("ViT-S-32")(CAPTIONS))
    found = extract(text, Stimuli.from_texts(CAPTIONS), layers=["transformer.resblocks.0", "ln_final", "output"], pool="mean")
    with torch.inference_mode():
        expected = whole.encode_text(batch["text"])
        seen = whole.encode_image(image.prepare(PICTURES))
        states = whole.token_embedding(batch["text"]) + whole.positional_embedding
        states = whole.ln_final(whole.transformer(states, attn_mask=whole.attn_mask))
    np.testing.assert_allclose(found["output"].values, expected, atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(image.forward(image.prepare(PICTURES)), seen, atol=1e-4, rtol=1e-4)
    lengths = text.token_mask(batch).sum(1).tolist()
    assert lengths == [5, 9, 6]  # the exclamation mark, whose number may be 0, is no padding
    means = np.stack([states[row, :length].mean(0) for row, length in enumerate(lengths)])
    np.testing.assert_allclose(found["ln_final"].values, means, atol=1e-4, rtol=1e-3)


@needs_open_clip
def test_a_custom_text_tower_is_taken_too() -> None:
    open_clip = import_beside_torchvision("open_clip")
    from isomorph.models import outline

    assert sum(each.numel() for each in outline("open_clip/MobileCLIP-S1.random-0:text").parameters()) == 63_428_096
    names = dict(outline("open_clip/coca_ViT-B-32.random-0:text").named_modules())
    assert "text.transformer.resblocks.0" in names
    assert not any(name.startswith(("visual", "text_decoder")) for name in names)
    assert (
        open_clip.get_model_config("coca_ViT-B-32")["text_cfg"]["context_length"]
        == model_card("open_clip/coca_ViT-B-32.random-0:text").recipe["max_tokens"]
    )


@needs_open_clip
def test_a_caption_that_is_too_long_is_named() -> None:
    from isomorph.models._open_clip_texts import texts
    from isomorph.models._text_recipe import TextRecipe

    tokenizer = import_beside_torchvision("open_clip").get_tokenizer("ViT-B-32")
    prepare = texts(tokenizer)
    with pytest.raises(InputError, match="has 92 tokens; the model reads 77"):
        prepare(TextRecipe(max_tokens=77), ["dog", "dog " * 90])
    cut = prepare(TextRecipe(max_tokens=77, too_long="truncate"), ["dog " * 90])["text"]
    assert torch.equal(cut, tokenizer(["dog " * 90]))
    shorter = prepare(TextRecipe(max_tokens=5, too_long="truncate"), ["dog " * 90])["text"]
    assert shorter.shape == (1, 77)
    assert (shorter != 0).sum() == 5


@needs_open_clip
def test_names_and_cards() -> None:
    card = model_card("open_clip/ViT-B-32.openai")
    assert (card.modality, card.modalities, card.recipe["height_pixels"]) == ("image", ("image", "text"), 224)
    text = model_card("open_clip/ViT-B-32.openai:text")
    assert (text.name, text.modality, text.recipe["max_tokens"]) == ("open_clip/ViT-B-32.openai:text", "text", 77)
    assert model_card("open_clip/ViT-B-32.openai:image").name == "open_clip/ViT-B-32.openai"
    assert text.layer == ""  # what a study read of the image tower is no layer of this one
    assert model_card("open_clip/RN50.openai").layer
    assert "open_clip/ViT-B-32.openai" in list_models("open_clip/ViT-B-32.*", modalities="text")
    assert list_models("bundled/*", modalities="text") == list_models("bundled/*", modality="text")
    assert card.matches({"modality": "image"})
    assert not card.matches({"modality": "text"})


def save_pair(folder, kind: str):
    """A tiny pair of towers with a tokeniser and a processor; returns transformers' whole."""
    transformers = import_beside_torchvision("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    if kind == "Align":
        vision = {"image_size": 32, "width_coefficient": 0.1, "depth_coefficient": 0.1, "hidden_dim": 32}
        text = {**READS, "vocab_size": 14}
        config = transformers.AlignConfig(vision_config=vision, text_config=text, projection_dim=32)
    elif kind == "Siglip":
        text = {**READS, "eos_token_id": 3, "bos_token_id": 2, "pad_token_id": 1, "projection_size": 16}
        config = transformers.SiglipConfig(vision_config=SEES, text_config=text)
    else:
        text = {**READS, "eos_token_id": 3, "bos_token_id": 2, "pad_token_id": 0} if kind == "CLIP" else READS
        config = getattr(transformers, f"{kind}Config")(vision_config=SEES, text_config=text, projection_dim=8)
    torch.manual_seed(0)
    whole = getattr(transformers, f"{kind}Model")(config).eval()
    whole.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=12)
    fast.save_pretrained(folder)
    plain = transformers.ViTImageProcessor(size={"height": 32, "width": 32}).to_dict()
    (folder / "preprocessor_config.json").write_text(json.dumps(plain))
    return whole, fast


@needs_transformers
@pytest.mark.parametrize("kind", ["CLIP", "Siglip", "Align", "ChineseCLIP"])
def test_both_towers_of_transformers_equal_its_own(kind: str, tmp_path) -> None:
    whole, tokenizer = save_pair(tmp_path, kind)
    image, text = load_model(f"hf/{tmp_path}"), load_model(f"hf/{tmp_path}", modality="text")
    assert (image.modality, text.modality) == ("image", "text")
    assert text.name == f"hf/{tmp_path}:text"
    assert text.fingerprint != image.fingerprint
    options = {"padding": "max_length", "max_length": 12} if kind == "Siglip" else {"padding": True}
    tokens = tokenizer(CAPTIONS, return_tensors="pt", **options)
    known = {"input_ids": tokens["input_ids"]} | ({} if kind == "Siglip" else {"attention_mask": tokens["attention_mask"]})
    batch = image.prepare(PICTURES)
    with torch.inference_mode():
        seen, read = whole.get_image_features(pixel_values=batch), whole.get_text_features(**known)
    seen, read = (each if isinstance(each, torch.Tensor) else each.pooler_output for each in (seen, read))
    assert seen.shape[1] == read.shape[1]
    assert torch.equal(text.prepare(CAPTIONS)["input_ids"], tokens["input_ids"])
    features = extract(text, Stimuli.from_texts(CAPTIONS), layers=["output", "text_model*"], pool="mean")
    np.testing.assert_allclose(features["output"].values, read, atol=1e-5)
    assert any(name.startswith("text_model.") for name in features)
    np.testing.assert_allclose(extract(image, Stimuli.from_arrays(PICTURES), layers="output")["output"].values, seen, atol=1e-5)
    assert not any("text_model" in name for name, _ in image.module.named_modules())
    assert not any("vision_model" in name for name, _ in text.module.named_modules())


@needs_transformers
def test_the_command_line_reads_captions_with_the_text_tower(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    save_pair(tmp_path, "CLIP")
    table = tmp_path / "captions.csv"
    table.write_text("id,caption\nx,a ripe lemon\ny,the dog\nz,a mat\n")
    out = tmp_path / "features.npz"
    command = ["extract", f"hf/{tmp_path}:text", "--stimuli", str(table), "--column", "caption", "--layers", "output", "--pool", "mean"]
    assert main([*command, "--out", str(out), "--store", str(tmp_path / "store"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 3
    with np.load(out) as held:
        assert held["output"].shape == (3, 8)
    assert main(["list", "models", "hf/*siglip2*", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["name"] for row in rows} == {"hf/google/siglip2-base-patch16-224", "hf/google/siglip2-so400m-patch14-384"}

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from PIL import Image

from isomorph.errors import UnknownNameError
from isomorph.models import list_models, load_model, model_card

pytestmark = pytest.mark.skipif(find_spec("open_clip") is None, reason="needs open_clip: pip install 'isomorph[clip]'")
PICTURES = [np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8) for shape in ((300, 411, 3), (411, 300, 3), (120, 131, 3))]


def test_every_pretrained_tower_is_listed_and_cards_are_read_without_building() -> None:
    assert len(list_models("open_clip/*")) > 100
    card = model_card("open_clip/ViT-B-16.laion400m_e32")
    assert (card.objective, card.training_data, card.architecture) == ("image-text contrast", "LAION-400M", "ViT")
    assert card.upstream
    assert card.recipe["height_pixels"] == 224
    assert list_models("open_clip/ViT-B-16-SigLIP*", training_data="webli")
    assert model_card("open_clip/EVA02-L-14.merged2b_s4b_b131k").training_data == "Merged-2B"


@pytest.mark.parametrize("name", ["RN50.openai", "ViT-B-16-SigLIP.webli", "MobileCLIP-S1.datacompdr", "ViT-L-14-CLIPA-336.datacomp1b"])
def test_the_preparation_equals_open_clips_own(name: str) -> None:
    from open_clip import get_model_config, get_pretrained_cfg
    from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict

    from isomorph.models._open_clip import OpenClipSource

    architecture, _, tag = name.partition(".")
    config = get_pretrained_cfg(architecture, tag)
    settings = merge_preprocess_dict(PreprocessCfg(), config) | {"size": get_model_config(architecture)["vision_cfg"]["image_size"]}
    transform = image_transform_v2(PreprocessCfg(**settings), is_train=False)
    recipe = OpenClipSource()._recipe(architecture, config)
    for picture in PICTURES:
        torch.testing.assert_close(recipe([picture])[0], transform(Image.fromarray(picture)), atol=1e-6, rtol=0)


def test_the_tower_is_what_encodes_images() -> None:
    import logging

    import open_clip

    from isomorph.models._weights import seeded

    model = load_model("open_clip/RN50.random-5")
    whole = seeded(lambda: open_clip.create_model("RN50", pretrained_text=False), 5).eval()
    batch = model.prepare(PICTURES[:1])
    with torch.inference_mode():
        torch.testing.assert_close(model.forward(batch), whole.encode_image(batch), atol=0, rtol=0)
    assert model.card.parameters == sum(each.numel() for each in whole.visual.parameters()) == 38_316_896
    assert logging.root.manager.disable == logging.NOTSET


def test_a_missing_tag_is_named_with_its_neighbours() -> None:
    with pytest.raises(UnknownNameError, match=r"laion400m_e3[12]"):
        model_card("open_clip/ViT-B-16.laion400m_e33")
    with pytest.raises(UnknownNameError, match=r"open_clip/ViT-B-16\."):
        model_card("open_clip/ViT-B-16")

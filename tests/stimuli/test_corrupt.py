"""What all corruptions share, and what chance does in them."""

import numpy as np
import pytest

from isomorph.stimuli import CORRUPTIONS, Stimuli, corrupt, corrupted, joined
from isomorph.stimuli._corrupt_frost import TEXTURES, frost_texture


def gray(height: int = 96, width: int = 96, level: int = 128) -> np.ndarray:
    return np.full((height, width, 3), level, dtype=np.uint8)


def blobs(height: int = 96, width: int = 96, seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (-(-height // 12), -(-width // 12), 3))
    return np.kron(coarse, np.ones((12, 12, 1))).astype(np.uint8)[:height, :width]


def test_the_table_is_whole():
    assert len(CORRUPTIONS) == 16
    assert {len(each.parameters) for each in CORRUPTIONS.values()} == {10}
    assert all(len(row) == len(each.meaning) for each in CORRUPTIONS.values() for row in each.parameters)
    assert sum(not each.random for each in CORRUPTIONS.values()) == 7
    assert CORRUPTIONS["glass_blur"].parameters[9] == (7, 30, 2)
    assert CORRUPTIONS["snow"].parameters[4] == (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55)


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("shape", [(16, 16), (17, 60), (131, 64)])
def test_any_size(name: str, shape: tuple[int, int]) -> None:
    pixels = blobs(*shape)
    before = pixels.copy()
    for severity in (1, 10):
        out = corrupt(pixels, name, severity)
        assert out.dtype == np.uint8
        assert out.shape == ((256, 256, 3) if name == "crop" else (*shape, 3))
        assert out.flags.c_contiguous
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_same_call_gives_the_same_bytes_and_only_chance_heeds_the_seed(name: str) -> None:
    first = corrupt(blobs(), name, 4, seed=3)
    corrupt(blobs(seed=1), name, 2)
    np.testing.assert_array_equal(first, corrupt(blobs(), name, 4, seed=3))
    np.testing.assert_array_equal(first, corrupt(blobs()[::-1][::-1], name.replace("_", "-"), np.int64(4), seed=3))
    assert CORRUPTIONS[name].random == bool((first != corrupt(blobs(), name, 4, seed=4)).any())


def test_pictures_and_severities_have_their_own_noise():
    noise = [corrupt(gray(level=level), "gaussian_noise", severity) for level, severity in ((128, 1), (128, 2), (129, 1))]
    apart = [(each.astype(float) - each.mean()).ravel() for each in noise]
    assert np.abs(np.corrcoef(apart)[np.triu_indices(3, 1)]).max() < 0.03


@pytest.mark.parametrize("name", [each for each in CORRUPTIONS if each not in ("elastic_transform", "crop", "fog", "snow")])
def test_damage_grows(name: str) -> None:
    pixels = blobs(120, 120).astype(float)
    damage = [np.abs(corrupt(blobs(120, 120), name, severity) - pixels).mean() for severity in (1, 4, 7, 10)]
    if name != "frost":  # one of six panes by chance
        assert damage == sorted(damage)
    assert damage[-1] > 1.3 * damage[0] > 0


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_noise_has_the_moments_that_it_says(severity: int) -> None:
    pixels = gray(224, 224)
    sigma = CORRUPTIONS["gaussian_noise"].parameters[severity - 1][0]
    below = (corrupt(pixels, "gaussian_noise", severity).astype(float) + 0.5) / 255 < 128 / 255 - sigma
    assert below.mean() == pytest.approx(0.1587, abs=0.006)
    photons = CORRUPTIONS["shot_noise"].parameters[severity - 1][0]
    dim = corrupt(gray(224, 224, 60), "shot_noise", severity).astype(float) / 255
    assert (dim == 0).mean() == pytest.approx(np.exp(-60 / 255 * photons), abs=0.005)
    share = CORRUPTIONS["impulse_noise"].parameters[severity - 1][0]
    hit = corrupt(pixels, "impulse_noise", severity)
    assert [(hit == level).mean() for level in (0, 255)] == pytest.approx([share / 2] * 2, abs=0.005)
    channels = (hit != 128).reshape(-1, 3)
    assert (channels[:, 0] & channels[:, 1]).mean() == pytest.approx(share**2, abs=0.005)


def test_snow_falls_twice_and_whitens():
    dark = corrupt(gray(level=0), "snow", 1)
    np.testing.assert_array_equal(dark, dark[::-1, ::-1])
    least = np.bincount(dark.ravel()).argmax()
    assert least == int(0.2 * 0.5 * 255)  # a black pixel is whitened to one half, of which the picture takes a fifth
    assert dark.mean() > least + 5


@pytest.mark.parametrize("which", range(TEXTURES))
def test_panes_of_frost(which: int) -> None:
    pane = frost_texture(which, 224, 224)
    light = pane.mean(axis=2)
    assert 85 <= light.mean() <= 210
    assert 14 <= light.std() <= 45
    assert pane[..., 2].mean() >= pane[..., 0].mean()
    assert frost_texture(which, 700, 900).shape == (900, 900, 3)


def test_frost_lies_over_the_picture():
    pixels = blobs(100, 100)
    frosted = corrupt(pixels, "frost", 2).astype(float)
    over = frosted / 255 - 0.8 * pixels / 255
    assert 0 < np.median(over) < 0.6
    assert np.corrcoef(frosted.ravel(), pixels.ravel())[0, 1] > 0.7


def test_stimuli_are_corrupted_when_they_are_read():
    photos = Stimuli.from_arrays([blobs(seed=0), blobs(20, 30, seed=1)], ["x/a.png", "b.png"], metadata={"label": ["bear", "tiger"]})
    foggy = corrupted(photos, "fog", 7, seed=5)
    assert foggy.ids == photos.ids
    assert foggy.labels == photos.labels
    assert list(foggy.metadata["corruption"]) == ["fog", "fog"]
    np.testing.assert_array_equal(foggy[1], corrupt(photos[1], "fog", 7, seed=5))
    np.testing.assert_array_equal(foggy.take(["b.png"])[0], foggy[1])
    again = corrupted(photos, "fog", 7, seed=5)
    others = [photos, corrupted(photos, "fog", 7), corrupted(photos, "fog", 6, seed=5), corrupted(photos, "snow", 7, seed=5)]
    assert foggy.digest == again.digest
    assert len({each.digest for each in [foggy, *others]}) == 5
    named = corrupted(photos, "jpeg-compression", 2, ids="visalign")
    assert named.ids == ("a-bear-jpeg_compression-2", "b-tiger-jpeg_compression-2")
    assert corrupted(photos, "crop", 2, ids="visalign").ids == ("a-bear-crop-250", "b-tiger-crop-250")
    several = joined({str(each): corrupted(photos, "fog", each, ids="visalign") for each in range(1, 11)})
    assert len(several) == 20
    assert several.ids[-1] == "b-tiger-fog-10"


def test_statistics_are_those_of_the_reference():
    reference = pytest.importorskip(
        "imagecorruptions", reason="the published program, which is not in the lock, is compared where it is installed"
    )
    pixels = blobs(224, 224)
    np.random.seed(0)  # noqa: NPY002
    exact = {"contrast", "jpeg_compression", "pixelate"}
    for name in sorted(exact | {"defocus_blur", "zoom_blur", "gaussian_noise", "shot_noise", "impulse_noise", "snow", "motion_blur"}):
        for severity in (1, 5):
            ours = corrupt(pixels, name, severity).astype(float)
            theirs = reference.corrupt(pixels, severity=severity, corruption_name=name).astype(float)
            if name in exact:
                assert np.abs(ours - theirs).max() <= 1, (name, severity)
            assert ours.mean() == pytest.approx(theirs.mean(), abs=1.5), (name, severity)
            assert ours.std() == pytest.approx(theirs.std(), rel=0.06 if name == "motion_blur" else 0.02), (name, severity)

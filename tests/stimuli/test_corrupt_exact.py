"""Each corruption against a slow program of its definition that shares nothing with ours."""

import itertools
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy import ndimage

from isomorph.stimuli import CORRUPTIONS, _corrupt_blur, _corrupt_digital, _corrupt_sample, _corrupt_weather, corrupt
from isomorph.stimuli._corrupt_values import to_bytes


def picture(height: int = 60, width: int = 72) -> np.ndarray:
    rng = np.random.default_rng(1)
    smooth = ndimage.gaussian_filter(rng.normal(size=(height, width, 3)), (3, 3, 0))
    return np.clip(128 + 250 * smooth + 20 * rng.normal(size=smooth.shape), 0, 255).astype(np.uint8)


def parameters(name: str) -> list[tuple]:
    return [pytest.param(each, id=f"severity {row + 1}") for row, each in enumerate(CORRUPTIONS[name].parameters)]


def same_but_for_rounding(ours: np.ndarray, theirs: np.ndarray, share: float = 0.01) -> None:
    assert ours.dtype == theirs.dtype == np.uint8
    apart = np.abs(ours.astype(int) - theirs)
    assert apart.max() <= 1
    assert (apart > 0).mean() <= share


@pytest.mark.parametrize("severity", range(1, 11))
def test_what_has_no_chance_in_it(severity: int) -> None:
    pixels = picture(224, 224)
    row = severity - 1
    image = Image.fromarray(pixels)
    values = pixels / 255
    mean = values.mean((0, 1))
    contrast = np.uint8(np.clip((values - mean) * CORRUPTIONS["contrast"].parameters[row][0] + mean, 0, 1) * 255)
    same_but_for_rounding(corrupt(pixels, "contrast", severity), contrast)
    brighter = ImageEnhance.Brightness(image).enhance(CORRUPTIONS["brightness"].parameters[row][0])
    np.testing.assert_array_equal(corrupt(pixels, "brightness", severity), np.asarray(brighter))
    image.save(stream := BytesIO(), "JPEG", quality=CORRUPTIONS["jpeg_compression"].parameters[row][0])
    np.testing.assert_array_equal(corrupt(pixels, "jpeg_compression", severity), np.asarray(Image.open(stream)))
    small = int(224 * CORRUPTIONS["pixelate"].parameters[row][0])
    coarse = image.resize((small, small), Image.Resampling.BOX).resize((224, 224), Image.Resampling.BOX)
    np.testing.assert_array_equal(corrupt(pixels, "pixelate", severity), np.asarray(coarse))


def test_the_small_picture_of_pixelate_counts_from_224_or_from_a_shorter_side():
    assert len(np.unique(corrupt(picture(448, 448), "pixelate", 10), axis=0)) == int(224 * 0.05)
    assert len(np.unique(corrupt(picture(40, 40), "pixelate", 10), axis=0)) == int(40 * 0.05)
    tall = corrupt(picture(448, 224), "pixelate", 5)
    assert (len(np.unique(tall, axis=0)), len(np.unique(tall.transpose(1, 0, 2), axis=0))) == (112, 56)


@pytest.mark.parametrize("at", range(10))
def test_a_crop_is_the_centre_of_a_picture_of_335(at: int) -> None:
    side = (300, 250, 200, 150, 100, 50, 40, 30, 20, 10)[at]
    y, x = np.mgrid[:335, :335]
    ramp = np.stack([x * 255 / 334, y * 255 / 334, 0 * x], axis=-1).astype(np.uint8)
    cut = corrupt(ramp, "crop", at + 1).astype(float)
    assert cut.shape == (256, 256, 3)
    assert cut[128, 128, :2] == pytest.approx(127, abs=2)
    assert np.ptp(cut[..., 0]) == pytest.approx((side - 1) * 255 / 334, abs=2)
    assert corrupt(picture(100, 40), "crop", at + 1).shape == (256, 256, 3)


@pytest.mark.parametrize("reach", [1, 4, 30])
def test_chains_of_neighbours_end_where_one_pixel_after_the_other_ends(reach: int) -> None:
    height, width = 19, 23
    dx, dy = np.random.default_rng(reach).integers(-reach, reach, size=(2, height, width), dtype=np.int32)

    def inside(at: int, size: int) -> int:
        while not 0 <= at < size:
            at = -at if at < 0 else 2 * (size - 1) - at
        return at

    names = np.arange(height * width).reshape(height, width)
    for row, column in itertools.product(reversed(range(height)), reversed(range(width))):
        names[row, column] = names[inside(row + dy[row, column], height), inside(column + dx[row, column], width)]
    np.testing.assert_array_equal(_corrupt_blur.taken_from(dx, dy), names.ravel())


def test_glass_reaches_every_pixel_of_a_picture_larger_than_224():
    stripes = np.broadcast_to(np.where(np.arange(256) % 2, 255, 0)[None, :, None], (256, 256, 3)).astype(np.uint8)
    glass = corrupt(stripes, "glass_blur", 2).astype(float)
    blurred = ndimage.gaussian_filter(to_bytes(ndimage.gaussian_filter(stripes / 255, (0.9, 0.9, 0), mode="nearest")) * 1.0, (0.9, 0.9, 0))
    shuffled = np.abs(glass - blurred).mean(axis=2) > 2
    assert min(shuffled.mean(axis=0).min(), shuffled.mean(axis=1).min()) > 0.2


@pytest.mark.parametrize("sigma", [0.7, 2.4, 7.0, 170.8])
@pytest.mark.parametrize("border", ["nearest", "reflect"])
def test_the_gaussian_is_scipys(sigma: float, border: str) -> None:
    values = np.random.default_rng(0).random((2, 90, 41))
    ours = _corrupt_sample.gaussian(values, sigma, border, truncate=3)
    np.testing.assert_allclose(ours, ndimage.gaussian_filter(values, (0, sigma, sigma), mode=border, truncate=3), atol=1e-12)


@pytest.mark.parametrize("given", parameters("defocus_blur"))
def test_defocus_is_a_correlation_with_a_disk(given: tuple) -> None:
    radius, alias = given
    half = max(radius, 8)
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    kernel = (x**2 + y**2 <= radius**2) / np.sum(x**2 + y**2 <= radius**2)
    reach = 1 if radius <= 8 else 2
    kernel = ndimage.gaussian_filter(kernel, alias, mode="mirror", radius=reach)
    pixels = picture(30, 36)
    slow = np.stack([ndimage.correlate(pixels[..., each] / 255, kernel, mode="mirror") for each in range(3)], axis=-1)
    same_but_for_rounding(_corrupt_blur.defocus_blur(pixels, given, None), to_bytes(np.clip(slow, 0, 1)))


@pytest.mark.parametrize("given", parameters("zoom_blur"))
def test_zoom_is_the_mean_of_enlarged_centres(given: tuple) -> None:
    largest, step = given
    pixels = picture()
    values = pixels / 255
    total, count = values.copy(), 1
    for factor in np.arange(1, largest, step):
        part = [int(np.ceil(side / factor)) for side in values.shape[:2]]
        at = [(side - inner) // 2 for side, inner in zip(values.shape, part, strict=False)]
        large = ndimage.zoom(values[at[0] : at[0] + part[0], at[1] : at[1] + part[1]], (factor, factor, 1), order=1)
        trim = [(have - side) // 2 for have, side in zip(large.shape, values.shape[:2], strict=False)]
        total += large[trim[0] : trim[0] + values.shape[0], trim[1] : trim[1] + values.shape[1]]
        count += 1
    same_but_for_rounding(_corrupt_blur.zoom_blur(pixels, given, None), to_bytes(total / count))


@pytest.mark.parametrize("angle", [-135.0, -80.0, -45.0, 0.0, 30.0, 45.0])
def test_motion_reads_along_a_line(angle: float) -> None:
    values = np.random.default_rng(0).random((1, 9, 14)).astype(np.float32)
    radius, sigma = 3, 2.0
    weights = [np.exp(-(step**2) / (2 * sigma**2)) for step in range(2 * radius + 1)]
    slow = np.zeros_like(values)
    for row, column, step in itertools.product(range(9), range(14), range(2 * radius + 1)):
        across, down = (int(np.ceil(step * part - 0.5)) for part in (np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))))
        seen = values[0, min(max(row + down, 0), 8), min(max(column + across, 0), 13)]
        slow[0, row, column] += weights[step] / sum(weights) * seen
    np.testing.assert_allclose(_corrupt_sample.moved(values, radius, sigma, angle), slow, atol=1e-6)


@pytest.mark.parametrize("given", parameters("elastic_transform"))
def test_elastic_is_an_affine_map_and_a_smooth_displacement(given: tuple) -> None:
    alpha, sigma, shift = (244 * each for each in given)
    pixels = picture()
    height, width = pixels.shape[:2]
    rng = np.random.default_rng(2)
    centre, reach = np.array([width // 2, height // 2]), min(height, width) // 3
    before = np.array([centre + reach, [centre[0] + reach, centre[1] - reach], centre - reach])
    after = before + rng.uniform(-shift, shift, (3, 2))
    forward = np.linalg.solve(np.column_stack([before, np.ones(3)]), after).T  # (x, y, 1) of the picture → where it goes
    back = np.linalg.inv(np.vstack([forward, [0, 0, 1]]))
    y, x = np.mgrid[:height, :width]
    from_x, from_y = (back[each, 0] * x + back[each, 1] * y + back[each, 2] for each in (0, 1))
    moved = [ndimage.map_coordinates(pixels[..., each] / 255, [from_y, from_x], order=1, mode="mirror") for each in range(3)]
    dx, dy = (alpha * ndimage.gaussian_filter(noise, sigma, mode="reflect", truncate=3) for noise in rng.uniform(-1, 1, (2, height, width)))
    slow = [ndimage.map_coordinates(each, [y + dy, x + dx], order=1, mode="reflect") for each in moved]
    ours = _corrupt_digital.elastic_transform(pixels, given, np.random.default_rng(2))
    same_but_for_rounding(ours, to_bytes(np.stack(slow, axis=-1)))


def test_plasma_is_diamonds_and_squares():
    size, decay = 16, 1.7
    rng = np.random.default_rng(3)
    heights, step, w = np.zeros((size, size)), size, 100.0
    while step >= 2:
        half, count = step // 2, size // step
        corners = list(itertools.product(range(count), range(count)))
        draws = [w * rng.uniform(-w, w, (count, count)) for _ in range(3)]

        def at(row: int, column: int) -> float:
            return heights[row % size, column % size]

        for (row_offset, column_offset), draw in zip([(half, half), (0, half), (half, 0)], draws, strict=True):
            around = [(-1, -1), (-1, 1), (1, -1), (1, 1)] if row_offset == column_offset else [(-1, 0), (1, 0), (0, -1), (0, 1)]
            for i, j in corners:
                row, column = i * step + row_offset, j * step + column_offset
                heights[row, column] = sum(at(row + half * a, column + half * b) for a, b in around) / 4 + draw[i, j]
        step, w = half, w / decay
    heights -= heights.min()
    np.testing.assert_allclose(_corrupt_weather.plasma(size, decay, np.random.default_rng(3)), heights / heights.max(), atol=1e-12)


@pytest.mark.parametrize("given", parameters("fog"))
def test_fog_keeps_the_brightest_value_in_range(given: tuple) -> None:
    amount, decay = given
    pixels = picture(60, 40)
    brightest = pixels.max() / 255
    cloud = _corrupt_weather.plasma(64, decay, np.random.default_rng(4))[:60, :40, None]
    slow = (pixels / 255 + amount * cloud) * brightest / (brightest + amount)
    same_but_for_rounding(_corrupt_weather.fog(pixels, given, np.random.default_rng(4)), to_bytes(slow))
    assert not corrupt(np.zeros((20, 20, 3), np.uint8), "fog", 3).any()

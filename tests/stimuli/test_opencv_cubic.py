import numpy as np
import pytest
import torch

from isomorph.errors import InputError, ShapeError
from isomorph.stimuli._opencv_cubic import opencv_cubic

SIZES = [((300, 411), (224, 224)), ((37, 51), (64, 32)), ((1, 5), (7, 3)), ((8, 8), (8, 16))]


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("size", "wanted"), SIZES)
def test_it_is_torchs_bicubic_without_antialiasing_rounded_once(size, wanted) -> None:
    image = picture(*size)
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].double()
    exact = torch.nn.functional.interpolate(planes, size=wanted, mode="bicubic", align_corners=False, antialias=False)
    exact = exact[0].permute(1, 2, 0).clamp(0, 255).numpy()
    result = opencv_cubic(image, *wanted)
    assert result.dtype == np.uint8
    assert result.shape == (*wanted, 3)
    assert np.abs(result - exact).max() <= 0.5 + 1e-4


@pytest.mark.parametrize(("size", "wanted"), SIZES[:2])
def test_it_is_opencvs_resize(size, wanted) -> None:
    cv2 = pytest.importorskip("cv2", reason="needs OpenCV, which is not among the packages of the tests")
    image = picture(*size)
    difference = np.abs(opencv_cubic(image, *wanted).astype(int) - cv2.resize(image, wanted[::-1], interpolation=cv2.INTER_CUBIC))
    assert difference.max() <= 1


def test_values_that_opencv_gave() -> None:
    """OpenCV 4.11 on x86: `cv2.resize(ramp, (6, 2), interpolation=cv2.INTER_CUBIC)`, first channel."""
    ramp = (np.arange(4 * 9 * 3, dtype=np.int64) * 37 % 256).astype(np.uint8).reshape(4, 9, 3)
    assert opencv_cubic(ramp, 2, 6)[..., 0].tolist() == [[110, 201, 83, 37, 155, 113], [154, 142, 17, 249, 102, 92]]


def test_a_picture_of_the_right_size_is_copied() -> None:
    image = picture(8, 8)
    result = opencv_cubic(image, 8, 8)
    assert np.array_equal(result, image)
    assert not np.shares_memory(result, image)


def test_other_things_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"a picture must be uint8 \[height, width, 3\]; got float64 \[4, 4, 3\]\."):
        opencv_cubic(np.zeros((4, 4, 3)), 2, 2)
    with pytest.raises(InputError, match="resized to at least 1 × 1 pixels; got 0 × 2"):
        opencv_cubic(picture(4, 4), 0, 2)

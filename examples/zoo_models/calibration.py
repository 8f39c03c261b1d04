"""Random weights with which even a deep network has different outputs for different inputs.

A layer's own initial weights make a poor test: biases are zero, batch normalisation does nothing, and a deep network
has almost the same output for every input. `calibrate` makes every weight random, and then scales the layers to data
one after another, as in Mishkin and Matas, *All you need is a good init* (ICLR 2016, https://arxiv.org/abs/1511.06422).
"""

from collections.abc import Callable, Iterator
import contextlib
import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

_LINEAR = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)


def calibrate(model: keras.Model, inputs: Any, seed: int = 0) -> None:
    """Gives all weights random values, so that each layer's output has about unit variance on `inputs`.

    Batch normalisation gets a random gain and shift for each channel, and statistics near those of the data.

    Args:
      model: a built Keras model; changed in place.
      inputs: a batch as the model takes it.
      seed: seed of the weights.
    """
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if keras.backend.standardize_dtype(weight.dtype).startswith("float"):
            weight.assign(_values(weight, random))
    with contextlib.ExitStack() as stack:
        for layer in model._flatten_layers(include_self=False):
            if isinstance(layer, keras.layers.BatchNormalization):
                stack.enter_context(_before_call(layer, functools.partial(_normalise, layer, random)))
            elif isinstance(layer, _LINEAR):
                stack.enter_context(_before_call(layer, functools.partial(_scale, layer, random)))
        model(inputs)


def faded(*batches: Any) -> Any:
    """Returns one batch of all batches, three times: floats are scaled by 1, 0.5 and 0.1, integers stay the same."""

    def fade(*arrays: np.ndarray) -> np.ndarray:
        scales = (1.0, 0.5, 0.1) if arrays[0].dtype.kind == "f" else (1, 1, 1)
        return np.concatenate([array * np.asarray(scale, array.dtype) for scale in scales for array in arrays])

    return tf.nest.map_structure(fade, *batches)


def _values(weight: Any, random: np.random.Generator) -> np.ndarray:
    kind, shape = weight.path.rpartition("/")[2], tuple(weight.shape)
    if kind in ("gamma", "scale", "moving_variance", "variance"):
        return random.uniform(0.5, 1.5, shape)
    if kind == "alpha":  # the slope of a PReLU
        return random.uniform(0.05, 0.5, shape)
    if kind in ("beta", "bias", "moving_mean", "mean"):
        return random.normal(0, 0.3, shape)
    if kind == "embeddings":
        return random.normal(0, 1, shape)
    return random.normal(0, 1 / np.sqrt(max(1, np.prod(shape[:-1]))), shape)


@contextlib.contextmanager
def _before_call(layer: Any, prepare: Callable[..., None]) -> Iterator[None]:
    """Makes a layer's first call run `prepare` on its inputs first."""
    call = layer.call
    pending = [prepare]

    @functools.wraps(call)
    def prepared(*args: Any, **kwargs: Any) -> Any:
        if pending:
            pending.pop()(call, *args, **kwargs)
        return call(*args, **kwargs)

    layer.__dict__["call"] = prepared
    try:
        yield
    finally:
        del layer.__dict__["call"]


def _moments(values: Any, axis: int = -1) -> tuple[np.ndarray, np.ndarray]:
    array = np.moveaxis(np.asarray(values, np.float64), axis, -1)
    rows = array.reshape(-1, array.shape[-1])
    return rows.mean(0), rows.var(0)


def _normalise(layer: Any, random: np.random.Generator, call: Any, inputs: Any, *args: Any, **kwargs: Any) -> None:
    del call, args, kwargs
    mean, variance = _moments(inputs, layer.axis)
    spread = variance + 0.1 * variance.mean()
    layer.moving_mean.assign(mean + random.normal(0, 0.3, mean.shape) * np.sqrt(spread))
    layer.moving_variance.assign(spread * random.uniform(0.7, 1.5, mean.shape))


def _scale(layer: Any, random: np.random.Generator, call: Any, *args: Any, **kwargs: Any) -> None:
    activation, layer.activation = layer.activation, None
    if layer.bias is not None:
        layer.bias.assign(np.zeros(layer.bias.shape))
    mean, variance = _moments(call(*args, **kwargs))
    gain = 1 / np.sqrt(variance.mean())
    kernel = layer.pointwise_kernel if isinstance(layer, keras.layers.SeparableConv2D) else layer.kernel
    kernel.assign(kernel * gain)
    if layer.bias is not None:
        centre = -mean * gain if layer.bias.shape == mean.shape else np.zeros(layer.bias.shape)
        layer.bias.assign(centre + random.normal(0, 0.3, layer.bias.shape))
    layer.activation = activation

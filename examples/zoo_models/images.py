"""Image networks with parts that are rare in `keras.applications`."""

from typing import Any

import keras
from keras import layers, ops

from zoo_models.base import add, images, several


def _middle_of_the_mask(outputs: Any) -> Any:
    return ops.mean(outputs[:, 12:20, 12:20, 0], axis=(1, 2))


def _twice(x: Any, channels: int) -> Any:
    for _ in range(2):
        x = layers.Conv2D(channels, 3, padding="same")(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x))
    return x


@add("U-Net", images(32), target=_middle_of_the_mask)
def unet() -> Any:
    """Returns a U-Net with transposed convolutions and upsampling; the target is the mean of a part of one mask."""
    x = inputs = keras.Input((32, 32, 3))
    skips = []
    for channels in (8, 16, 32):
        x = _twice(x, channels)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = _twice(x, 64)
    for channels, skip in zip((32, 16, 8), reversed(skips), strict=True):
        x = layers.UpSampling2D()(x) if channels == 8 else layers.Conv2DTranspose(channels, 2, strides=2)(x)
        x = _twice(layers.Concatenate()([x, skip]), channels)
    return keras.Model(inputs, layers.Conv2D(2, 1, activation="sigmoid")(x))


@add("siamese", several([images(16), images(16)]), part="quick")
def siamese() -> Any:
    """Returns one network for two images, whose distance, product and cosine decide."""
    one = keras.Input((16, 16, 3))
    x = layers.MaxPooling2D(2)(layers.Conv2D(8, 3, activation="relu")(one))
    x = layers.Dense(16, activation="tanh")(layers.Flatten()(x))
    shared = keras.Model(one, x)
    left, right = keras.Input((16, 16, 3)), keras.Input((16, 16, 3))
    a, b = shared(left), shared(right)
    distance = ops.sqrt(ops.sum(ops.square(a - b), axis=1, keepdims=True) + 1e-3)
    cosine = layers.Dot(1, normalize=True)([a, b])
    joined = layers.Concatenate()([distance, cosine, layers.Multiply()([a, b])])
    return keras.Model([left, right], layers.Dense(1, activation="sigmoid")(joined))


@add("squeeze-excite", images(24), part="quick")
def squeeze_excite() -> Any:
    """Returns residual blocks whose channels are weighted by the whole image."""
    inputs = keras.Input((24, 24, 3))
    x = layers.Conv2D(16, 3, padding="same")(inputs)
    for _ in range(3):
        y = _twice(x, 16)
        weights = layers.GlobalAveragePooling2D(keepdims=True)(y)
        weights = layers.Conv2D(16, 1, activation="sigmoid")(layers.Conv2D(4, 1, activation="relu")(weights))
        x = layers.Add()([x, layers.Multiply()([y, weights])])
    x = layers.GlobalAveragePooling2D()(layers.AveragePooling2D(2)(x))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


@add("PReLU net", images(24), part="quick")
def prelu() -> Any:
    """Returns convolutions with a slope for each channel, and with one for each position and channel."""
    inputs = keras.Input((24, 24, 3))
    x = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(12, 3)(inputs))
    x = layers.PReLU(shared_axes=[1, 2])(layers.DepthwiseConv2D(3, depth_multiplier=2)(x))
    x = layers.PReLU()(layers.SeparableConv2D(16, 3, strides=2)(x))
    x = layers.PReLU()(layers.Dense(32)(layers.Flatten()(x)))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))

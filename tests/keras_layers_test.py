"""Every layer of `keras.layers` in inference: DeepLIFT sums behind it, or it is refused by name.

Layers that came with a later Keras than the one installed are left out.
"""

import functools

import keras
from keras import layers as L
import numpy as np
import pytest

import deepexplain_tf as dx


def _ranks(name, *arguments, ranks=(1, 2, 3), **settings):
    """The members of a family that differ in the number of axes, as shape → name → layer."""

    def make(rank):
        return lambda: getattr(L, name.format(rank))(*arguments, **settings)

    return {name.format(rank): make(rank) for rank in ranks}


def _merge(name, *arguments):
    return {name: lambda: lambda x: getattr(L, name)(*arguments)([x, 0.5 * x[:, ::-1] + 0.25])}


def _attend(name, *arguments):
    def make():
        layer = getattr(L, name)(*arguments)
        return lambda x: layer(x, x)

    return {name: make}


def _in_rnn(name, *arguments):
    return {name: lambda: L.RNN(getattr(L, name)(*arguments))}


_WITHOUT_ARGUMENTS = """
    RandAugment RandomColorJitter RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale
    RandomInvert RandomPerspective RandomShear
"""
_RANDOM = {
    "RandomBrightness": (0.2,),
    "RandomColorDegeneration": (0.2,),
    "RandomContrast": (0.2,),
    "RandomCrop": (6, 6),
    "RandomHue": (0.2,),
    "RandomPosterization": (4,),
    "RandomRotation": (0.2,),
    "RandomSaturation": (0.2,),
    "RandomSharpness": (0.2,),
    "RandomTranslation": (0.2, 0.2),
    "RandomZoom": (0.2,),
    **dict.fromkeys(_WITHOUT_ARGUMENTS.split(), ()),
}

# Layers by the shape of one example that they take.
_VECTOR = {
    "Activation": lambda: L.Activation("tanh"),
    "ActivityRegularization": lambda: L.ActivityRegularization(),
    "AlphaDropout": lambda: L.AlphaDropout(0.3),
    "Dropout": lambda: L.Dropout(0.3),
    "ELU": lambda: L.ELU(),
    "GaussianDropout": lambda: L.GaussianDropout(0.3),
    "GaussianNoise": lambda: L.GaussianNoise(0.3),
    "Identity": lambda: L.Identity(),
    "LeakyReLU": lambda: L.LeakyReLU(),
    **_merge("Add"),
    **_merge("Average"),
    **_merge("Concatenate"),
    **_merge("Maximum"),
    **_merge("Minimum"),
    **_merge("Multiply"),
    **_merge("Subtract"),
    "Lambda": lambda: L.Lambda(lambda x: x * x),
    "LayerNormalization": lambda: L.LayerNormalization(),
    "Normalization": lambda: L.Normalization(mean=0.3, variance=2.0),
    "PReLU": lambda: L.PReLU("uniform"),
    "Pipeline": lambda: L.Pipeline([L.Rescaling(2.0)]),
    "RMSNormalization": lambda: L.RMSNormalization(),
    "ReLU": lambda: L.ReLU(0.8, 0.1, 0.4),
    "RepeatVector": lambda: L.RepeatVector(2),
    "Rescaling": lambda: L.Rescaling(2.0, 1.0),
    "Reshape": lambda: L.Reshape((3, 2)),
    "Softmax": lambda: L.Softmax(),
    "SpectralNormalization": lambda: L.SpectralNormalization(L.Dense(3)),
    "UnitNormalization": lambda: L.UnitNormalization(),
}
_FAMILIES = {
    **_ranks("AdaptiveMaxPooling{}D", 3, ranks=(1, 2)),
    **_ranks("AdaptiveAveragePooling{}D", 3, ranks=(1, 2)),
    **_ranks("AveragePooling{}D", 2, ranks=(1, 2)),
    **_ranks("MaxPooling{}D", 2, ranks=(1, 2)),
    **_ranks("Conv{}D", 3, 2),
    **_ranks("Conv{}DTranspose", 3, 2, strides=2),
    **_ranks("Cropping{}D", 1),
    **_ranks("DepthwiseConv{}D", 2, ranks=(1, 2)),
    **_ranks("GlobalAveragePooling{}D"),
    **_ranks("GlobalMaxPooling{}D"),
    **_ranks("SeparableConv{}D", 3, 2, ranks=(1, 2)),
    **_ranks("SpatialDropout{}D", 0.3),
    **_ranks("UpSampling{}D", 2),
    **_ranks("ZeroPadding{}D", 1),
}
_SEQUENCE = {
    **{name: make for name, make in _FAMILIES.items() if "1D" in name},
    **_merge("AdditiveAttention"),
    **_merge("Attention"),
    **_merge("Dot", 1),
    **_attend("GroupQueryAttention", 4, 4, 2),
    **_attend("MultiHeadAttention", 2, 3),
    "Dense": lambda: L.Dense(3, "gelu"),
    "EinsumDense": lambda: L.EinsumDense("abc,cd->abd", (6, 3), bias_axes="d"),
    "Permute": lambda: L.Permute((2, 1)),
    "ReversibleEmbedding": lambda: functools.partial(L.ReversibleEmbedding(5, 4), reverse=True),
    "TimeDistributed": lambda: L.TimeDistributed(L.Dense(3, "relu")),
}
_RECURRENT = {
    "Bidirectional": lambda: L.Bidirectional(L.LSTM(2)),
    "GRU": lambda: L.GRU(3),
    "LSTM": lambda: L.LSTM(3, return_sequences=True),
    "Masking": lambda: lambda x: L.GRU(2)(L.Masking()(x)),
    "RNN": lambda: L.RNN(L.GRUCell(2), go_backwards=True),
    "SimpleRNN": lambda: L.SimpleRNN(3, unroll=True),
    "StackedRNNCells": lambda: L.RNN(L.StackedRNNCells([L.GRUCell(2), L.LSTMCell(3)])),
}
_CELLS = {**_in_rnn("GRUCell", 3), **_in_rnn("LSTMCell", 3), **_in_rnn("SimpleRNNCell", 3)}
_IMAGE = {
    **{name: make for name, make in _FAMILIES.items() if "2D" in name},
    **{name: lambda name=name: getattr(L, name)(*_RANDOM[name]) for name in _RANDOM},
    "AugMix": lambda: L.AugMix([0, 1]),
    "AutoContrast": lambda: L.AutoContrast([0, 1]),
    "BatchNormalization": lambda: L.BatchNormalization(),
    "CenterCrop": lambda: L.CenterCrop(4, 4),
    "CutMix": lambda: L.CutMix(),
    "Equalization": lambda: L.Equalization(value_range=(0, 1)),
    "Flatten": lambda: L.Flatten(),
    "GroupNormalization": lambda: L.GroupNormalization(1),
    "MixUp": lambda: L.MixUp(),
    "Solarization": lambda: L.Solarization(value_range=(0, 1)),
}
_VOLUME = {name: make for name, make in _FAMILIES.items() if "3D" in name}
_FLOAT32 = _ranks("AveragePooling{}D", 2, ranks=(3,)) | _ranks("MaxPooling{}D", 2, ranks=(3,))
_FLOAT32 |= _ranks("AdaptiveAveragePooling{}D", 2, ranks=(3,)) | _ranks("AdaptiveMaxPooling{}D", 2, ranks=(3,))

_NO_NUMBERS = """
    CategoryEncoding ContrastLimitedAdaptiveHistogramEqualization Discretization Embedding HashedCrossing Hashing
    IntegerLookup MaxNumBoundingBoxes StringLookup TextVectorization
"""
_NO_LAYERS = "FlaxLayer InputLayer JaxLayer Layer TFSMLayer TorchModuleWrapper Wrapper"  # bases and other frameworks

# name → layers, the shape of one example, dtype and what a sum may miss: float32 where there is no other kernel.
_ALL = {
    "vectors": (_VECTOR, (6,), "float64", 1e-9),
    "sequences": (_SEQUENCE, (6, 4), "float64", 1e-9),
    "recurrent": (_RECURRENT, (3, 4), "float64", 1e-9),
    "cells": (_CELLS, (3, 4), "float64", 1e-9),
    "images": (_IMAGE, (6, 6, 3), "float64", 1e-9),
    "volumes": (_VOLUME, (4, 4, 4, 2), "float64", 1e-9),
    "pooled volumes": (_FLOAT32, (4, 4, 4, 2), "float32", 1e-5),
    "resized": ({"Resizing": lambda: L.Resizing(4, 9)}, (6, 6, 3), "float32", 1e-5),
    # Its largest value is taken over the whole batch.
    "MelSpectrogram": (
        {"MelSpectrogram": lambda: L.MelSpectrogram(8, 4, sampling_rate=100, num_mel_bins=4, max_freq=50)},
        (32,),
        "float32",
        1e-5,
    ),
    "STFTSpectrogram": (
        {"STFTSpectrogram": lambda: L.STFTSpectrogram(frame_length=8, frame_step=4, fft_length=8)},
        (32, 1),
        "float64",
        1e-9,
    ),
    "ConvLSTM1D": ({"ConvLSTM1D": lambda: L.ConvLSTM1D(2, 2)}, (2, 5, 2), "float64", 1e-9),
    "ConvLSTM2D": ({"ConvLSTM2D": lambda: L.ConvLSTM2D(2, 2)}, (2, 4, 4, 2), "float64", 1e-9),
    "ConvLSTM3D": ({"ConvLSTM3D": lambda: L.ConvLSTM3D(2, 2)}, (2, 3, 3, 3, 2), "float64", 1e-9),
}
_GROUPS = {
    title: ({name: make for name, make in group.items() if hasattr(L, name)}, *settings)
    for title, (group, *settings) in _ALL.items()
}


def _is_layer(name, value):
    """Whether this is a layer by its own name, and no alias of another one."""
    alias = name != getattr(value, "__name__", name) and hasattr(L, value.__name__)
    return isinstance(value, type) and issubclass(value, L.Layer) and not alias


def test_every_layer_is_here():
    named = {name for group, *_ in _GROUPS.values() for name in group}
    others = {name for name in (*_NO_NUMBERS.split(), *_NO_LAYERS.split()) if hasattr(L, name)}
    assert {name for name, value in vars(L).items() if _is_layer(name, value)} == named | others


@pytest.fixture
def floats():
    def choose(dtype):
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)

    yield choose
    choose("float32")


# The recurrent layers and what they are made of are in tests/loops_test.py too; one ConvLSTM stands for three.
# tests/functions_test.py has what the layers of volumes and the resizing compute.
_AT_LENGTH = ("cells", "recurrent", "ConvLSTM2D", "ConvLSTM3D", "volumes", "pooled volumes", "resized")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.long] * (n in _AT_LENGTH)) for n in _GROUPS])
def test_layers(name, floats):
    """All layers of a group side by side in one model; each row of the batch explains one of them."""
    group, shape, dtype, rtol = _GROUPS[name]
    floats(dtype)
    keras.utils.set_random_seed(0)
    inputs = keras.Input(shape)
    parts = [L.Flatten()(make()(inputs)) for make in group.values()]
    model = _filled(keras.Model(inputs, L.Concatenate()(parts) if len(parts) > 1 else parts[0]))
    generator = np.random.default_rng(1)
    x = np.repeat(generator.uniform(0.2, 0.9, (1, *shape)), len(parts), axis=0).astype(dtype)
    x0 = generator.uniform(0.2, 0.9, shape).astype(dtype)
    weights = np.zeros((len(parts), model.output_shape[1]))
    end = np.cumsum([part.shape[1] for part in parts])
    for row, part in enumerate(parts):
        weights[row, end[row] - part.shape[1] : end[row]] = generator.normal(size=part.shape[1])
    with dx.DeepExplain(model, output="model") as de:
        e = de.explain("deeplift", x, target=weights, baseline=x0, batch_size=len(parts))
    outputs, starts = (
        np.sum(weights * np.asarray(model(at, training=False), np.float64), 1) for at in (x, np.stack([x0] * len(x)))
    )
    size = np.sum(np.abs(weights * np.asarray(model(x, training=False), np.float64)), 1)
    assert (np.abs(e.outputs - outputs) <= 32 * np.finfo(dtype).eps * size).all()
    assert np.isfinite(e.attributions).all()
    summed = e.attributions.reshape(len(parts), -1).astype(np.float64).sum(1)
    wrong = np.abs(summed - (outputs - starts)) > rtol * np.maximum(1, np.abs(outputs - starts))
    assert not wrong.any(), [layer for layer, bad in zip(group, wrong, strict=True) if bad]


def _filled(model):
    """Random weights, variances positive."""
    generator = np.random.default_rng(0)
    for weight in model.weights:
        if weight.dtype.startswith("float"):
            sign = np.where(generator.random(weight.shape) < (0 if "variance" in weight.path else 0.5), -1, 1)
            weight.assign(sign * generator.uniform(0.3, 1, weight.shape))
    return model


@pytest.mark.skipif(
    not hasattr(L, "ContrastLimitedAdaptiveHistogramEqualization"), reason="the layer came with a later Keras"
)
def test_a_table_read_at_what_the_input_is_has_no_derivative():
    """Equalisation reads new values at the indices that the input gives, and nothing else of it."""
    layer = L.ContrastLimitedAdaptiveHistogramEqualization(value_range=(0, 1))
    model = keras.Sequential([keras.Input((6, 6, 3)), layer, L.Flatten()])
    with dx.DeepExplain(model) as de, pytest.raises(dx.DeepExplainError, match="through differentiable ops"):
        de.explain("deeplift", np.full((1, 6, 6, 3), 0.5, np.float32), target=0)

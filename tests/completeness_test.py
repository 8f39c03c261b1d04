"""DeepLIFT sums: |Σ − Δ| / |Δ| is at most 1e-4 in float32 and 1e-9 in float64."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import explain, in_turn, pairs_in_turn, relative_gap

_LIMIT = {"float32": 1e-4, "float64": 1e-9}
_ACTIVATIONS = """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_swish hard_tanh leaky_relu linear log_sigmoid
    log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid
    sparsemax squareplus tanh tanh_shrink threshold
"""
_NAMES = [name for name in _ACTIVATIONS.split() if hasattr(keras.activations, name)]  # an older Keras lacks some
_SPELLED = {
    # These are no layer's activation as they are: one halves its input, one has arguments, and one gives zeros
    # alone wherever several of three or more logits are close.
    "glu": lambda z: keras.activations.glu(keras.ops.concatenate([z, z[:, ::-1] + 0.5], 1)),
    "sparsemax": lambda z: keras.ops.reshape(
        keras.activations.sparsemax(keras.ops.reshape(z, (-1, z.shape[1] // 2, 2))), (-1, z.shape[1])
    ),
    "threshold": lambda z: keras.activations.threshold(z, 0.25, -0.5),
}


def _filled(model):
    """Random weights that move the output, and for batch-norm statistics far from those of a fresh layer."""
    generator = np.random.default_rng(0)
    for weight in model.weights:
        if weight.path.endswith(("gamma", "variance")):
            weight.assign(generator.uniform(0.5, 2, weight.shape))
        elif weight.path.endswith(("bias", "beta", "moving_mean")):
            weight.assign(generator.normal(0, 0.5, weight.shape))
        else:
            weight.assign(2 * generator.normal(0, 1, weight.shape) / np.sqrt(np.prod(weight.shape[:-1])))
    return model


def _batch(dtype, *shape, seed=1):
    x, x0 = np.random.default_rng(seed).normal(size=(2, *shape)).astype(dtype)
    return x, x0[0]


def _moved(model, x, baseline):
    """For each example the unit that changes most: a change that is rounding noise would show nothing."""
    start = np.zeros_like(x) if baseline is None else np.broadcast_to(baseline, x.shape)
    return np.abs(np.asarray(model(x)) - np.asarray(model(start))).argmax(1)


def _mlp(activation, dtype):
    fixed = {"dtype": dtype}
    activation = _SPELLED.get(activation, activation)
    layers = [
        keras.layers.Dense(10, **fixed),
        keras.layers.Activation(activation, **fixed),
        keras.layers.Dense(8, **fixed),
        keras.layers.Activation(activation, **fixed),
        keras.layers.Dense(3, **fixed),
    ]
    return _filled(keras.Sequential([keras.Input((6,), dtype=dtype), *layers]))


def test_the_list_of_activations_is_keras():
    public = {name for name, value in vars(keras.activations).items() if callable(value) and name.islower()}
    aliases = {"get", "serialize", "deserialize", "hard_silu", "swish"}
    assert public - aliases == set(_NAMES)


def _explained(model, x, baselines, **settings):
    """DeepLIFT of the same inputs against each baseline, after a check that the outputs are the model's."""
    with dx.DeepExplain(model, **settings) as de:
        for baseline in baselines:
            target = _moved(model, x, baseline)
            e = de.explain("deeplift", x, target=target, baseline=baseline)
            expected = np.take_along_axis(np.asarray(model(x)), target[:, None], 1)[:, 0]
            np.testing.assert_allclose(e.outputs, expected, rtol=1e-4 if x.dtype == np.float32 else 1e-10)
            yield e


# Float32 by the long run: tests/functions_test.py has groups in single precision.
@pytest.mark.parametrize("dtype", [pytest.param(d, marks=[pytest.mark.long] * (d == "float32")) for d in _LIMIT])
@pytest.mark.parametrize(  # tests/graph/groups_test.py has the spellings of all
    "activation", in_turn(_NAMES, 4)
)
def test_mlp_with_each_activation(activation, dtype):
    x, x0 = _batch(dtype, 4, 6)
    for e in _explained(_mlp(activation, dtype), x, (None, x0)):
        assert relative_gap(e).max() <= _LIMIT[dtype]
        np.testing.assert_allclose(e.completeness_gap / (e.outputs - e.baseline_outputs), 0, atol=_LIMIT[dtype])


@pytest.mark.parametrize("dtype", _LIMIT)
@pytest.mark.parametrize("units", [3, 1], ids=["softmax", "sigmoid"])
def test_probabilities_as_they_are(units, dtype):
    hidden = keras.layers.Dense(8, "tanh", dtype=dtype)
    end = keras.layers.Dense(units, "softmax" if units > 1 else "sigmoid", dtype=dtype)
    model = _filled(keras.Sequential([keras.Input((6,), dtype=dtype), hidden, end]))
    x, x0 = _batch(dtype, 4, 6)
    target = _moved(model, x, x0)
    e = explain(model, "deeplift", x, target=target, baseline=x0, output="model")
    assert (e.outputs > 0).all() and (e.outputs < 1).all() and e.notes == ()
    assert relative_gap(e).max() <= _LIMIT[dtype]
    logit = explain(model, "deeplift", x, target=target, baseline=x0)
    assert relative_gap(logit).max() <= _LIMIT[dtype]
    assert any("stripped" in note for note in logit.notes)


def _cnn(dtype, pooling, activation="relu", softmax=True):
    """Convolutions with batch-norm before and after the activation, two poolings and a global one."""
    fixed = {"dtype": dtype}
    inner, last = {
        "max": (keras.layers.MaxPooling2D, keras.layers.GlobalMaxPooling2D),
        "average": (keras.layers.AveragePooling2D, keras.layers.GlobalAveragePooling2D),
    }[pooling]
    layers = [
        keras.layers.Conv2D(6, 3, padding="same", **fixed),
        keras.layers.BatchNormalization(**fixed),
        keras.layers.Activation(activation, **fixed),
        inner(2, **fixed),
        keras.layers.DepthwiseConv2D(3, padding="same", **fixed),
        keras.layers.Activation(activation, **fixed),
        keras.layers.BatchNormalization(**fixed),
        inner(3, 1, padding="same", **fixed),
        keras.layers.Conv2D(5, 2, strides=2, **fixed),
        keras.layers.Activation("tanh", **fixed),
        last(**fixed),
        keras.layers.Dense(4, "softmax" if softmax else None, **fixed),
    ]
    return _filled(keras.Sequential([keras.Input((8, 8, 3), dtype=dtype), *layers]))


@pytest.mark.parametrize(("pooling", "dtype"), pairs_in_turn(itertools.product(["max", "average"], _LIMIT), 3))
def test_cnn_with_its_softmax(pooling, dtype):
    model = _cnn(dtype, pooling)
    x, x0 = _batch(dtype, 3, 8, 8, 3)
    for e in _explained(model, x, (None, x0), output="model"):
        assert relative_gap(e).max() <= _LIMIT[dtype]


@pytest.mark.parametrize("dtype", _LIMIT)
def test_baseline_equal_to_the_input_in_some_features(dtype):
    model = _cnn(dtype, "max", softmax=False)
    x, _ = _batch(dtype, 3, 8, 8, 3)
    baseline = np.array(x)
    baseline[0, 2:6, 2:6] = 0
    baseline[1, ..., 1] += 0.5
    baseline[2, 0] *= -1
    e = explain(model, "deeplift", x, target=_moved(model, x, baseline), baseline=baseline)
    assert relative_gap(e).max() <= _LIMIT[dtype]
    np.testing.assert_array_equal(e.attributions[x == baseline], 0)


@pytest.mark.parametrize("activation", ["relu", "gelu", "softmax"])
def test_baseline_equal_to_the_input(activation):
    x, _ = _batch("float64", 4, 6)
    e = explain(_mlp(activation, "float64"), "deeplift", x, target=0, baseline=x)
    np.testing.assert_array_equal(e.attributions, np.zeros_like(x))
    np.testing.assert_array_equal(e.outputs, e.baseline_outputs)


@pytest.mark.parametrize("dtype", in_turn(_LIMIT))
def test_one_baseline_for_the_batch_is_one_for_each_example(dtype):
    model = _cnn(dtype, "max")
    x, x0 = _batch(dtype, 3, 8, 8, 3)
    shared = explain(model, "deeplift", x, target=[0, 1, 2], baseline=x0, output="model")
    each = explain(model, "deeplift", x, target=[0, 1, 2], baseline=np.stack([x0] * 3), output="model")
    rtol = 1e-4 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(shared.attributions, each.attributions, rtol=rtol, atol=rtol * 1e-3)
    np.testing.assert_allclose(shared.baseline_outputs, each.baseline_outputs, rtol=rtol)
    assert shared.baseline_outputs.shape == (3,)


def test_one_baseline_where_the_batch_has_no_axis_of_its_own():
    """Rows folded into the batch, whose nonlinearity sees them all."""

    def model(x):
        rows = tf.nn.relu(tf.reshape(x, [-1, 3]) + 0.5)
        return tf.reduce_sum(tf.reshape(rows * rows, [-1, 4, 3]), [1, 2])

    x, x0 = _batch("float64", 5, 4, 3)
    for baseline in (None, x0):
        assert relative_gap(explain(model, "deeplift", x, baseline=baseline)).max() <= 1e-9


def _gated_residual(dtype):
    """Branches that meet again: a skip, a gate, an attention over positions and a layer norm."""
    fixed = {"dtype": dtype}
    inputs = keras.Input((5, 6), dtype=dtype)
    normed = keras.layers.LayerNormalization(**fixed)(inputs)
    attended = keras.layers.MultiHeadAttention(2, 3, **fixed)(normed, normed)
    hidden = keras.layers.Add(**fixed)([inputs, attended])
    gate = keras.layers.Dense(6, "sigmoid", **fixed)(hidden)
    wide = keras.layers.Dense(6, "gelu", **fixed)(hidden)
    hidden = keras.layers.Concatenate(**fixed)([hidden, keras.layers.Multiply(**fixed)([gate, wide])])
    pooled = keras.layers.GlobalAveragePooling1D(**fixed)(hidden)
    normalised = keras.layers.UnitNormalization(**fixed)(pooled)
    return _filled(keras.Model(inputs, keras.layers.Dense(3, "softmax", **fixed)(normalised)))


@pytest.mark.parametrize("dtype", in_turn(_LIMIT))
def test_attention_with_normalisation_and_gates(dtype):
    model = _gated_residual(dtype)
    x, x0 = _batch(dtype, 3, 5, 6)
    for e in _explained(model, x, (None, x0), output="model"):
        assert relative_gap(e).max() <= _LIMIT[dtype]


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_inputs_of_any_scale(scale):
    inner = _mlp("relu", "float64")
    x, x0 = _batch("float64", 4, 6)
    e = explain(lambda x: inner(x / scale), "deeplift", x * scale, target=1, baseline=x0 * scale)
    assert relative_gap(e).max() <= 1e-9
    unscaled = explain(inner, "deeplift", x, target=1, baseline=x0)
    np.testing.assert_allclose(e.attributions, unscaled.attributions, rtol=1e-8, atol=1e-11)


def test_saturated_softmax():
    """A probability of 1 − 1e-30 at one point and of 1e-20 at the other."""

    def model(x):
        return tf.nn.softmax(x * 40.0)

    x, x0 = np.array([[1.0, -0.75, 0.0]]), np.array([-1.0, 0.2, 0.1])
    e = explain(model, "deeplift", x, target=0, baseline=x0, output="model")
    assert e.outputs > 1 - 1e-12 and e.baseline_outputs < 1e-18
    assert relative_gap(e).max() <= 1e-9

"""Each rule at each kind of layer: the relevance of an independent implementation, and its sum."""

import keras
from keras import layers as L
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import explain
from tests.rules.relevance import oracle

# ε → a rule, and the same in NumPy.
_RULES = {
    "epsilon": (dx.rules.epsilon, oracle.epsilon),
    "epsilon, no bias": (lambda e: dx.rules.epsilon(e, bias=False), oracle.epsilon_without_bias),
    "gamma": (lambda e: dx.rules.gamma(0.25, e), oracle.gamma),
    "alpha_beta": (lambda e: dx.rules.alpha_beta(2, 1, e), oracle.alpha_beta),
    "z_plus": (dx.rules.z_plus, oracle.z_plus),
    "absolute": (dx.rules.absolute, oracle.absolute),
    "w_square": (dx.rules.w_square, oracle.w_square),
    "flat": (dx.rules.flat, oracle.flat),
    "z_box": (lambda e: dx.rules.z_box(-2.0, 3.0, e), oracle.z_box),
}
_FLOAT64 = {"dtype": "float64", "bias_initializer": keras.initializers.RandomNormal(0.0, 0.5, seed=5)}


def _normalised(layer):
    """A layer with batch normalisation behind it, whose numbers are far from those of a fresh one."""
    generator = np.random.default_rng(3)
    norm = L.BatchNormalization(dtype="float64")

    def call(x):
        y = norm(layer(x))
        if not call.filled:
            norm.set_weights([generator.uniform(0.5, 2, weight.shape) for weight in norm.weights])
            call.filled = True
        return y

    call.filled = False
    return call


def _behind(*layers):
    """A layer with others before it, the last of the arguments."""

    def call(x):
        for layer in layers:
            x = layer(x)
        return x

    return call


def _scaled():
    """Batch normalisation by itself."""
    return _normalised(lambda x: x)


# The shape of one example, and what makes the layer.
_LAYERS = {
    "dense": ((5,), lambda: L.Dense(4, **_FLOAT64)),
    "dense on steps": ((3, 4), lambda: L.Dense(3, **_FLOAT64)),
    "dense, normalised": ((5,), lambda: _normalised(L.Dense(4, **_FLOAT64))),
    "einsum": ((3, 4), lambda: L.EinsumDense("abc,cde->abde", (3, 2, 3), bias_axes="de", **_FLOAT64)),
    "conv, strides": ((5, 6, 2), lambda: L.Conv2D(3, 3, strides=2, padding="same", **_FLOAT64)),
    "conv, dilated, normalised": ((6, 5, 2), lambda: _normalised(L.Conv2D(3, 2, dilation_rate=2, **_FLOAT64))),
    "conv, no bias, normalised": (
        (4, 4, 2),
        lambda: _normalised(L.Conv2D(3, 3, padding="same", use_bias=False, dtype="float64")),
    ),
    "conv, groups": ((4, 4, 4), lambda: L.Conv2D(4, 3, groups=2, **_FLOAT64)),
    "conv 1d, normalised": ((6, 2), lambda: _normalised(L.Conv1D(3, 3, **_FLOAT64))),
    "conv 3d": ((3, 3, 4, 2), lambda: L.Conv3D(2, 2, **_FLOAT64)),
    "depthwise, normalised": (
        (5, 5, 2),
        lambda: _normalised(L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", **_FLOAT64)),
    ),
    "dense behind a normalisation": ((5,), lambda: _behind(_scaled(), L.Dense(4, **_FLOAT64))),
    "conv behind a normalisation and padding": (
        (4, 5, 2),
        lambda: _behind(
            _scaled(), L.ZeroPadding2D(1, dtype="float64"), _normalised(L.Conv2D(3, 3, strides=2, **_FLOAT64))
        ),
    ),
    "conv behind scales": (
        (4, 4, 3),
        lambda: _behind(
            L.Rescaling(0.5, 0.25, dtype="float64"),
            L.Normalization(mean=[0.1, -0.2, 0.3], variance=[0.5, 2.0, 1.5], dtype="float64"),
            L.Conv2D(3, 3, padding="same", **_FLOAT64),
        ),
    ),
    "conv 1d behind a normalisation": (
        (6, 2),
        lambda: _behind(_scaled(), L.ZeroPadding1D(2, dtype="float64"), L.Conv1D(3, 3, **_FLOAT64)),
    ),
    "depthwise behind a normalisation": (
        (5, 5, 2),
        lambda: _behind(_scaled(), L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", **_FLOAT64)),
    ),
    "conv in groups behind a normalisation": (
        (4, 4, 4),
        lambda: _behind(L.ZeroPadding2D(1, dtype="float64"), L.Conv2D(4, 3, groups=2, **_FLOAT64)),
    ),
    "transposed, normalised": ((3, 3, 2), lambda: _normalised(L.Conv2DTranspose(2, 3, strides=2, **_FLOAT64))),
}
_PAIRS = [
    pytest.param(rule, layer, marks=[pytest.mark.long] * ((number + offset) % 18 > 0))
    for offset, rule in enumerate(_RULES)
    for number, layer in enumerate(_LAYERS)
]


@pytest.fixture(scope="module")
def opened():
    """Models of a layer, a ReLU and a dense layer, made once, with the layer's matrix and bias."""
    made = {}

    def get(name):
        if name not in made:
            keras.utils.set_random_seed(7)
            shape, make = _LAYERS[name]
            layer = make()
            inputs = keras.Input(shape, dtype="float64")
            hidden = layer(inputs)
            flat = L.Flatten(dtype="float64")(L.ReLU(dtype="float64")(hidden))
            model = keras.Model(inputs, L.Dense(3, name="head", **_FLOAT64)(flat))
            matrix, bias = oracle.linear_part(keras.Model(inputs, hidden), shape)
            made[name] = dx.DeepExplain(model).__enter__(), shape, matrix, bias, model.get_layer("head").get_weights()
        return made[name]

    return get


@pytest.mark.parametrize(("rule", "layer"), _PAIRS)
def test_relevance_of_a_layer(rule, layer, opened):
    de, shape, matrix, bias, (weights, offsets) = opened(layer)
    ours, theirs = _RULES[rule]
    x = np.random.default_rng(0).uniform(-1, 1, (3, *shape))
    x[0].flat[::3] = 0
    composite = [("first", ours(oracle.EPSILON)), ("dense", dx.rules.epsilon(oracle.EPSILON))]
    e = de.explain("lrp", x, target=1, composite=composite)
    for row, found, output in zip(x, e.attributions, e.outputs, strict=True):
        hidden = np.maximum(row.ravel() @ matrix + bias, 0)
        assert output == pytest.approx(hidden @ weights[:, 1] + offsets[1], rel=1e-10)
        relevance = oracle.epsilon(hidden, weights[:, [1]], offsets[[1]], np.array([output]))
        expected = theirs(row.ravel(), matrix, bias, relevance)
        np.testing.assert_allclose(found.ravel(), expected, rtol=0, atol=1e-12 * max(np.abs(expected).max(), 1))
    np.testing.assert_allclose(e.completeness_gap, e.attributions.reshape(3, -1).sum(1) - e.outputs, atol=1e-12)


_ONE_SIGN = {
    "dense": ((5,), lambda **options: L.Dense(4, **options)),
    "conv": ((4, 4, 2), lambda **options: L.Conv2D(4, 2, **options)),
    "depthwise": ((3, 3, 2), lambda **options: L.DepthwiseConv2D(1, depth_multiplier=2, **options)),
}


@pytest.mark.parametrize("layer", _ONE_SIGN)
@pytest.mark.parametrize("rule", ["z_plus", "alpha_beta"])
def test_contributions_of_one_sign_share_all(rule, layer):
    """With no rectifier behind them: of four outputs or channels, two have contributions of one sign only."""
    shape, make = _ONE_SIGN[layer]
    ours, theirs = _RULES[rule]
    generator = np.random.default_rng(5)
    hidden = make(bias_initializer=lambda size, dtype=None: np.array([-0.1, 0.2, 0.3, -0.3]), dtype="float64")
    tail = [L.Flatten(dtype="float64"), L.Dense(2, dtype="float64")]
    model = keras.Sequential([keras.Input(shape, dtype="float64"), hidden, *tail])
    signs = np.array([-1.0, 1.0, np.nan, np.nan]).reshape(hidden.weights[0].shape[-2:] if layer == "depthwise" else -1)
    drawn = generator.normal(size=hidden.weights[0].shape)
    hidden.weights[0].assign(np.where(np.isnan(signs), drawn, np.abs(drawn) * signs))
    x = generator.uniform(0.1, 1, (2, *shape))
    matrix, bias = oracle.linear_part(hidden, shape)
    weights, offsets = model.layers[-1].get_weights()
    composite = [("first", ours(oracle.EPSILON)), ("dense", dx.rules.epsilon(oracle.EPSILON))]
    e = explain(model, "lrp", x, target=1, composite=composite)
    for row, found, output in zip(x, e.attributions, e.outputs, strict=True):
        values = row.ravel() @ matrix + bias
        relevance = oracle.epsilon(values, weights[:, [1]], offsets[[1]], np.array([output]))
        expected = theirs(row.ravel(), matrix, bias, relevance)
        np.testing.assert_allclose(found.ravel(), expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_input_without_a_value_gets_relevance_by_rules_for_the_first_layer():
    layers = [keras.Input((4,)), L.Dense(3, "relu", bias_initializer="ones"), L.Dense(2)]
    with dx.DeepExplain(keras.Sequential(layers)) as de:
        for rule in (dx.rules.flat(), dx.rules.w_square(), dx.rules.z_box(-1, 1)):
            e = de.explain("lrp", np.zeros((2, 4), np.float32), target=0, composite=[("first", rule)])
            assert (np.abs(e.attributions) > 1e-4).all()


@pytest.mark.parametrize("rule", ["epsilon, no bias", "gamma", "z_plus", "absolute", "w_square", "flat", "z_box"])
def test_relevance_is_conserved_without_biases(rule):
    """Positive inputs and weights of both signs; no output is 0, where ε absorbs."""
    keras.utils.set_random_seed(1)
    layers = [L.Conv2D(4, 3, use_bias=False), L.ReLU(), L.Flatten(), L.Dense(5, "relu", use_bias=False)]
    model = keras.Sequential([keras.Input((5, 5, 2)), *layers, L.Dense(2, use_bias=False)])
    x = np.random.default_rng(2).uniform(0.1, 1, (3, 5, 5, 2)).astype(np.float32)
    composite = [("first", _RULES[rule][0](1e-9)), ("dense", dx.rules.epsilon(1e-9))]
    e = explain(model, "lrp", x, target=0, composite=composite)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-4 * np.abs(e.outputs).max())


def test_float32_is_near_float64():
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((6, 6, 3)), L.Conv2D(4, 3), L.ReLU(), L.Flatten(), L.Dense(2)])
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 3))
    wide = keras.models.clone_model(
        model, clone_function=lambda layer: layer.__class__.from_config({**layer.get_config(), "dtype": "float64"})
    )
    wide.set_weights(model.get_weights())
    for name in ("epsilon_plus_flat", "epsilon_gamma_box"):
        narrow = explain(model, "lrp", x.astype(np.float32), target=0, composite=name).attributions
        expected = explain(wide, "lrp", x, target=0, composite=name).attributions
        np.testing.assert_allclose(narrow, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_kernel_that_an_input_gives():
    """A product whose other factor is an input of its own: linear in what is explained, whatever the kernel is."""

    def model(x, kernel):
        return tf.nn.relu(tf.linalg.matvec(kernel, x))

    generator = np.random.default_rng(4)
    x, kernel = generator.uniform(0.1, 1, (2, 3)), generator.normal(size=(2, 4, 3))
    signature = [tf.TensorSpec([None, 3], tf.float64), tf.TensorSpec([None, 4, 3], tf.float64)]
    with dx.DeepExplain(model, input_signature=signature) as de:
        e = de.explain("lrp", [x, kernel], target=1, composite="epsilon")
    assert np.isfinite(e.attributions[0]).all()
    np.testing.assert_allclose(sum(a.reshape(2, -1).sum(1) for a in e.attributions), e.outputs, rtol=1e-4)

"""What the papers prove of the methods, on random networks with biases, in float64 and with zero baseline."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import references as ref
from tests.checks import explain, in_turn

(_X,) = ref.numbers(0, (6, 5))
_MODIFIED = ("guided_backprop", "deconvnet")  # these return the modified gradient, without the input
_OPTIONS = {"integrated_gradients": {"n_steps": 3}, "shapley_sampling": {"n_samples": 120}}


def _attributions(model, method, x, **arguments):
    """Attributions in units of the target, for methods that return a gradient too."""
    found = explain(model, method, x, **{**_OPTIONS.get(method, {}), **arguments}).attributions
    return found * x if method in _MODIFIED else found


# --- ε-LRP and gradient × input ---------------------------------------------------------------------------


def _relu_network(seed, sizes=(5, 8, 7, 3), biases=True):
    """A net and inputs at which no unit is close to its kink."""
    for attempt in range(seed, seed + 100):
        layers = ref.random_network(attempt, sizes, "relu", biases=biases)
        if all(np.abs(z).min() > 1e-3 for z in ref.preactivations(layers, _X)):
            return layers
    raise AssertionError("no such network")


@pytest.mark.parametrize("seed", [0, 100, 200])
def test_epsilon_lrp_tends_to_gradient_x_input_on_relu_networks(seed):
    layers = _relu_network(seed)
    assert all(np.abs(layer.biases).min() > 0 for layer in layers if isinstance(layer, ref.Dense))
    model = ref.in_tensorflow(layers)
    plain = _attributions(model, "gradient_x_input", _X, target=1)
    tiny = _attributions(model, "epsilon_lrp", _X, target=1, epsilon=1e-12)
    np.testing.assert_allclose(tiny, plain, rtol=0, atol=1e-6)
    distances = [
        np.abs(_attributions(model, "epsilon_lrp", _X, target=1, epsilon=epsilon) - plain).max()
        for epsilon in (1e-5, 1e-6, 1e-7)
    ]
    assert distances[0] > 1e-7
    np.testing.assert_allclose(np.divide(distances[:-1], distances[1:]), 10, rtol=0.05)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_epsilon_lrp_is_deeplift_without_biases(activation):
    layers = ref.random_network(3, [5, 8, 7, 3], activation, biases=False)
    assert min(np.abs(z).min() for z in ref.preactivations(layers, _X)) > 1e-4
    model = ref.in_tensorflow(layers)
    lrp = _attributions(model, "epsilon_lrp", _X, target=2, epsilon=1e-12)
    np.testing.assert_allclose(_attributions(model, "deeplift", _X, target=2), lrp, rtol=1e-6, atol=1e-9)
    gradient = _attributions(model, "gradient_x_input", _X, target=2)
    if activation == "relu":
        np.testing.assert_allclose(gradient, lrp, rtol=1e-6, atol=1e-9)
    else:
        assert np.abs(gradient - lrp).max() > 1e-2


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_biases_make_the_difference(activation):
    model = ref.in_tensorflow(ref.random_network(3, [5, 8, 7, 3], activation))
    lrp = _attributions(model, "epsilon_lrp", _X, target=2, epsilon=1e-12)
    assert np.abs(_attributions(model, "deeplift", _X, target=2) - lrp).max() > 1e-2


@pytest.mark.parametrize("activation", ["sigmoid", "softplus"])
def test_functions_that_are_not_zero_at_zero_differ(activation):
    """f(0) ≠ 0: neither a bias-free net nor ε → 0 makes ε-LRP the same as DeepLIFT or as the gradient."""
    layers = ref.random_network(4, [5, 8, 3], activation, biases=False)
    model = ref.in_tensorflow(layers)
    found = {
        "lrp": _attributions(model, "epsilon_lrp", _X, target=0, epsilon=1e-9),
        "deeplift": _attributions(model, "deeplift", _X, target=0),
        "gradient": _attributions(model, "gradient_x_input", _X, target=0),
    }
    np.testing.assert_allclose(found["lrp"], ref.epsilon_lrp(layers, _X, 0, 1e-9), rtol=1e-6)
    for one, other in (("lrp", "deeplift"), ("lrp", "gradient"), ("deeplift", "gradient")):
        assert np.abs(found[one] - found[other]).max() > 1e-2, (one, other)


@pytest.mark.parametrize("activation", ["sigmoid", "softplus"])
def test_small_preactivations_give_large_epsilon_lrp(activation):
    """The quotient f(z)/z has a pole at 0, where the other methods stay bounded."""
    x = np.array([[1.0, 1.0]])
    layers = [ref.Dense(np.array([[1.0], [-1.0]]), np.array([1e-6])), ref.Activation(activation)]
    model = ref.in_tensorflow([*layers, ref.Dense(np.array([[1.0]]), np.array([0.5]))])
    assert np.abs(_attributions(model, "epsilon_lrp", x, epsilon=1e-9)).max() > 1e5
    assert np.abs(_attributions(model, "deeplift", x)).max() < 1


# --- linear models ----------------------------------------------------------------------------------------

_LINEAR = ref.Dense(ref.numbers(1, (5, 3))[0], np.array([0.5, -1.0, 2.0]))


def _dense(x):
    return _LINEAR.in_tensorflow(x)


def _keras_linear():
    first, second = (keras.layers.Dense(units, dtype="float64") for units in (4, 3))
    norm = keras.layers.BatchNormalization(dtype="float64")
    model = keras.Sequential([keras.Input((5,), dtype="float64"), first, norm, second])
    generator = np.random.default_rng(1)
    norm.set_weights([generator.uniform(0.5, 2, 4), *generator.normal(size=(2, 4)), generator.uniform(0.5, 2, 4)])
    for layer in (first, second):
        layer.set_weights([generator.normal(size=weight.shape) for weight in layer.get_weights()])
    return model


@pytest.mark.parametrize(
    "method",
    in_turn(
        [
            "integrated_gradients",
            "gradient_x_input",
            "deeplift",
            "epsilon_lrp",
            "shapley_sampling",
            "occlusion",
            "guided_backprop",
            "deconvnet",
        ]
    ),
)
def test_all_methods_are_equal_on_a_linear_model(method):
    found = _attributions(_dense, method, _X, target=1)
    np.testing.assert_allclose(found, _X * _LINEAR.weights[:, 1], rtol=1e-11, atol=1e-14)
    model = _keras_linear()
    expected = _attributions(model, "gradient_x_input", _X, target=2)
    np.testing.assert_allclose(expected.sum(1), model(_X)[:, 2] - model(0 * _X)[:, 2], rtol=1e-11)
    np.testing.assert_allclose(_attributions(model, method, _X, target=2), expected, rtol=1e-10, atol=1e-13)


def test_saliency_is_not():
    np.testing.assert_allclose(
        _attributions(_dense, "saliency", _X, target=1), np.tile(np.abs(_LINEAR.weights[:, 1]), (6, 1)), rtol=1e-12
    )


@pytest.mark.parametrize("method", ["occlusion", "shapley_sampling", "integrated_gradients", "deeplift"])
def test_additive_models_are_explained_input_by_input(method):
    """On a sum of functions of one input each, these four agree though nothing is linear."""

    def model(x):
        return tf.reduce_sum(tf.tanh(x) + tf.square(x) * 0.25, 1)

    found = _attributions(model, method, _X, **({"n_steps": 32} if method == "integrated_gradients" else {}))
    np.testing.assert_allclose(found, np.tanh(_X) + _X**2 / 4, rtol=1e-10, atol=1e-13)


# --- the examples of the papers ---------------------------------------------------------------------------


def _saturated(x):
    return 1.0 - tf.nn.relu(1.0 - x)


@pytest.mark.parametrize("method", ["integrated_gradients", "deeplift", "occlusion", "shapley_sampling"])
def test_saturation_hides_nothing(method):
    """Sundararajan et al. 2017, section 2.1: f(x) = 1 − ReLU(1 − x) at 2."""
    options = {"n_steps": 1000, "quadrature": "midpoint"} if method == "integrated_gradients" else {}
    found = _attributions(_saturated, method, np.array([[2.0]]), **options)
    np.testing.assert_allclose(found, [[1.0]], atol=1e-12)


@pytest.mark.parametrize("method", ["saliency", "gradient_x_input", "guided_backprop", "deconvnet"])
def test_saturation_hides_all_from_a_gradient(method):
    np.testing.assert_array_equal(_attributions(_saturated, method, np.array([[2.0]])), [[0.0]])


def _first_form(x):
    return tf.nn.relu(tf.nn.relu(x[:, 0] - 1.0) - tf.nn.relu(x[:, 1]))


def _second_form(x):
    return tf.nn.relu(tf.nn.relu(x[:, 0]) - 1.0 - tf.nn.relu(x[:, 1]))


def test_integrated_gradients_do_not_depend_on_the_implementation():
    """Two forms of one function: Sundararajan et al. 2017, Appendix B, at (3, 1)."""
    x = np.array([[3.0, 1.0]])
    options = {"n_steps": 3000, "quadrature": "midpoint"}
    for model in (_first_form, _second_form):
        found = explain(model, "integrated_gradients", x, **options)
        np.testing.assert_allclose(found.attributions, [[1.5, -0.5]], atol=1e-3)
        np.testing.assert_allclose(found.completeness_gap, 0, atol=1e-3)
        np.testing.assert_array_equal(found.outputs, [1.0])
    equal = np.random.default_rng(0).uniform(-1, 4, (50, 2))
    np.testing.assert_allclose(_first_form(tf.constant(equal)), _second_form(tf.constant(equal)), atol=1e-15)
    exact = [_attributions(model, "integrated_gradients", equal, **options) for model in (_first_form, _second_form)]
    np.testing.assert_allclose(exact[0], exact[1], atol=1e-2)


def test_layerwise_rules_depend_on_it():
    """At the same point DeepLIFT explains the two forms in two ways, each of them complete."""
    x = np.array([[3.0, 1.0]])
    first, second = (explain(model, "deeplift", x) for model in (_first_form, _second_form))
    np.testing.assert_allclose(first.attributions, [[2.0, -1.0]], rtol=1e-14)
    np.testing.assert_allclose(second.attributions, [[1.5, -0.5]], rtol=1e-14)
    np.testing.assert_allclose([first.completeness_gap, second.completeness_gap], 0, atol=1e-15)


@pytest.mark.parametrize("method", ["gradient_x_input", "epsilon_lrp", "deeplift"])
def test_maximum_as_pooling_or_as_three_rectifiers(method):
    """max(a, b) = ½(ReLU(a − b) + ReLU(b − a) + ReLU(a + b)) for positive a, b: a footnote of the 2019 chapter."""
    generator = np.random.default_rng(0)
    weights, x = generator.uniform(0.1, 1, (5, 8)), generator.uniform(0.1, 1, (6, 5))
    end = generator.normal(size=(4, 2))

    def pairs(x):
        return tf.reshape(x @ tf.constant(weights), [-1, 4, 2])

    def pooled(x):
        return tf.nn.max_pool1d(tf.reshape(pairs(x), [-1, 8, 1]), 2, 2, "VALID")[:, :, 0] @ tf.constant(end)

    def rectified(x):
        a, b = tf.unstack(pairs(x), axis=2)
        return (tf.nn.relu(a - b) + tf.nn.relu(b - a) + tf.nn.relu(a + b)) / 2.0 @ tf.constant(end)

    np.testing.assert_allclose(pooled(tf.constant(x)), rectified(tf.constant(x)), rtol=1e-13)
    options = {"epsilon": 1e-12} if method == "epsilon_lrp" else {}
    found = [_attributions(model, method, x, target=1, **options) for model in (pooled, rectified)]
    assert np.abs(found[0]).max() > 0.1
    np.testing.assert_allclose(found[0], found[1], rtol=1e-8, atol=1e-10)


# --- axioms -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["integrated_gradients", "shapley_sampling", "occlusion"])
def test_linearity(method):
    """a·f + b·g is explained by a·(f explained) + b·(g explained)."""
    f, g = (ref.in_tensorflow(ref.random_network(seed, [5, 6, 1], "tanh")) for seed in (5, 6))
    options = {"n_steps": 32} if method == "integrated_gradients" else {}
    mixed = _attributions(lambda x: 2.0 * f(x) - 3.0 * g(x), method, _X, **options)
    parts = [_attributions(model, method, _X, **options) for model in (f, g)]
    np.testing.assert_allclose(mixed, 2 * parts[0] - 3 * parts[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("method", ["integrated_gradients", "shapley_sampling", "deeplift", "occlusion"])
def test_symmetric_inputs_get_the_same(method):
    def model(x):
        return tf.tanh(x[:, 0] * x[:, 1] + x[:, 2]) + tf.nn.relu(x[:, 0] + x[:, 1] + 0.5)

    x = np.array([[0.75, 0.75, -0.5], [-0.5, -0.5, 2.0]])
    found = _attributions(model, method, x)
    assert (np.abs(found[0]) > 1e-3).all()
    np.testing.assert_allclose(found[:, 0], found[:, 1], rtol=1e-12)


@pytest.mark.parametrize("method", ["integrated_gradients", "shapley_sampling", "deeplift", "occlusion", "epsilon_lrp"])
def test_inputs_that_nothing_depends_on_get_nothing(method):
    found = _attributions(lambda x: tf.tanh(x[:, 0]) * x[:, 2] + 0.0 * x[:, 1], method, _X[:, :4])
    np.testing.assert_allclose(found[:, [1, 3]], 0, atol=1e-15)
    assert (found[:, [0, 2]] != 0).all()

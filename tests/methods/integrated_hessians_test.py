"""Integrated Hessians: closed forms, the double integral by NumPy, sums, groups, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError, OptionError
from tests.checks import explain, in_turn, message_of
from tests.methods.layer_networks import START, X, network
from tests.models import filled, floats

L = keras.layers


def hessians(model, x=X, **arguments):
    return explain(model, "integrated_hessians", x, **arguments)


def polynomial(x):
    return x[:, 0] * x[:, 1] + x[:, 2] ** 3 + x[:, 1] * x[:, 3] ** 2


@pytest.mark.parametrize("jit_compile", in_turn([False, True]))  # tests/conformance compiles
def test_a_polynomial_has_its_interactions_where_they_belong(jit_compile):
    """By hand: ∫∫ αβ = 1/4 and ∫∫ (αβ)² = 1/9; two steps are exact up to the third power."""
    e = hessians(polynomial, jit_compile=jit_compile, n_steps=2)
    expected = np.zeros((3, 4, 4))
    for row, (a, b, c, d) in enumerate(X):
        expected[row, [0, 0, 1], [0, 1, 0]] = a * b / 4
        expected[row, 1, 1] = a * b / 4 + b * d * d / 9
        expected[row, 2, 2] = (6 + 3) * c**3 / 9
        expected[row, [1, 3], [3, 1]] = 2 * b * d * d / 9
        expected[row, 3, 3] = (2 + 2) * b * d * d / 9
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)


def double_integral(x, start, n=30):
    """Γ by NumPy over a square of nodes α, β, with the Hessian of `network` in closed form."""
    (a, b, c, d, e, _) = (weight.numpy() for weight in network().weights)
    nodes, weights = np.polynomial.legendre.leggauss(n)
    nodes, weights, step, found = (1 + nodes) / 2, weights / 2, x - start, np.zeros((4, 4))
    for alpha, by_alpha in zip(nodes, weights, strict=True):
        for beta, by_beta in zip(nodes, weights, strict=True):
            h = np.tanh((start + alpha * beta * step) @ a + b)
            s = 1 / (1 + np.exp(-(h @ c + d)))
            jacobian = (a * (1 - h**2)) @ c
            hessian = jacobian @ np.diag(e[:, 1] * s * (1 - s)) @ jacobian.T
            hessian += a @ np.diag((c @ (e[:, 1] * s)) * -2 * h * (1 - h**2)) @ a.T
            gradient = jacobian @ (e[:, 1] * s)
            found += by_alpha * by_beta * (alpha * beta * np.outer(step, step) * hessian + np.diag(step * gradient))
    return found


def test_the_double_integral_of_numpy():
    e = hessians(network(), target=1, baseline=START)
    expected = np.stack([double_integral(x, START) for x in X])
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-9, atol=1e-12)
    assert e.n_steps == 64 and e.notes == ()


def test_rows_add_up_to_integrated_gradients_and_all_to_the_change():
    e, ig = (
        explain(network(), m, X, target=1, baseline=START) for m in ("integrated_hessians", "integrated_gradients")
    )
    np.testing.assert_allclose(e.attributions.sum(2), ig.attributions, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(e.attributions, e.attributions.swapaxes(1, 2), atol=1e-14)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)
    np.testing.assert_allclose(e.outputs, ig.outputs, rtol=1e-14)
    np.testing.assert_allclose(e.baseline_outputs, ig.baseline_outputs, rtol=1e-14)


def normalised():
    """A second derivative through the mean of a variance, which TensorFlow's moments leave out."""
    with floats("float64"):
        layers = [L.Dense(6, "softplus"), L.LayerNormalization(), L.Dense(5, "gelu"), L.Dense(2, "softmax")]
        return filled(keras.Sequential([keras.Input((4,)), *layers]))


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.long)])
def test_second_derivatives_of_a_normalisation_add_up(jit_compile):
    e = hessians(normalised(), target=1, output="model", baseline=START, jit_compile=jit_compile, n_steps=100)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-11)


def test_groups_add_up_what_their_members_have():
    members = np.array([[0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0]])  # of the numbers 3, 5 and 9
    explainer = dx.DeepExplain(network()).__enter__().explainer("integrated_hessians", target=1, baseline=START)
    found, every = explainer(X, groups=np.array([5, 3, 9, 3])), explainer(X)
    np.testing.assert_allclose(found.attributions, members @ every.attributions @ members.T, rtol=1e-11, atol=1e-14)


def test_words_are_groups_of_an_embedding():
    with floats("float64"):
        ids = keras.Input((3,), dtype="int32")
        flat = L.Flatten()(L.Embedding(6, 4, name="embedding")(ids))
        model = filled(keras.Model(ids, L.Dense(1)(L.Dense(6, "tanh")(flat))))
    groups = np.arange(3)[:, None].repeat(4, 1)
    e = hessians(model, np.array([[1, 2, 3], [4, 4, 5]]), layer="embedding", groups=groups)
    assert e.attributions.shape == (2, 3, 3)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)


def test_several_inputs_are_one_row_of_features():
    function = lambda left, right: tf.reduce_sum(left * right, 1)  # noqa: E731
    x = [X[:, :2], X[:, 2:]]
    e = hessians(function, x)
    assert e.attributions.shape == (3, 4, 4)
    np.testing.assert_allclose(e.attributions[:, [0, 1], [2, 3]], x[0] * x[1] / 4, rtol=1e-12)
    np.testing.assert_allclose(e.attributions[:, 0, [1, 3]], 0, atol=1e-15)
    both = hessians(function, x, groups=[np.array([0, 0]), np.array([1, 0])])
    assert both.attributions.shape == (3, 2, 2)
    by_name = hessians(lambda left, right: function(left, right), {"right": x[1], "left": x[0]})
    np.testing.assert_allclose(by_name.attributions.sum((1, 2)), e.outputs, rtol=1e-12)


def test_a_background_takes_the_mean():
    background = np.stack([START, X[1], 0 * START])
    with dx.DeepExplain(network()) as de:
        alone = [de.explain("integrated_hessians", X, target=1, baseline=x0) for x0 in background]
        found = de.explain("integrated_hessians", X, target=1, background=background)
    np.testing.assert_allclose(found.attributions, np.mean([e.attributions for e in alone], 0), rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(found.baseline_outputs, np.mean([e.baseline_outputs for e in alone], 0), rtol=1e-12)


def test_sizes_and_units_change_nothing():
    with dx.DeepExplain(network()) as de:
        explainer = de.explainer("integrated_hessians", baseline=START, n_steps=6)
        expected = explainer(X, target=1).attributions
        for sizes in ({"batch_size": 2}, {"chunk_size": 5}, {"max_memory": "200MiB"}):
            np.testing.assert_allclose(explainer(X, target=1, **sizes).attributions, expected, rtol=1e-12, atol=1e-15)
        units = explainer(X, target="all")
    assert units.attributions.shape == (3, 2, 4, 4) and units.completeness_gap.shape == (3, 2)
    np.testing.assert_allclose(units.attributions[:, 1], expected, rtol=1e-12, atol=1e-15)


def test_an_export_of_several_inputs_has_one_array(tmp_path):
    with dx.DeepExplain(lambda left, right: tf.sin(left[:, 0] * right[:, 1])) as de:
        explainer = de.explainer("integrated_hessians", n_steps=8, baseline=None)
        expected = explainer([X[:, :2], X[:, 2:]]).attributions
        explainer.export(tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served").signatures["explain"]
    found = served(input_0=tf.constant(X[:, :2]), input_1=tf.constant(X[:, 2:]))
    np.testing.assert_allclose(found["attributions"], expected, rtol=1e-12, atol=1e-15)


def test_relu_has_no_second_derivatives_and_a_note_says_so():
    with floats("float64"):
        model = filled(keras.Sequential([keras.Input((4,)), L.Dense(8, "relu"), L.Dense(1)]))
    e = hessians(model, 3 * X)
    assert np.abs(e.completeness_gap).max() > 0.1
    assert any("softplus" in note for note in e.notes)


def test_a_table_gives_an_array():
    pandas = pytest.importorskip("pandas")
    e = hessians(network(), pandas.DataFrame(X, columns=list("abcd")), target=1, n_steps=4)
    assert type(e.attributions) is np.ndarray and e.attributions.shape == (3, 4, 4)


def test_saved_and_drawn(tmp_path):
    e = hessians(network(), target=1, n_steps=4)
    e.save(tmp_path / "why.npz")
    assert dx.load(tmp_path / "why.npz") == e
    assert e.image(example=1).size == (4, 4)


def test_too_many_features():
    many = np.zeros((2, 513), np.float32)
    words = ("512", "513", "groups=")
    message_of(lambda: hessians(lambda x: tf.reduce_sum(x**2, 1), many), OptionError, *words)
    e = hessians(lambda x: tf.reduce_sum(x**2, 1), many, groups=np.arange(513) // 300, n_steps=2)
    assert e.attributions.shape == (2, 2, 2)


REFUSED = {
    "no steps": ({"n_steps": 0}, OptionError, ("n_steps",)),
    "too many steps": ({"n_steps": 501}, OptionError, ("n_steps", "500")),
    "another quadrature": ({"quadrature": "midpoint"}, OptionError, ("quadrature",)),
    "groups of another shape": ({"groups": np.zeros(3, int)}, OptionError, ("groups",)),
    "both": ({"baseline": 0.0, "background": X}, OptionError, ("baseline", "background")),
    "a background of another shape": ({"background": X[:, :2]}, InputError, ("background",)),
}


@pytest.mark.parametrize(("options", "kind", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(options, kind, words):
    message_of(lambda: hessians(network(), target=1, **options), kind, *words)


def test_metrics_are_refused():
    comparison = dx.compare(
        network(), X, target=1, methods=["integrated_hessians", "deeplift"], metrics=["completeness", "max_sensitivity"]
    )
    assert "pairs" in str(comparison)
    assert all(set(scores) == {"deeplift"} for scores in comparison.scores.values())

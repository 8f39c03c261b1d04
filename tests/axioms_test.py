"""The axioms of path methods, on random networks, inputs and baselines in float64.

All networks are one graph, whose variables are drawn. References: Sundararajan, Taly, Yan 2017 (section 2 and 3).
"""

import functools

from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import in_turn

_FEATURES, _UNITS = 4, 3
_FIRST, _SECOND, _SUM, _OTHERWISE, _AGAIN = range(5)  # the outputs


class _Networks(tf.Module):
    """Two networks f and g, a·f + c·g, and f in two other spellings."""

    def __init__(self):
        super().__init__()
        shapes = {"w": (_FEATURES, _UNITS), "b": (_UNITS,), "v": (_UNITS,), "u": (_FEATURES, _UNITS), "s": (2,)}
        self.parameters = {name: tf.Variable(np.ones(shape), dtype=tf.float64) for name, shape in shapes.items()}

    def __call__(self, x):
        w, b, v, u, s = self.parameters.values()
        f = tf.linalg.matvec(tf.tanh(x @ w + b), v)
        g = tf.reduce_sum(tf.nn.softplus(x @ u) * tf.sigmoid(x @ w), 1)
        z = tf.reduce_sum(x[:, :, None] * w, 1) + b
        otherwise = tf.reduce_sum(v * (2.0 * tf.sigmoid(2.0 * z) - 1.0), 1)
        power = tf.exp(-2.0 * tf.concat([x, tf.ones_like(x[:, :1])], 1) @ tf.concat([w, b[None]], 0))
        again = tf.einsum("bu,u->b", (1.0 - power) / (1.0 + power), v)
        return tf.stack([f, g, s[0] * f + s[1] * g, otherwise, again], 1)


def _numbers(*shape):
    return hnp.arrays(np.float64, shape, elements=st.floats(-1, 1, allow_subnormal=False))


_PARAMETERS = st.fixed_dictionaries(
    {"w": _numbers(_FEATURES, _UNITS), "b": _numbers(_UNITS), "v": _numbers(_UNITS), "u": _numbers(_FEATURES, _UNITS)}
    | {"s": _numbers(2)}
)
_EXAMPLES, _STARTS = _numbers(2, _FEATURES), _numbers(2, _FEATURES)
_METHODS = {
    "integrated_gradients": lambda starts: {"baseline": starts},
    "integrated_gradients of a background": lambda starts: {"background": starts},
    "expected_gradients": lambda starts: {"background": starts, "seed": 0, "n_samples": 64},
}
each_method = pytest.mark.parametrize("method", in_turn(_METHODS, 3))
drawn = settings(max_examples=25, deadline=None, derandomize=True)


@functools.cache
def _opened(method):
    networks = _Networks()
    with dx.DeepExplain(networks) as de:
        return networks, de.explainer(method.split()[0])


def _explain(method, parameters, x, starts, target, **options):
    networks, explain = _opened(method)
    for name, array in parameters.items():
        networks.parameters[name].assign(array)
    return explain(x, target=target, **{**_METHODS[method](starts), **options})


def _attributions(*arguments, **options):
    return _explain(*arguments, **options).attributions


@each_method
@given(_PARAMETERS, _EXAMPLES, _STARTS, st.integers(0, 4))
@drawn
def test_completeness(method, parameters, x, starts, target):
    """Drawn gradients are complete in expectation: up to the error of many of them from one baseline."""
    if method == "expected_gradients":
        e = _explain(method, parameters, x, starts[:1], target, n_samples=2000)
        np.testing.assert_allclose(e.completeness_gap, 0, atol=5e-3)
    else:
        e = _explain(method, parameters, x, starts, target)
        np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)
    gap = e.attributions.sum(1) - (e.outputs - e.baseline_outputs)
    np.testing.assert_allclose(e.completeness_gap, gap, atol=1e-13)


@each_method
@given(_PARAMETERS, _EXAMPLES, _STARTS)
@drawn
def test_linearity(method, parameters, x, starts):
    first, second, both = (_attributions(method, parameters, x, starts, unit) for unit in (_FIRST, _SECOND, _SUM))
    a, c = parameters["s"]
    np.testing.assert_allclose(both, a * first + c * second, rtol=0, atol=1e-12)


@each_method
@given(_PARAMETERS, _EXAMPLES, _STARTS, st.integers(0, 4))
@drawn
def test_symmetry(method, parameters, x, starts, target):
    """Features that the function does not tell apart, with the same values, get the same."""
    parameters = {name: array.copy() for name, array in parameters.items()}
    for array in (parameters["w"], parameters["u"], x.T, starts.T):
        array[1] = array[3]
    found = _attributions(method, parameters, x, starts, target)
    np.testing.assert_allclose(found[:, 1], found[:, 3], rtol=0, atol=1e-13)


@each_method
@given(_PARAMETERS, _EXAMPLES, _STARTS, st.integers(0, 4), st.integers(0, _FEATURES - 1))
@drawn
def test_dummy(method, parameters, x, starts, target, feature):
    """Sensitivity (b): what the function does not depend on gets nothing."""
    parameters = {name: array.copy() for name, array in parameters.items()}
    parameters["w"][feature] = parameters["u"][feature] = 0
    np.testing.assert_array_equal(_attributions(method, parameters, x, starts, target)[:, feature], 0)


@each_method
@given(_PARAMETERS, _EXAMPLES, st.integers(0, 4), st.integers(0, _FEATURES - 1), st.floats(0.01, 1))
@drawn
def test_sensitivity(method, parameters, x, target, feature, difference):
    """Sensitivity (a): where one feature alone differs, it gets the whole change, and the others nothing."""
    starts = x.copy()
    starts[:, feature] -= difference
    if method != "integrated_gradients":  # one background for all examples
        x, starts = x[:1], starts[:1]
    e = _explain(method, parameters, x, starts, target)
    change = e.outputs - e.baseline_outputs
    drawn_error = 1e-2 if method == "expected_gradients" else 0
    np.testing.assert_allclose(e.attributions[:, feature], change, rtol=drawn_error, atol=1e-12 + drawn_error / 10)
    np.testing.assert_array_equal(np.delete(e.attributions, feature, axis=1), 0)
    assert ((np.abs(change) < 1e-2) | (np.abs(e.attributions[:, feature]) > 1e-3)).all()


@each_method
@given(_PARAMETERS, _EXAMPLES, _STARTS)
@drawn
def test_implementation_invariance(method, parameters, x, starts):
    """The same function in three spellings, of which one has its affine part elsewhere."""
    expected = _attributions(method, parameters, x, starts, _FIRST)
    for unit in (_OTHERWISE, _AGAIN):
        np.testing.assert_allclose(_attributions(method, parameters, x, starts, unit), expected, rtol=0, atol=1e-12)


@pytest.mark.long  # the spellings in one graph are above
@pytest.mark.parametrize("jit_compile", [False, True])
def test_spellings_that_are_hoisted_differently_in_graphs_of_their_own(jit_compile):
    generator = np.random.default_rng(0)
    x, w, b, v = (generator.normal(size=shape) for shape in ((3, 4), (4, 3), 3, 3))
    scale = generator.uniform(0.5, 2, 3)
    apart = lambda x: tf.add_n([x[:, i : i + 1] * w[i] for i in range(4)])  # noqa: E731
    spellings = [
        lambda x: tf.linalg.matvec(tf.tanh(x @ w + b), v),
        lambda x: tf.linalg.matvec(tf.tanh((x @ (w / scale) + b / scale) * scale), v),
        lambda x: tf.reduce_sum(tf.tanh(tf.nn.conv1d(x[:, None], w[None], 1, "VALID")[:, 0] + b) * v, 1),
        lambda x: tf.reduce_sum(v * (1.0 - 2.0 / (1.0 + tf.exp(2.0 * (apart(x) + b)))), 1),
    ]
    found = []
    for spelling in spellings:
        with dx.DeepExplain(spelling, jit_compile=jit_compile) as de:
            found.append(de.explain("integrated_gradients", x, baseline=0.5).attributions)
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=0, atol=1e-12)

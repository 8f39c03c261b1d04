"""DeepLIFT sums over random small graphs whose branches meet again, and the rewritten program has the plain values."""

import hypothesis
from hypothesis import strategies
import numpy as np
import pytest
import tensorflow as tf

from tests.checks import explain, plain_integral

_WIDTH = 6
_GENERATOR = np.random.default_rng(5)
_MATRIX, _OTHER = _GENERATOR.normal(size=(2, _WIDTH, _WIDTH)) / np.sqrt(_WIDTH)
_ROW = _GENERATOR.normal(size=_WIDTH)
_MASK = np.arange(_WIDTH) % 2 == 0


def _layer_norm(a):
    centred = a - tf.reduce_mean(a, 1, keepdims=True)
    return centred * tf.math.rsqrt(tf.reduce_mean(tf.square(centred), 1, keepdims=True) + 0.1)


def _attention(a, b):
    keys, values = tf.reshape(a, [-1, 3, 2]), tf.reshape(b, [-1, 3, 2])
    weights = tf.nn.softmax(tf.matmul(keys, values, transpose_b=True))
    return tf.reshape(tf.matmul(weights, values), [-1, _WIDTH])


def _max_pool(a):
    return tf.nn.max_pool1d(a[:, :, None], 3, 1, "SAME")[:, :, 0]


# Functions of one or two values `[batch, 6]`, none of which grows its values much.
_ONE = {
    "tanh": tf.tanh,
    "relu": tf.nn.relu,
    "sigmoid": tf.sigmoid,
    "gelu": lambda a: 0.5 * a * (1 + tf.math.erf(a / np.sqrt(2.0))),
    "softplus": tf.math.softplus,
    "elu": tf.nn.elu,
    "abs": tf.abs,
    "sin": tf.sin,
    "exp": lambda a: tf.exp(-tf.abs(a)),
    "log": lambda a: tf.math.log(1.0 + a * a),
    "sqrt": lambda a: tf.sqrt(1.0 + tf.square(a)),
    "clip": lambda a: tf.clip_by_value(a, -0.5, 1.0),
    "matmul": lambda a: tf.matmul(a, _MATRIX) + _ROW,
    "matmul_transposed": lambda a: tf.matmul(a, _OTHER, transpose_b=True),
    "softmax": lambda a: _WIDTH * tf.nn.softmax(a),
    "log_softmax": tf.nn.log_softmax,
    "layer_norm": _layer_norm,
    "mean": lambda a: a - tf.reduce_mean(a, 1, keepdims=True),
    "max": lambda a: a - tf.reduce_max(a, 1, keepdims=True),
    "min": lambda a: tf.broadcast_to(tf.reduce_min(a, 1, keepdims=True), tf.shape(a)),
    "max_pool": _max_pool,
    "cumsum": lambda a: tf.cumsum(a, 1) / _WIDTH,
    "sort": lambda a: tf.sort(a, 1),
    "reverse": lambda a: tf.reverse(a, [1]),
    "gather": lambda a: tf.gather(a, [5, 0, 0, 3, 1, 2], axis=1),
    "split": lambda a: tf.concat([2.0 * part for part in tf.split(a, 3, 1)][::-1], 1),
    "scale": lambda a: a * _ROW,
    "shift": lambda a: a - _ROW[None],
    "windows": lambda a: tf.reshape(tf.matmul(tf.reshape(a, [-1, 2]), _MATRIX[:2, :2]), [-1, _WIDTH]),
    "shape": lambda a: tf.reshape(a * 1.5, [tf.shape(a)[0], _WIDTH]),
    "stop_gradient": tf.stop_gradient,
}
_TWO = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - 0.5 * b,
    "multiply": lambda a, b: a * tf.tanh(b),
    "divide": lambda a, b: a / (1.0 + tf.square(b)),
    "maximum": tf.maximum,
    "minimum": tf.minimum,
    "squared_difference": lambda a, b: tf.tanh(tf.math.squared_difference(a, b)),
    "where": lambda a, b: tf.where(_MASK, a, b),
    "concat": lambda a, b: tf.concat([a[:, :2], b[:, 2:]], 1),
    "attention": _attention,
    "cosine": lambda a, b: a * tf.reduce_sum(a * b, 1, keepdims=True) / (1.0 + tf.reduce_sum(b * b, 1, keepdims=True)),
}
_LINEAR = ["matmul", "matmul_transposed", "mean", "cumsum", "reverse", "gather", "split", "scale", "shift", "add"]
_LINEAR += ["subtract", "where", "concat", "windows", "shape"]


def _steps(names, least, most):
    step = strategies.tuples(strategies.sampled_from(names), strategies.integers(0, 2), strategies.integers(0, 2))
    return strategies.lists(step, min_size=least, max_size=most)


_STEPS, _LINEAR_STEPS = _steps([*_ONE, *_TWO], 3, 8), _steps(_LINEAR, 1, 5)


def _values(steps, x):
    """All values of the graph; an operand is counted back from the newest value."""
    values = [x]
    for name, first, second in steps:
        a, b = (values[max(len(values) - 1 - back, 0)] for back in (first, second))
        values.append(_ONE[name](a) if name in _ONE else _TWO[name](a, b))
    return values


def _points(seed):
    """Pairs of points: at random, equal in some places and in all, tied, from zero, small, and large."""
    a, b = np.random.default_rng(seed).normal(size=(2, _WIDTH))
    zeros = np.zeros(_WIDTH)
    pairs = [(a, b), (a, zeros), (np.where(_MASK, a, b), b), (a, a), (np.round(a), np.round(b))]
    pairs += [(1e-9 * a, zeros), (30 * a, b), (30 * a, -30 * b)]
    return map(np.stack, zip(*pairs, strict=True))


def _check_random_graphs(steps, seed):
    def function(x):
        *_, before, last = _values(steps, x)
        return last + before

    x, x0 = _points(seed)
    weights = np.random.default_rng(seed + 1).normal(size=x.shape)
    e = explain(function, "deeplift", x, target=weights, baseline=x0, output="model")
    # Outputs, and attributions, which are products of the steps' slopes, are known to a rounding of the values that
    # they are made of, and of the numbers near 1 inside the steps, whose logarithm is small.
    largest = np.max([np.abs(value).max(1) for at in (x, x0) for value in _values(steps, tf.constant(at))], 0)
    for found, at in ((e.outputs, x), (e.baseline_outputs, x0)):
        plain = np.asarray(function(tf.constant(at)))
        scale = np.maximum(np.sum(np.abs(weights * plain), 1), largest)
        at_one = np.finfo(float).eps * np.sum(np.abs(weights), 1)
        assert (np.abs(found - np.sum(weights * plain, 1)) <= 1e-12 * scale + at_one).all()
    assert np.isfinite(e.attributions).all()
    allowed = 1e-9 * np.maximum(np.abs(e.outputs - e.baseline_outputs), largest)
    assert (np.abs(e.completeness_gap) <= allowed).all(), (steps, e.completeness_gap, allowed)


def _check_integrals_over_random_graphs(first, steps, seed):
    """Whatever is folded, or evaluated at the ends only: the attributions are those of a plain loop of gradients."""

    def function(x):
        *_, before, last = _values([*first, *steps], x)
        return last + before

    # Where numbers are tied, rounding alone would say which of them is the largest.
    x, x0 = (points[:3] for points in _points(seed))
    weights = np.random.default_rng(seed + 1).normal(size=x.shape)
    options = {"target": weights, "baseline": x0, "output": "model", "n_steps": 3}
    e = explain(function, "integrated_gradients", x, **options)
    (expected,) = plain_integral(lambda x: tf.reduce_sum(function(x) * weights, 1), [x], [x0], 3)
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-10 * max(np.abs(expected).max(), 1))


@hypothesis.settings(max_examples=5, derandomize=True, deadline=None, database=None)
@hypothesis.given(_STEPS, strategies.integers(0, 9))
def test_random_graphs(steps, seed):
    _check_random_graphs(steps, seed)


@pytest.mark.long
@hypothesis.settings(max_examples=40, derandomize=True, deadline=None, database=None)
@hypothesis.given(_STEPS, strategies.integers(0, 9))
def test_random_graphs_at_length(steps, seed):
    _check_random_graphs(steps, seed)


@hypothesis.settings(max_examples=3, derandomize=True, deadline=None, database=None)
@hypothesis.given(_LINEAR_STEPS, _STEPS, strategies.integers(0, 9))
def test_integrals_over_random_graphs(first, steps, seed):
    _check_integrals_over_random_graphs(first, steps, seed)


@pytest.mark.long
@hypothesis.settings(max_examples=25, derandomize=True, deadline=None, database=None)
@hypothesis.given(_LINEAR_STEPS, _STEPS, strategies.integers(0, 9))
def test_integrals_over_random_graphs_at_length(first, steps, seed):
    _check_integrals_over_random_graphs(first, steps, seed)

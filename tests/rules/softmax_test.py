"""Tests of `rules/softmax.py`."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests.checks import assert_sums, explain, multipliers, pairs_in_turn


def _numbers(seed, *shapes):
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape) * 2 for shape in shapes]


def _log_mean(a, b):
    """(a − b) / (log a − log b), in the wide numbers of the machine."""
    equal = a == b
    return np.where(equal, a, (a - b) / np.where(equal, 1, np.log(a) - np.log(b)))


def _expected(z, z0, upstream, log):
    z, z0 = (np.asarray(logits, np.longdouble) for logits in (z, z0))
    e, e0 = np.exp(z), np.exp(z0)
    total, total0 = e.sum(-1, keepdims=True), e0.sum(-1, keepdims=True)
    weights = _log_mean(e, e0) / _log_mean(total, total0)
    scaled = upstream if log else upstream * _log_mean(e / total, e0 / total0)
    return (scaled - weights * scaled.sum(-1, keepdims=True)).astype(np.float64)


_OPS = {"softmax": (tf.nn.softmax, False), "log_softmax": (tf.nn.log_softmax, True)}


@pytest.mark.parametrize("name", _OPS)
@pytest.mark.parametrize("scale", [0.1, 1.0, 20.0])
def test_closed_form(name, scale):
    function, log = _OPS[name]
    z, z0, upstream = _numbers(0, (3, 5), 5, (3, 5))
    (found,) = multipliers(function, [z * scale], [z0 * scale], upstream)
    expected = _expected(z * scale, z0 * scale, upstream, log)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("name", _OPS)
def test_equal_points_have_the_gradient(name):
    function, _ = _OPS[name]
    z, upstream = _numbers(1, 5, (1, 5))
    (found,) = multipliers(function, [z[None]], [z], upstream)
    tensor = tf.constant(z[None])
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        outputs = function(tensor)
    expected = tape.gradient(outputs, tensor, tf.constant(upstream))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", _OPS)
@pytest.mark.parametrize("distance", [0.0, 1e-300, 1e-15, 1e-9, 1e-6, 1e-3, 1.0])
def test_sums_at_any_distance(name, distance):
    z, z0 = _numbers(2, (2, 4), 4)
    assert_sums(
        lambda a, b: tf.concat([_OPS[name][0](a), b], 1),
        [z0 + distance * z, z],
        [z0, np.zeros(4)],
    )


@pytest.mark.parametrize("name", _OPS)
def test_some_logits_equal_and_others_not(name):
    z0 = np.array([0.5, -1.0, 2.0, 0.25])
    z = np.array([[0.5, 3.0, 2.0, 0.25], [0.5, -1.0, 2.0, 1.25]])
    assert_sums(_OPS[name][0], [z], [z0])


@pytest.mark.parametrize(("name", "dtype"), pairs_in_turn(itertools.product(_OPS, ["float32", "float64"]), 3))
@pytest.mark.parametrize(
    "ends",
    [
        ([80.0, -80.0, 0.0], [-80.0, 80.0, 1.0]),
        ([80.0, 79.0, -80.0], [0.0, 0.0, 0.0]),
        ([-1e9, 0.5, 0.25], [0.0, -1e9, 0.5]),
        ([-1e9, 3.0, 2.0], [-1e9, 0.0, 1.0]),
        ([-1e9 + 64, 3.0, 2.0], [-1e9, 0.0, 1.0]),
        ([800.0, -800.0, 0.0], [-900.0, 100.0, 0.0]),
        ([1e4, 1.0, 1.0], [1.0, 1.0, 1e4]),
        ([-3.4e38, 3.0, 2.0], [-3.4e38, 0.0, 1.0]),
    ],
    ids=[
        "opposite",
        "saturated",
        "masked at one",
        "masked at both",
        "masked with bias",
        "far",
        "very far",
        "lowest at both",
    ],
)
def test_logits_of_any_size(name, ends, dtype):
    z, z0 = (np.array(end, dtype) for end in ends)
    assert_sums(_OPS[name][0], [z[None]], [z0], rtol=1e-9 if dtype == "float64" else 1e-4)


def test_a_masked_logit_gets_nothing():
    z, z0 = np.array([[-1e9, 1.0, 2.0]]), np.array([-1e9 + 1, 0.0, 0.5])
    (found,) = multipliers(tf.nn.softmax, [z], [z0], np.array([[5.0, 1.0, 0.0]]))
    assert found[0, 0] == 0
    assert (found[0, 1:] != 0).all()


def test_infinite_mask_at_both_points():
    """-∞ is no number to explain, but a mask inside the model may be made of it."""
    mask = np.array([0.0, -np.inf, 0.0])
    x, x0 = _numbers(3, (2, 3), 3)
    e = explain(lambda x: tf.nn.softmax(x + tf.constant(mask)) * 2.0, "deeplift", x, target=0, baseline=x0)
    assert np.isfinite(e.attributions).all()
    np.testing.assert_allclose(e.attributions.sum(1), e.outputs - e.baseline_outputs, rtol=1e-12)
    np.testing.assert_array_equal(e.attributions[:, 1], 0)


@pytest.mark.parametrize("name", _OPS)
def test_rows_inside_an_example(name):
    z, z0 = _numbers(4, (2, 3, 4), (3, 4))
    z[0, 1] = z0[1]
    assert_sums(lambda z: tf.reshape(_OPS[name][0](z), [-1, 12]), [z], [z0])


def test_axis_in_the_middle():
    z, z0 = _numbers(5, (2, 3, 4), (3, 4))
    assert_sums(lambda z: tf.nn.softmax(z, axis=1)[:, :, 0], [z], [z0])


def test_logsumexp_and_softmax_by_hand():
    """Spelled in other ops the softmax is complete too, as long as its sums do not underflow."""
    z, z0 = _numbers(6, (2, 4), 4)
    assert_sums(lambda z: tf.reduce_logsumexp(z, 1, keepdims=True), [z], [z0])
    assert_sums(lambda z: tf.exp(z) / tf.reduce_sum(tf.exp(z), 1, keepdims=True), [z], [z0])


def test_one_baseline_is_the_same_as_one_for_each_example():
    z, z0 = _numbers(7, (3, 4), 4)

    def model(z):
        return tf.nn.softmax(z) * tf.nn.log_softmax(z)

    shared = explain(model, "deeplift", z, target=1, baseline=z0)
    each = explain(model, "deeplift", z, target=1, baseline=np.broadcast_to(z0, z.shape))
    np.testing.assert_allclose(shared.attributions, each.attributions, rtol=1e-14)

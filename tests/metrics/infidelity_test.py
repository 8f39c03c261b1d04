"""Tests of `metrics/infidelity.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.metrics import infidelity

W = np.array([1.0, -2.0, 0.5])
X = np.random.default_rng(0).normal(size=(4, 3))
GRADIENT = np.tile(W, (4, 1))


def linear(x):
    return tf.linalg.matvec(x, W) + 0.3


def square(x):
    return tf.reduce_sum(x**2, 1)


def test_the_gradient_of_a_linear_model_predicts_everything():
    np.testing.assert_allclose(infidelity(linear, X, GRADIENT, seed=0).per_example, 0, atol=1e-28)


def test_expectation_of_a_wrong_gradient():
    """Of w + d on a linear model: E (I·d)² = σ²‖d‖²."""
    found = infidelity(linear, X[:1], GRADIENT[:1] + np.array([0.0, 3.0, 4.0]), noise=0.2, n_samples=20_000, seed=0)
    assert found.mean == pytest.approx(0.04 * 25, rel=0.04)


def test_a_known_score():
    """With x = 1 and I = 0.5: f(x) − f(x − I) = 1 − 0.25, of which a gradient of 2 foretells 1."""
    found = infidelity(square, np.ones((1, 1)), np.full((1, 1), 2.0), perturb=lambda x, _: (0.5 + 0 * x, x - 0.5))
    np.testing.assert_allclose(found.per_example, [0.0625])


def test_equals_its_definition():
    def perturb(x, generator):
        step = generator.integers(0, 2, size=x.shape) * 1.5
        return step, x - step

    found = infidelity(square, X, X, perturb=perturb, n_samples=7, seed=4)
    generator, errors = np.random.default_rng(4), []
    for _ in range(7):
        step, point = perturb(X, generator)
        errors.append(((step * X).sum(1) - ((X**2).sum(1) - (point**2).sum(1))) ** 2)
    np.testing.assert_allclose(found.per_example, np.mean(errors, 0), rtol=1e-12)


def test_normalised_the_scale_of_attributions_does_not_matter():
    found = {
        scale: infidelity(square, X, X * scale, normalise=True, n_samples=9, seed=0).per_example
        for scale in (2.0, -31.0)
    }
    np.testing.assert_allclose(found[2.0], found[-31.0], rtol=1e-9)
    assert (found[2.0] <= infidelity(square, X, X * 2, n_samples=9, seed=0).per_example + 1e-12).all()
    assert (found[2.0] > 0).all()
    nothing = infidelity(square, X, {"no": 0 * X, "none": 0 * X}, normalise=True, n_samples=9, seed=0)
    np.testing.assert_array_equal(nothing["no"].per_example, nothing["none"].per_example)


def test_blocks_of_samples_change_no_number():
    """Which there are, with more than 512 perturbed examples."""
    many = infidelity(square, np.tile(X, (100, 1)), np.tile(X, (100, 1)), n_samples=3, seed=0).per_example
    generator = np.random.default_rng(0)
    noise = -np.stack([generator.normal(0, 0.1, (400, 3)) for _ in range(3)])
    x = np.tile(X, (100, 1))
    expected = (((noise * x).sum(2) - ((x**2).sum(1) - ((x - noise) ** 2).sum(2))) ** 2).mean(0)
    np.testing.assert_allclose(many, expected, rtol=1e-6)


def test_of_removal():
    """Contributions to a linear model foretell every removal; others are off by the square of what they miss."""
    start = np.array([0.5, 0.0, -1.0])
    parts = (X - start) * W
    several = {"right": parts, "wrong": parts + np.array([2.0, 0, 0])}
    found = infidelity(linear, X, several, perturb="removal", baseline=start)
    np.testing.assert_allclose(found["right"].per_example, 0, atol=1e-28)
    assert np.ptp(found["wrong"].per_example) < 1e-12  # the same features are removed from every example
    share = found["wrong"].per_example[0] / 4  # of the samples that remove the first feature
    assert 0.2 < share < 0.8
    assert share * 100 == pytest.approx(round(share * 100))


def test_of_removing_groups():
    one = infidelity(square, X, {"r": X**2}, perturb="removal", groups=np.array([0, 0, 1]), n_samples=8, seed=3)["r"]
    np.testing.assert_allclose(one.per_example, 0, atol=1e-24)  # it is additive
    found = infidelity(
        lambda x: x[:, 0] * x[:, 1], X, 0 * X, perturb="removal", groups=np.array([0, 0, 1]), n_samples=64, seed=3
    )
    removed = (np.random.default_rng(3).random((64, 2)) < 0.5)[:, 0].mean()
    np.testing.assert_allclose(found.per_example, removed * (X[:, 0] * X[:, 1]) ** 2)


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, bool])
def test_inputs_that_are_no_floats_stay(dtype):
    tokens = np.array([[1, 0], [3, 4]]).astype(dtype)

    def fn(inputs):
        return tf.reduce_sum(inputs[0], 1) + tf.reduce_sum(tf.cast(inputs[1], tf.float64), 1)

    found = infidelity(fn, [X[:2], tokens], [np.ones((2, 3)), np.ones((2, 2))], seed=0)
    np.testing.assert_allclose(found.per_example, 0, atol=1e-25)

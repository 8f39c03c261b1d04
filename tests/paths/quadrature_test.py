"""Tests of `quadrature.py`: the rules on known integrals."""

import tracemalloc

import numpy as np
import pytest

from deepexplain_tf.paths.quadrature import QUADRATURES, gauss_logarithm

_INTEGRALS = {
    "exp": (np.exp, np.e - 1),
    "sin": (lambda a: np.sin(5 * a), (1 - np.cos(5)) / 5),
    "runge": (lambda a: 1 / (1 + 25 * a**2), np.arctan(5) / 5),
}
_ORDERS = {"midpoint": 2, "trapezoid": 2, "left": 1, "right": 1}


def _integrate(name, n_steps, function):
    nodes, weights = QUADRATURES[name](n_steps)
    return weights @ function(nodes)


@pytest.mark.parametrize("n_steps", [1, 2, 3, 7, 64, 301])
@pytest.mark.parametrize("name", QUADRATURES)
def test_weights_add_up_to_the_length_of_the_path(name, n_steps):
    nodes, weights = QUADRATURES[name](n_steps)
    assert nodes.shape == weights.shape == (n_steps,)
    assert nodes.dtype == weights.dtype == np.float64
    assert (nodes >= 0).all() and (nodes <= 1).all() and (np.diff(nodes) > 0).all()
    assert (weights > 0).all()
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-13)


@pytest.mark.parametrize("n_steps", [1, 2, 5, 64, 301])
def test_gauss_legendre_has_the_nodes_of_numpy(n_steps):
    nodes, weights = QUADRATURES["gauss_legendre"](n_steps)
    expected_nodes, expected_weights = np.polynomial.legendre.leggauss(n_steps)
    np.testing.assert_allclose(nodes, (expected_nodes + 1) / 2, rtol=0, atol=1e-15)
    np.testing.assert_allclose(weights, expected_weights / 2, rtol=1e-9)


def test_gauss_legendre_of_many_steps_needs_no_matrix():
    # Beside the arrays of one node each, an n × n matrix would be 200 MB.
    tracemalloc.start()
    found = _integrate("gauss_legendre", 5_000, lambda a: a**50)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_allclose(found, 1 / 51, rtol=1e-13)
    assert peak < 5e6


@pytest.mark.parametrize("n_steps", [1, 2, 3, 5, 8, 13])
def test_gauss_legendre_is_exact_on_polynomials_of_degree_two_n_minus_one(n_steps):
    for degree in range(2 * n_steps):
        found = _integrate("gauss_legendre", n_steps, lambda a, d=degree: a**d)
        np.testing.assert_allclose(found, 1 / (degree + 1), rtol=1e-12)
    beyond = _integrate("gauss_legendre", n_steps, lambda a: (2 * a - 1) ** (2 * n_steps))
    assert abs(beyond - 1 / (2 * n_steps + 1)) > 1e-10


@pytest.mark.parametrize(("name", "degree"), [("midpoint", 1), ("trapezoid", 1), ("left", 0), ("right", 0)])
def test_equidistant_rules_are_exact_up_to_their_degree(name, degree):
    for power in range(degree + 1):
        np.testing.assert_allclose(_integrate(name, 5, lambda a, p=power: a**p), 1 / (power + 1), rtol=1e-14)
    assert abs(_integrate(name, 5, lambda a: a ** (degree + 1)) - 1 / (degree + 2)) > 1e-4


def test_nodes_by_hand():
    quarters = {
        "midpoint": ([0.125, 0.375, 0.625, 0.875], [0.25] * 4),
        "left": ([0, 0.25, 0.5, 0.75], [0.25] * 4),
        "right": ([0.25, 0.5, 0.75, 1], [0.25] * 4),
        "trapezoid": ([0, 1 / 3, 2 / 3, 1], [1 / 6, 1 / 3, 1 / 3, 1 / 6]),
    }
    for name, (nodes, weights) in quarters.items():
        found = QUADRATURES[name](4)
        np.testing.assert_allclose(found[0], nodes, atol=1e-15)
        np.testing.assert_allclose(found[1], weights, atol=1e-15)
    np.testing.assert_allclose(QUADRATURES["gauss_legendre"](2)[0], 0.5 + np.array([-1, 1]) / np.sqrt(12), rtol=1e-14)
    np.testing.assert_array_equal(QUADRATURES["trapezoid"](1), [[0.5], [1.0]])


@pytest.mark.parametrize("integral", _INTEGRALS)
def test_gauss_legendre_converges_beyond_any_order(integral):
    function, exact = _INTEGRALS[integral]
    np.testing.assert_allclose(_integrate("gauss_legendre", 64, function), exact, rtol=1e-12)


@pytest.mark.parametrize("integral", _INTEGRALS)
@pytest.mark.parametrize("name", _ORDERS)
def test_equidistant_rules_converge_at_their_order(name, integral):
    function, exact = _INTEGRALS[integral]
    intervals = np.array([64, 128, 256])
    steps = intervals + 1 if name == "trapezoid" else intervals
    errors = np.abs([_integrate(name, n, function) - exact for n in steps])
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), _ORDERS[name], atol=0.05)


@pytest.mark.parametrize("n_steps", [1, 2, 8, 64, 300])
def test_gauss_logarithm_has_the_moments_of_a_product_of_two_uniform_numbers(n_steps: int):
    nodes, weights = gauss_logarithm(n_steps)
    assert ((nodes > 0) & (nodes < 1)).all() and (weights > 0).all()
    for power in {0, 1, 2, 3, n_steps, 2 * n_steps - 1} & set(range(2 * n_steps)):
        np.testing.assert_allclose(np.sum(weights * nodes**power), 1 / (power + 1) ** 2, rtol=1e-12)


def test_gauss_logarithm_of_two_nodes_is_that_of_the_tables():
    nodes, weights = gauss_logarithm(2)
    np.testing.assert_allclose(nodes, [0.112008806166976, 0.602276908118738], rtol=1e-13)
    np.testing.assert_allclose(weights, [0.718539319030385, 0.281460680969615], rtol=1e-13)

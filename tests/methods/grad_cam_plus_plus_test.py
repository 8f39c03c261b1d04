"""Tests of `methods/grad_cam_plus_plus.py`."""

import itertools

import numpy as np
import pytest

from tests.checks import pairs_in_turn
from tests.methods.maps import FIRST, SECOND, TOLERANCES, assert_map, ends, found_by_hand


@pytest.mark.parametrize(("at", "dtype"), pairs_in_turn(itertools.product(["last", "first"], TOLERANCES), 3))
def test_the_formula_in_numpy(dtype: str, at: str):
    activations, gradient = ends(dtype, at)
    square = gradient**2
    below = 2 * square + activations.sum((1, 2), keepdims=True) * gradient**3
    alpha = np.divide(square, below, out=np.zeros_like(square), where=below != 0)
    weights = (alpha * np.maximum(gradient, 0)).sum((1, 2), keepdims=True)
    assert_map("grad_cam_plus_plus", np.maximum((weights * activations).sum(-1), 0), dtype, at)


def test_two_channels_by_hand():
    """Both channels add up to 10: α is 1/12 where the slope is 1, 1/22 where it is 2, and 0 where it is 0."""
    expected = 2 * FIRST / 12 + 2 * SECOND / 22
    np.testing.assert_allclose(found_by_hand("grad_cam_plus_plus"), expected, rtol=1e-14)

"""Tests of `methods/grad_cam.py`."""

import itertools

import numpy as np
import pytest

from tests.checks import pairs_in_turn
from tests.methods.maps import FIRST, TOLERANCES, assert_map, ends, found_by_hand


@pytest.mark.parametrize(("at", "dtype"), pairs_in_turn(itertools.product(["last", "first"], TOLERANCES), 3))
def test_the_formula_in_numpy(dtype: str, at: str):
    activations, gradient = ends(dtype, at)
    weights = gradient.mean((1, 2), keepdims=True)
    assert_map("grad_cam", np.maximum((weights * activations).sum(-1), 0), dtype, at)


def test_two_channels_by_hand():
    np.testing.assert_allclose(found_by_hand("grad_cam"), FIRST / 2, rtol=1e-14)  # the weights are 1/2 and 0

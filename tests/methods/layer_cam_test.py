"""Tests of `methods/layer_cam.py`."""

import itertools

import numpy as np
import pytest

from tests.checks import pairs_in_turn
from tests.methods.maps import TOLERANCES, assert_map, ends, found_by_hand


@pytest.mark.parametrize(("at", "dtype"), pairs_in_turn(itertools.product(["last", "first"], TOLERANCES), 3))
def test_the_formula_in_numpy(dtype: str, at: str):
    activations, gradient = ends(dtype, at)
    assert_map("layer_cam", np.maximum((np.maximum(gradient, 0) * activations).sum(-1), 0), dtype, at)


def test_two_channels_by_hand():
    np.testing.assert_allclose(found_by_hand("layer_cam"), [[1, 6], [0, 4]], rtol=1e-14)

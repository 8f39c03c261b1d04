"""Tests of `methods/hires_cam.py`."""

import itertools

import numpy as np
import pytest

from tests.checks import pairs_in_turn
from tests.methods.maps import TOLERANCES, assert_map, ends, found_by_hand


@pytest.mark.parametrize(("at", "dtype"), pairs_in_turn(itertools.product(["last", "first"], TOLERANCES), 3))
def test_the_formula_in_numpy(dtype: str, at: str):
    activations, gradient = ends(dtype, at)
    assert_map("hires_cam", np.maximum((gradient * activations).sum(-1), 0), dtype, at)


def test_two_channels_by_hand():
    np.testing.assert_allclose(found_by_hand("hires_cam"), [[1, 6], [0, 2]], rtol=1e-14)

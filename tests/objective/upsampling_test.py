"""Tests of `objective/upsampling.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.objective.upsampling import stretched
from tests.methods.maps import upsampled

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("shape", "sizes"), [((3, 4), (9, 8)), ((1, 5), (7, 5)), ((8, 9), (3, 2)), ((2, 2), (224, 7))])
def test_pictures_are_resized_as_by_tensorflow(shape: tuple[int, int], sizes: tuple[int, int]):
    maps = RNG.normal(size=(2, *shape)).astype(np.float32)
    expected = tf.image.resize(maps[..., np.newaxis], sizes)[..., 0]
    np.testing.assert_allclose(stretched(tf.constant(maps), sizes), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("shape", "sizes"), [((3,), (8,)), ((3, 4), (6, 6)), ((2, 3, 4), (5, 3, 9))])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_any_number_of_axes(shape: tuple[int, ...], sizes: tuple[int, ...], jit_compile: bool):
    maps = RNG.normal(size=(2, *shape))
    found = tf.function(lambda maps: stretched(maps, sizes), jit_compile=jit_compile)(tf.constant(maps))
    np.testing.assert_allclose(found, upsampled(maps, sizes), rtol=1e-13, atol=1e-14)

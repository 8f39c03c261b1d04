"""Tests of `masking/grids.py`."""

import numpy as np
import pytest
import skimage.transform
import tensorflow as tf

from deepexplain_tf.masking.grids import Grids, random_grids


def _masks(shape, cells, n_masks=5, seed=0, *, index=None, jit_compile=False):
    """Returns masks, and the random numbers that they are made of."""
    data = random_grids(shape, cells, n_masks, 0.5, np.random.default_rng(seed))

    @tf.function(autograph=False, jit_compile=jit_compile)
    def graph(index):
        lengths = tf.unstack(tf.constant(shape)) if shape else []
        return Grids(data["kept"], data["shifts"], tf.constant(data["scales"]), lengths, tf.float64).masks(index)

    return graph(tf.range(n_masks) if index is None else tf.constant(index)).numpy(), data


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
    ("shape", "cells"),
    [((20, 17, 3), (7, 7, 1)), ((20, 17), (4, 3)), ((30, 2), (7, 1)), ((9, 8, 10, 2), (3, 2, 4, 1)), ((10,), (9,))],
    ids=str,
)
def test_masks_are_those_of_a_resized_grid(shape, cells, jit_compile):
    """As the authors make them, by scikit-image; but beyond the centre of an outermost cell the mask is that cell's."""
    found, data = _masks(shape, cells, jit_compile=jit_compile)
    sizes = [1 if count == 1 else -(-length // count) for count, length in zip(cells, shape, strict=True)]
    for mask, kept, shift in zip(found, data["kept"], data["shifts"], strict=True):
        large = [1 if count == 1 else (count + 1) * size for count, size in zip(cells, sizes, strict=True)]
        resized = skimage.transform.resize(kept.astype(float), large, order=1, mode="edge", anti_aliasing=False)
        taken = [slice(s, s + length) for s, length, count in zip(shift, shape, cells, strict=True)]
        whole = tuple(slice(None) if count == 1 else part for part, count in zip(taken, cells, strict=True))
        np.testing.assert_allclose(mask, resized[whole], rtol=0, atol=1e-12)
    assert (data["shifts"].max(0) < np.maximum(sizes, 1)).all()


def test_every_shift_is_drawn():
    _, data = _masks((20,), (5,), n_masks=200)
    np.testing.assert_array_equal(np.unique(data["shifts"]), np.arange(4))


@pytest.mark.parametrize("shape", [(6,), (4, 5), ()], ids=str)
def test_a_cell_for_each_position_is_kept_or_not(shape):
    found, data = _masks(shape, shape)
    np.testing.assert_array_equal(found, data["kept"])


def test_rows_are_taken_by_number():
    whole, _ = _masks((20, 17), (4, 3))
    rows, _ = _masks((20, 17), (4, 3), index=[3, 0, 3])
    np.testing.assert_array_equal(rows, whole[[3, 0, 3]])


def test_masks_keep_the_probability_on_average():
    found, _ = _masks((12, 12), (3, 3), n_masks=4000)
    np.testing.assert_allclose(found.mean(0), 0.5, atol=0.05)
    assert found.min() == 0 and found.max() == 1

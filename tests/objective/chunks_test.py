"""Tests of `chunks.py`."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.objective.chunks import MAX_CHUNK_SIZE, Chunks, size_for
from tests.checks import pairs_in_turn


def _run(total, size, pad, jit_compile=False):
    """Returns the numbers that were run, those that counted, and the sizes of the chunks."""

    @tf.function(jit_compile=jit_compile, autograph=False)
    def graph(total):
        def body(numbers, valid, state):
            counts, padding, turns = state
            place = tf.where(valid, numbers, tf.constant(99))
            return [
                tf.tensor_scatter_nd_add(counts, place[:, None], tf.ones_like(place)),
                tf.maximum(padding, tf.reduce_max(tf.where(valid, 0, numbers))),
                tf.tensor_scatter_nd_add(turns, [[numbers[0]]], [tf.size(numbers)]),
            ]

        state = [tf.zeros([100], tf.int32), tf.constant(0), tf.zeros([100], tf.int32)]
        return Chunks(size, pad, small_size=size).run(total, state, body)

    counts, padding, turns = (tensor.numpy() for tensor in graph(tf.constant(total)))
    return counts, padding, turns[turns > 0]


@pytest.mark.parametrize("total", [1, 6, 7, 8, 50])
@pytest.mark.parametrize(("pad", "size"), pairs_in_turn(itertools.product([False, True], [1, 3, 7, 100]), 3))
def test_each_number_counts_once(total, size, pad):
    counts, padding, sizes = _run(total, size, pad)
    np.testing.assert_array_equal(counts[:total], 1)
    assert counts[total:99].sum() == 0
    assert padding < total  # padding repeats an evaluation
    assert len(sizes) == -(-total // size)
    if pad:
        np.testing.assert_array_equal(sizes, size)
        assert counts[99] == len(sizes) * size - total
    else:
        assert counts[99] == 0 and sizes.sum() == total


@pytest.mark.parametrize(("total", "size"), [(9, 8), (17, 8), (50, 20)])
def test_no_small_chunk_is_left_over(total, size):
    _, _, sizes = _run(total, size, pad=False)
    assert sizes.max() <= size and sizes.max() - sizes.min() < len(sizes)


def test_nothing_is_run_for_nothing():
    counts, _, sizes = _run(0, 5, pad=False)
    assert counts.sum() == 0 and sizes.size == 0


def test_a_compiler_takes_padded_chunks():
    counts, padding, _ = _run(11, 4, pad=True, jit_compile=True)
    np.testing.assert_array_equal(counts[:11], 1)
    assert (counts[99], padding) == (1, 10)


def test_a_chunk_has_as_many_as_their_activations_allow():
    assert size_for(0) == size_for(1) == size_for(2**18) == MAX_CHUNK_SIZE
    assert [size_for(2**20), size_for(2**22), size_for(2**40)] == [256, 64, 10]
    assert [size_for(1_690_112), size_for(1_600_000)] == [181, 181]
    assert [size_for(2**22, True), size_for(2**26, True)] == [512, 32]

"""Tests of `objective/laws.py`: draws by number, against the distributions that they are of."""

from typing import Any

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from deepexplain_tf.objective.laws import Law, all_integers, integers, normal, truncated_normal, uniform

_KEY = tf.constant(2**63 + 12345, tf.uint64)
_OF_FLOATS = {
    uniform: scipy.stats.uniform(),
    normal: scipy.stats.norm(),
    truncated_normal: scipy.stats.truncnorm(-2, 2),
}


def _drawn(law: Law, dtype: tf.DType, shape: tuple[int, ...], *bounds: int, key: Any = _KEY, **how: bool) -> np.ndarray:
    """Returns the draws numbered 0, 1 and 2."""
    ends = [tf.constant(bound, dtype) for bound in bounds]
    sizes = tf.constant(shape, tf.int32)

    def graph(number: tf.Tensor) -> tf.Tensor:
        return law(key, number, sizes, dtype, *ends)

    function = tf.function(graph, autograph=False, **how)
    return np.stack([np.asarray(function(tf.constant(number))) for number in range(3)])


@pytest.mark.parametrize("law", _OF_FLOATS)
def test_floats_are_of_their_distribution(law: Law):
    values = _drawn(law, tf.float64, (100, 100))
    assert scipy.stats.kstest(values.ravel(), _OF_FLOATS[law].cdf).pvalue > 0.01
    few = np.corrcoef(values.reshape(3, -1))[np.triu_indices(3, 1)]
    assert np.abs(few).max() < 4 / np.sqrt(10_000)
    other = _drawn(law, tf.float64, (100, 100), key=_KEY + 1)
    assert abs(np.corrcoef(values.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(30_000)


@pytest.mark.parametrize("dtype", [tf.float16, pytest.param(tf.bfloat16, marks=pytest.mark.long), tf.float32])  # alike
@pytest.mark.parametrize("law", _OF_FLOATS)
def test_narrow_floats_are_those_of_float64(law: Law, dtype: tf.DType):
    found = _drawn(law, dtype, (5, 100)).astype(np.float64)
    unit = float(np.asarray(dtype.as_numpy_dtype(1) / dtype.as_numpy_dtype(2 ** (7 if dtype == tf.bfloat16 else 10))))
    unit = 2.0**-22 if dtype == tf.float32 else unit
    np.testing.assert_allclose(found, _drawn(law, tf.float64, (5, 100)), rtol=0, atol=4 * unit)
    assert law is not uniform or (found.min() >= 0 and found.max() < 1)


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64, tf.uint32, tf.uint64])
def test_whole_numbers_are_all_as_likely(dtype: tf.DType):
    start = -3 if dtype.min < 0 else 5
    values, counts = np.unique(_drawn(integers, dtype, (70, 100), start, start + 7), return_counts=True)
    assert values.tolist() == list(range(start, start + 7))
    assert scipy.stats.chisquare(counts).pvalue > 0.01
    full = _drawn(all_integers, dtype, (70, 100)).astype(np.float64)
    share = (full - float(dtype.min)) / (float(dtype.max) - float(dtype.min))
    assert scipy.stats.kstest(share.ravel(), "uniform").pvalue > 0.01


@pytest.mark.parametrize(
    ("law", "dtype", "bounds"),
    [
        *((law, tf.float64, ()) for law in _OF_FLOATS),
        (integers, tf.int64, (-3, 2**40)),
        (all_integers, tf.uint32, ()),
    ],
)
def test_xla_draws_the_same(law: Law, dtype: tf.DType, bounds: tuple[int, ...]):
    found = _drawn(law, dtype, (3, 7), *bounds, jit_compile=True)
    np.testing.assert_allclose(found, _drawn(law, dtype, (3, 7), *bounds), rtol=0, atol=1e-14)


@pytest.mark.parametrize("shape", [(), (3,), (0, 4)])
@pytest.mark.parametrize("law", [*_OF_FLOATS, all_integers])
def test_any_shape_is_drawn(law: Law, shape: tuple[int, ...]):
    values = _drawn(law, tf.int32 if law is all_integers else tf.float32, shape)
    assert values.shape == (3, *shape)
    assert len(np.unique(values)) == values.size

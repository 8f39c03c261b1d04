"""The derivative of the gradient of MaxPool, with XLA and without."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.graph.emit import emit
from tests.checks import program_of

GENERATOR = np.random.default_rng(0)
X = np.maximum(GENERATOR.normal(size=(2, 7, 6, 3)), 0)  # with ties at 0
OTHER = GENERATOR.normal(size=X.shape)


def at_largest(size, step, padding):
    """`OTHER` where X is largest in its window, by a loop over the windows."""
    pads = [(0, 0)] * 4
    if padding == "SAME":
        counts = [-(-n // step) for n in X.shape[1:3]]
        missing = [max((count - 1) * step + size - n, 0) for count, n in zip(counts, X.shape[1:3], strict=True)]
        pads[1:3] = [(n // 2, n - n // 2) for n in missing]
    elif padding != "VALID":
        pads = padding
    x, other = np.pad(X, pads, constant_values=-np.inf), np.pad(OTHER, pads)
    rows, columns = ((n - size) // step + 1 for n in x.shape[1:3])
    found = np.empty((2, rows, columns, 3))
    for row, column in np.ndindex(rows, columns):
        window = (slice(None), *(slice(at * step, at * step + size) for at in (row, column)))
        values, others = (array[window].reshape(2, -1, 3) for array in (x, other))
        found[:, row, column] = np.take_along_axis(others, values.argmax(1)[:, None], 1)[:, 0]
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("size", "step", "padding", "jit_compile"),
    [
        *((*form, jit) for form in ((2, 2, "VALID"), (3, 2, "SAME"), (2, 3, "SAME")) for jit in (False, True)),
        (3, 1, [[0, 0], [1, 0], [0, 2], [0, 0]], False),  # XLA pools with no such padding
    ],
)
def test_it_takes_the_numbers_at_the_largest(size, step, padding, jit_compile, dtype):
    program = program_of(lambda x: tf.nn.max_pool2d(x, size, step, padding), X.astype(dtype))

    @tf.function(autograph=False, jit_compile=jit_compile)
    def moved(x, direction):
        (pooled,) = emit(program, {program.inputs[0]: x})
        upstream = tf.zeros_like(pooled)
        return tf.gradients(tf.gradients(pooled, x, upstream), upstream, direction)[0]

    found = moved(tf.constant(X, dtype), tf.constant(OTHER, dtype))
    np.testing.assert_array_equal(found, at_largest(size, step, padding).astype(dtype))

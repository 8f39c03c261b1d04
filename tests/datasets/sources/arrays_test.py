import numpy as np
import pandas as pd
import pytest

from deepexplain_tf.datasets.rows import Shapes
from deepexplain_tf.datasets.sources import open_source
from deepexplain_tf.errors import InputError
from tests.checks import message_of

_X = np.arange(20.0).reshape(10, 2)


def _read(given, first=0, size=4):
    name, source = open_source(given, None, {})
    assert name == "arrays"
    return source, list(source.batches(first, size, Shapes(None)))


@pytest.mark.parametrize("first", [0, 4, 8, 12])
def test_rows_from_any_batch_on(first):
    source, batches = _read({"x": _X, "y": _X[:, 0]}, first)
    assert source.count == 10
    assert [batch.first for batch in batches] == list(range(first, 10, 4))
    for batch in batches:
        np.testing.assert_array_equal(batch.inputs["x"], _X[batch.first : batch.first + 4])
        np.testing.assert_array_equal(batch.inputs["y"], _X[batch.first : batch.first + 4, 0])


def test_tables():
    _, batches = _read(pd.DataFrame(_X, columns=["a", "b"]))
    np.testing.assert_array_equal(np.concatenate([batch.inputs for batch in batches]), _X)


def test_batches_do_not_share_memory_with_the_users_array():
    x = _X.copy()
    _, (batch, *_) = _read(x)
    x[:] = 0
    np.testing.assert_array_equal(batch.inputs, _X[:4])


def test_identities_differ():
    identity = lambda given: open_source(given, None, {})[1].identity()  # noqa: E731
    assert identity(_X) == identity(_X.copy())
    for other in (_X.astype(np.float32), _X[:9], _X + 1e-9, _X.reshape(10, 2, 1)):
        assert identity(other) != identity(_X)


def test_different_numbers_of_rows():
    message_of(lambda: open_source([_X, _X[:3]], None, {}), InputError, "one number of rows", "10", "3")

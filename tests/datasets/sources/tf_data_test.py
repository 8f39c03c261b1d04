import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.datasets.rows import Shapes
from deepexplain_tf.datasets.sources import open_source
from deepexplain_tf.errors import InputError
from tests.checks import message_of

_X = np.arange(40, dtype=np.float32).reshape(20, 2)
_Y = np.arange(20)
_SPEC = tf.TensorSpec([None, 2], tf.float32)
_DATA = tf.data.Dataset.from_tensor_slices(_X)
_LABELLED = tf.data.Dataset.from_tensor_slices((_X, _Y))


@pytest.mark.parametrize("first", [0, 6, 18])
@pytest.mark.parametrize("specs", [_SPEC, None])
@pytest.mark.parametrize(
    "data", [_DATA.batch(7), _DATA.batch(6), _LABELLED.batch(3), _LABELLED.map(lambda x, y: (x, y, y)).batch(4)]
)
def test_batches_of_any_size(data, specs, first):
    _check(data, specs, first)


@pytest.mark.parametrize("first", [0, 6, 18])
@pytest.mark.parametrize("data", [_DATA, _LABELLED])
def test_examples(data, first):
    _check(data, _SPEC, first)


def _check(data, specs, first):
    name, source = open_source(data, specs, {})
    assert name == "tf_data"
    assert source.count in (20, None)  # unbatching loses it
    batches = list(source.batches(first, 6, Shapes(None)))
    assert [(batch.first, batch.count) for batch in batches] == [(s, min(6, 20 - s)) for s in range(first, 20, 6)]
    np.testing.assert_array_equal(np.concatenate([batch.inputs for batch in batches]), _X[first:])


def test_several_inputs():
    specs = {"a": _SPEC, "b": tf.TensorSpec([None], tf.int64)}
    data = tf.data.Dataset.from_tensor_slices(({"a": _X, "b": _Y}, _Y)).batch(8)
    (batch,) = open_source(data, specs, {})[1].batches(0, 32, Shapes(None))
    np.testing.assert_array_equal(batch.inputs["a"], _X)
    np.testing.assert_array_equal(batch.inputs["b"], _Y)


def test_examples_of_other_shapes_are_bad():
    lengths = [3, 3, 2, 3]
    data = tf.data.Dataset.from_generator(
        lambda: (np.full(length, length, np.float32) for length in lengths), output_signature=tf.TensorSpec([None])
    )
    (batch,) = open_source(data, tf.TensorSpec([None, 3]), {})[1].batches(0, 8, Shapes([[3]]))
    assert batch.count == 4 and list(batch.bad) == [2]


def test_identities_differ():
    identity = lambda data: open_source(data, _SPEC, {})[1].identity()  # noqa: E731
    assert identity(_DATA.batch(3)) == identity(_DATA.batch(4))
    assert identity(_DATA) != identity(_DATA.map(lambda x: x + 1))
    shuffled = _DATA.shuffle(20, seed=1)
    assert identity(shuffled) != identity(shuffled)  # which therefore cannot be resumed


def test_refused_data_sets():
    message_of(lambda: open_source(_DATA.repeat(), _SPEC, {}), InputError, "take(n)")
    ragged = tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[1.0], [1.0, 2.0]]))
    message_of(lambda: open_source(ragged, _SPEC, {}), InputError, "dense", "Ragged")


def test_a_data_set_that_fails_on_the_way():
    data = _DATA.map(lambda x: tf.debugging.check_numerics(x / (x - 24), "too bad"))
    read = lambda: list(open_source(data, _SPEC, {})[1].batches(0, 4, Shapes(None)))  # noqa: E731
    message_of(read, InputError, "after row 12", "too bad")

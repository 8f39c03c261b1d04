"""Tests of `objective/redraw.py`: which random ops draw by number, what they draw, and what is left as it is."""

from collections.abc import Callable
import inspect
from typing import Any

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import UnsupportedOpError
from deepexplain_tf.graph.draws import DRAWN, SEEDED, find_draw
from deepexplain_tf.graph.emit import emit
from deepexplain_tf.graph.sources.source import source_of
from deepexplain_tf.graph.trace import Traced, trace
from deepexplain_tf.objective.redraw import _OPS, redraw
from tests.checks import message_of

_KEY, _ROWS, _SIZE = 77, 3, 500
_GENERATOR = tf.random.Generator.from_seed(1)
_SEEDS = keras.random.SeedGenerator(3)
Function = Callable[[tf.Tensor], tf.Tensor]


def _redrawn(function: Function, shape: Any = (None, _SIZE), lengths: Any = None) -> Traced:
    traced = trace(source_of(function, [tf.TensorSpec(shape, tf.float32)]), None)
    return redraw(traced, [lengths or shape])


def _outputs(traced: Traced, rows: int = _ROWS, samples: int = 2, size: int = _SIZE) -> np.ndarray:
    """Returns the output for some draws, `[samples, ...]`."""
    key = tf.constant(_KEY, tf.uint64)
    found = []
    for sample in range(samples):
        given = dict(zip(traced.draws, (key, tf.constant(sample)), strict=True))
        found.append(emit(traced.program, {traced.program.inputs[0]: tf.zeros([rows, size]), **given})[0].numpy())
    return np.stack(found)


def _is_left(traced: Traced) -> bool:
    """Whether an op still draws."""
    return find_draw({*traced.program.inputs, *traced.states}, traced.program.outputs, traced.draws) is not None


def test_operands_stand_where_tensorflow_has_them():
    for name, op in _OPS.items():
        operands = list(inspect.signature(getattr(tf.raw_ops, name)).parameters)
        assert operands[op.shape] == "shape"
        assert [operands[position] for position in op.bounds] == (["minval", "maxval"] if op.bounds else [])
        seeds = [operands[position] for position in op.seed]
        assert seeds == ([] if name in DRAWN else ["key", "counter"] if name.endswith("V2") else ["seed"])
        assert name in DRAWN | SEEDED


_LIKE = {
    "uniform": lambda x: tf.random.uniform(tf.shape(x), 2.0, 5.0),
    "normal": lambda x: tf.random.normal(tf.shape(x), 1.0, 2.0),
    "truncated": lambda x: tf.random.truncated_normal(tf.shape(x)),
    "whole": lambda x: tf.cast(tf.random.uniform(tf.shape(x), -2, 9, tf.int64), tf.float32),
    "a generator": lambda x: _GENERATOR.normal(tf.shape(x)),
    "whole numbers of a generator": lambda x: tf.cast(_GENERATOR.uniform(tf.shape(x), -2, 9, tf.int32), tf.float32),
    "a seed of Keras": lambda x: keras.random.uniform(tf.shape(x), seed=_SEEDS),
    "the place in the batch": lambda x: tf.random.stateless_normal(tf.shape(x), [1, 2]),
    "of TensorFlow 1": lambda x: tf.raw_ops.StatelessRandomUniform(shape=tf.shape(x), seed=[1, 2]),
    "a generator of old": lambda x: tf.raw_ops.StatefulUniform(
        resource=_GENERATOR.state.handle, algorithm=1, shape=tf.cast(tf.shape(x), tf.int64), dtype=tf.float32
    ),
}
_CDFS = {
    "uniform": scipy.stats.uniform(2, 3),
    "normal": scipy.stats.norm(1, 2),
    "truncated": scipy.stats.truncnorm(-2, 2),
    "a generator": scipy.stats.norm(),
    "the place in the batch": scipy.stats.norm(),
}


_OTHERWISE = ("truncated", "whole numbers of a generator", "of TensorFlow 1")  # differ in their line of the table alone


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.long] * (n in _OTHERWISE)) for n in _LIKE])
def test_a_draw_for_each_row_becomes_one_for_all(name: str):
    traced = _redrawn(_LIKE[name])
    assert not _is_left(traced)
    values = _outputs(traced, samples=4)
    assert values.shape == (4, _ROWS, _SIZE)
    assert (values == values[:, :1]).all()  # shared by the rows
    np.testing.assert_array_equal(_outputs(traced, 1, 4), values[:, :1])  # whatever the batch
    draws = values[:, 0]
    assert len({draw.tobytes() for draw in draws}) == 4
    if "whole" in name:
        assert set(np.unique(draws)) == set(range(-2, 9))
    else:
        assert scipy.stats.kstest(draws.ravel(), _CDFS.get(name, scipy.stats.uniform()).cdf).pvalue > 0.01


@pytest.mark.parametrize("shape", [(), (_SIZE,), (1, _SIZE), (2, 1), (3, _SIZE)])
def test_a_draw_for_all_rows_stays_whole(shape: tuple[int, ...]):
    traced = _redrawn(lambda x: x + tf.random.normal(shape))
    assert not _is_left(traced)
    rows = max(shape[0] if len(shape) > 1 else 1, 3) if shape[:1] != (2,) else 2
    values = _outputs(traced, rows)
    assert len(np.unique(values[0])) == np.prod(shape)
    assert (values[0] != values[1]).any()


def test_seeds_tell_draws_apart():
    """Stateless ops of one seed draw the same in the model, those of two reads of a state that moves do not."""

    def sums(x: tf.Tensor) -> tf.Tensor:
        seed = _GENERATOR.make_seeds(2)
        first, again = (tf.random.stateless_normal(tf.shape(x), seed[:, 0]) for _ in range(2))
        second = tf.random.stateless_normal(tf.shape(x), seed[:, 1])
        keras_first, keras_second = (keras.random.normal(tf.shape(x), seed=_SEEDS) for _ in range(2))
        return tf.stack([first, again, second, keras_first, keras_second], 1)

    values = _outputs(_redrawn(sums), samples=1)[0, 0]
    np.testing.assert_array_equal(values[0], values[1])
    distinct = np.corrcoef(values[[0, 2, 3, 4]])
    assert np.abs(distinct - np.eye(4)).max() < 4 / np.sqrt(_SIZE)


def test_a_seed_that_never_changes_is_no_chance():
    seed = tf.Variable([3, 4])

    def function(x: tf.Tensor) -> tf.Tensor:
        return x + tf.random.stateless_normal([_SIZE], [1, 2]) + tf.random.stateless_normal([_SIZE], seed)

    traced = _redrawn(function)
    assert not _is_left(traced)
    values = _outputs(traced)
    np.testing.assert_array_equal(values[0], values[1])
    np.testing.assert_allclose(values[0], function(tf.zeros([_ROWS, _SIZE])), rtol=1e-6)


def test_recurrent_layers_draw_outside_of_their_loops():
    layers = [keras.layers.LSTM(2, dropout=0.3, recurrent_dropout=0.3, return_sequences=True)]
    layers.append(keras.layers.RNN([keras.layers.GRUCell(2, dropout=0.3, recurrent_dropout=0.3)]))
    model = keras.Sequential([keras.Input((3, 2)), *layers])
    traced = trace(source_of(lambda x: model(x, training=True), [tf.TensorSpec([None, 3, 2])]), None)
    assert not _is_left(redraw(traced, [(None, 3, 2)]))


def test_open_lengths_stay_open():
    traced = _redrawn(_LIKE["uniform"], (None, None))
    assert not _is_left(traced)
    for size in (1, 16, 20):
        assert _outputs(traced, size=size).shape == (2, _ROWS, size)


def _merged(x: tf.Tensor) -> tf.Tensor:
    flat = tf.reshape(x, [-1])
    return x + tf.reshape(tf.random.uniform(tf.shape(flat)), tf.shape(x))


_LEFT: dict[str, Function] = {
    "time before the batch": lambda x: x + tf.transpose(tf.random.uniform(tf.shape(tf.transpose(x)))),
    "the batch merged with another axis": _merged,
    "pairs of rows": lambda x: tf.random.uniform([tf.shape(x)[0]] * 2) @ x,
    "as many as numbers say": lambda x: x + tf.reduce_sum(tf.random.uniform(tf.shape(tf.where(x > 0))[:1])),
    "another law": lambda x: x * tf.random.gamma([_SIZE], 2.0),
    "a class": lambda x: x * tf.cast(tf.random.categorical(x, 1), x.dtype),
    "a seed of numbers": lambda x: x + tf.random.stateless_uniform([_SIZE], tf.cast(x[0, :2], tf.int32)),
    "inside a loop": lambda x: tf.while_loop(lambda y: y[0, 0] < 3, lambda y: [y + tf.random.uniform([])], [x])[0],
    "a seed inside a loop": lambda x: tf.while_loop(
        lambda y: y[0, 0] < 3, lambda y: [y + keras.random.uniform([], seed=_SEEDS)], [x]
    )[0],
    "inside a branch": lambda x: tf.cond(tf.size(x) > 3, lambda: x + tf.random.uniform([]), lambda: x),
}


@pytest.mark.parametrize("name", _LEFT)
def test_what_cannot_be_drawn_by_number_is_left_and_refused(name: str):
    """Occlusion needs no rules, so that nothing else is refused first."""
    assert _is_left(_redrawn(_LEFT[name]))
    x = np.linspace(0, 9, 4 * _SIZE, dtype="float32").reshape(4, _SIZE)
    with dx.DeepExplain(lambda x: tf.reduce_sum(_LEFT[name](x), 1)) as de:
        given = {"groups": np.zeros(_SIZE, int), "noise": dx.noise("model", n_samples=2)}
        words = ("uniform or normal", "at node", "input")
        message_of(lambda: de.explain("occlusion", x, **given), UnsupportedOpError, *words)


def test_a_fixed_batch_is_not_guessed():
    assert _is_left(_redrawn(_LIKE["uniform"], (3, _SIZE)))
    assert _is_left(_redrawn(lambda x: x + tf.random.uniform([_SIZE]), (3, _SIZE)))


def test_what_the_trace_marks_is_marked_after_it():
    class Jitter(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x + keras.random.normal(keras.ops.shape(x))

    layers = [Jitter(name="jitter"), keras.layers.Dense(2, name="dense")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    traced = redraw(trace(source_of(model), "jitter", inside="dense"), [(None, 4)])
    for value in (*traced.places, *traced.inside):
        assert value in {output for node in traced.program.nodes() for output in node.outputs()}
    assert not _is_left(traced)

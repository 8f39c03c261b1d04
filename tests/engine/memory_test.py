"""Tests of `memory.py`, and of what `max_memory` and the sizes of chunks do to a call."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.engine.memory import BATCH_SIZE, read_bytes
from deepexplain_tf.engine.preparation import prepare
from deepexplain_tf.errors import OptionError
from deepexplain_tf.methods.make import make
from deepexplain_tf.objective.chunks import MAX_CHUNK_SIZE
from tests.checks import explain, options_of
from tests.models import filled

_AMOUNTS = {
    1: 1,
    2**33: 2**33,
    np.int64(512): 512,
    "1024": 1024,
    "1KB": 1000,
    "1 KiB": 1024,
    "2mb": 2 * 10**6,
    " 2MiB ": 2**21,
    "1.5GiB": 3 * 2**29,
    "0.5 GB": 5 * 10**8,
    "3gib": 3 * 2**30,
}
_WRONG = [
    0,
    -1,
    1.5,
    True,
    None,
    [],
    "",
    "a",
    "GiB",
    "-1MiB",
    "0",
    "0GiB",
    "1e9",
    "2 TiB",
    "2GiBB",
    "1,5GiB",
    "nan",
    "1..5KB",
]


@pytest.mark.parametrize(("given", "expected"), _AMOUNTS.items(), ids=str)
def test_amounts_of_memory(given, expected):
    assert read_bytes(given) == expected


@pytest.mark.parametrize("given", _WRONG, ids=repr)
def test_what_is_no_amount_of_memory(given):
    with pytest.raises(OptionError, match=r"max_memory must be bytes, or a text such as '2GiB'. Got"):
        read_bytes(given)


# --- what is done at once ---------------------------------------------------------------------------------

_X = np.random.default_rng(0).normal(size=(40, 16, 16, 3)).astype(np.float32)


def _network(filters=4):
    layers = keras.layers
    x = inputs = keras.Input((16, 16, 3))
    for _ in range(3):
        x = layers.Conv2D(filters, 3, padding="same", activation="softplus")(x)
    return filled(keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x))))


def _sizes(model, method="integrated_gradients", x=_X, **arguments):
    """Returns how many examples and evaluations a call does at once."""
    with dx.DeepExplain(model) as de:
        options = options_of(method, x)
        call = prepare(de._engine, make(method, options), x, target=1, **arguments)
        return call.batch_size, call.chunks.size


def test_larger_activations_make_smaller_chunks():
    chunks = [_sizes(_network(filters))[1] for filters in (2, 64, 512)]
    assert MAX_CHUNK_SIZE >= chunks[0] > chunks[1] > chunks[2] >= 8


def test_sizes_that_are_asked_for_are_taken():
    model = _network()
    assert _sizes(model, chunk_size=5)[1] == 5
    assert _sizes(model, batch_size=7)[0] == 7
    assert _sizes(model, chunk_size=10**6)[1] == MAX_CHUNK_SIZE
    assert _sizes(model, "saliency")[0] == BATCH_SIZE
    assert _sizes(model)[0] > BATCH_SIZE, "small examples, many at once"
    assert _sizes(model, "saliency", chunk_size=5)[0] == 5


@pytest.mark.parametrize("method", ["integrated_gradients", "expected_gradients", "occlusion", "shapley_sampling"])
def test_less_memory_makes_smaller_chunks(method):
    model = _network()
    limits = ("1GiB", "112MiB", "64MiB", "52MiB", "50MiB")
    sizes = [_sizes(model, method, max_memory=limit) for limit in limits]
    for more, less in itertools.pairwise(sizes):
        assert less[0] <= more[0] and less[1] <= more[1]
    assert sizes[-1][1] < sizes[0][1] <= _sizes(model, method)[1]
    assert sizes[-1][1] >= 1 and sizes[-1][0] >= 1


def test_activations_of_a_chunk_are_about_the_memory():
    """The estimate counts what a gradient keeps (each layer's sum, softplus and bias, in float32), 48 MiB aside."""
    kept = 3 * 3 * 16 * 16 * 4 * 4
    _, chunk = _sizes(_network(), max_memory="64MiB")
    assert 0.1 * 2**24 < chunk * kept < 2**24


def test_methods_of_one_gradient_do_fewer_examples_at_once():
    batch, _ = _sizes(_network(64), "gradient_x_input", max_memory="56MiB")
    assert 1 <= batch < BATCH_SIZE


def test_a_limit_changes_no_number():
    model = _network()
    expected = explain(model, "integrated_gradients", _X[:5], target=1, n_steps=6).attributions
    for limit in ("51MiB", 50 * 2**20, "1GiB"):
        found = explain(model, "integrated_gradients", _X[:5], target=1, n_steps=6, max_memory=limit).attributions
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("method", ["integrated_gradients", "gradient_x_input"])
def test_less_than_one_evaluation_needs_is_refused(method):
    with pytest.raises(OptionError, match=r"max_memory must hold one evaluation, about \d+ MiB. Got 0.0 MiB"):
        _sizes(_network(), method, max_memory="10KB")


def test_a_limit_and_a_chunk_exclude_each_other():
    with pytest.raises(OptionError, match="chunk_size must be left out where max_memory is given"):
        explain(_network(), "integrated_gradients", _X, target=1, max_memory="1GiB", chunk_size=3)


def test_a_fixed_batch_is_done_as_it_is():
    inputs = keras.Input(batch_shape=(2, 4))
    model = filled(keras.Model(inputs, keras.layers.Dense(2)(inputs)))
    assert _sizes(model, x=np.ones((5, 4), np.float32), max_memory="1GiB") == (2, 2)


def test_open_axes_count_with_the_length_of_the_inputs():
    def model(x):
        return tf.reduce_sum(tf.sin(tf.sin(x)), [1, 2])[:, None] * [1.0, 2.0]

    signature = [tf.TensorSpec([None, None, 8], tf.float32)]
    chunks = []
    for length in (500, 50_000):
        x = np.ones((2, length, 8), np.float32)
        with dx.DeepExplain(model, input_signature=signature) as de:
            call = prepare(de._engine, make("integrated_gradients", {}), x, target=1)
            chunks.append(call.chunks.size)
    assert chunks[0] > 4 * chunks[1]


@pytest.mark.parametrize(("accelerated", "evaluations"), [(False, 23), (True, 181)])
def test_evaluations_at_once_on_a_processor_and_on_a_graphics_card(accelerated, evaluations):
    """Eight times the activations, 2 GiB, keep an accelerator busy."""
    convolution = keras.layers.Conv2D(32, 3, padding="same", activation="relu")
    layers = [convolution, keras.layers.Conv2D(32, 3, padding="same"), keras.layers.GlobalAveragePooling2D()]
    model = keras.Sequential([keras.Input((128, 128, 3)), *layers])
    with dx.DeepExplain(model, jit_compile=False) as de:
        engine = de.explainer("integrated_gradients")._engine
    assert not engine.accelerated
    engine.accelerated = accelerated
    call = prepare(engine, make("integrated_gradients", {}), np.ones((1, 128, 128, 3), np.float32), target=0)
    assert call.chunks.size == evaluations

"""Tests of `objective/objective.py`: integrals whose program computes the target alone, and no other unit."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.engine.preparation import prepare
from deepexplain_tf.errors import TargetError
from deepexplain_tf.methods.make import make
from tests.checks import explain, in_turn, message_of, op_types, plain_integral
from tests.models import filled

_RANDOM = np.random.default_rng(0)
_X = _RANDOM.normal(size=(3, 4))


def _network(use_bias: bool, dtype: str = "float64", units: int = 6) -> keras.Model:
    inputs = keras.Input((4,), dtype=dtype)
    hidden = keras.layers.Dense(5, activation="softplus", dtype=dtype)(inputs)
    return filled(keras.Model(inputs, keras.layers.Dense(units, use_bias=use_bias, dtype=dtype)(hidden)))


def _selected(outputs: tf.Tensor, target: Any) -> tf.Tensor:
    """Returns the target by hand."""
    if callable(target):
        return target(outputs)
    target = np.asarray(target)
    if target.dtype.kind == "f":
        return tf.reduce_sum(outputs * target, 1)
    return tf.gather(outputs, np.broadcast_to(target, len(outputs)), batch_dims=1)


_TARGETS = {
    "one": 2,
    "one each": [5, 0, 2],
    "the last": -1,
    "weights": _RANDOM.normal(size=(3, 6)),
    "function": lambda outputs: tf.reduce_sum(tf.tanh(outputs), 1),
}


@pytest.mark.parametrize("name", _TARGETS)
@pytest.mark.parametrize(
    ("use_bias", "jit_compile"),
    [
        (True, False),
        *(pytest.param(*pair, marks=pytest.mark.long) for pair in ((False, True), (False, False), (True, True))),
    ],
)
def test_integrals_of_any_target(name: str, use_bias: bool, jit_compile: bool):
    model, target, x0 = _network(use_bias), _TARGETS[name], _RANDOM.normal(size=(1, 4))
    at = 5 if name == "the last" else target
    arguments = {"baseline": x0, "n_steps": 8, "jit_compile": jit_compile}
    found = explain(model, "integrated_gradients", _X, target=target, chunk_size=5, **arguments)
    (expected,) = plain_integral(lambda x: _selected(model(x), at), [_X], [x0])
    np.testing.assert_allclose(found.attributions, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_allclose(found.outputs, _selected(model(_X), at), rtol=1e-12)
    values = _selected(model(np.repeat(x0, 3, 0)), at)
    np.testing.assert_allclose(found.baseline_outputs, values, rtol=1e-12)


def test_the_weights_may_change_between_calls():
    model = _network(True)
    with dx.DeepExplain(model) as de:
        attribute = de.explainer("integrated_gradients", n_steps=8)
        for target in (1, [0, 5, 3]):
            (expected,) = plain_integral(lambda x, t=target: _selected(model(x), t), [_X], [np.zeros((1, 4))])
            found = attribute(_X, target=target).attributions
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
            for weight in model.weights:
                weight.assign(weight * 0.8 + 0.05)


def test_one_unit_alone_has_no_axis_to_choose_from():
    model = _network(True, units=1)
    found = explain(model, "integrated_gradients", _X, n_steps=8).attributions
    (expected,) = plain_integral(lambda x: model(x)[:, 0], [_X], [np.zeros((1, 4))])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


# --- language models ------------------------------------------------------------------------------------------

_WORDS, _WIDTH, _LENGTH = 30, 8, 6
_TOKENS = _RANDOM.integers(0, _WORDS, (3, _LENGTH))
_PLACES = {"from the end": (-1, -3), "one each": np.array([[5, 1], [0, 3], [2, 29]])}


class Tied(keras.layers.Layer):
    """Scores of words: the product with their embeddings, and a bias."""

    def __init__(self, embedding: keras.layers.Embedding, **options: Any):
        super().__init__(**options)
        self.embedding = embedding

    def build(self, shape: Any) -> None:
        del shape
        self.bias = self.add_weight(shape=(_WORDS,), name="bias")

    def call(self, hidden: tf.Tensor) -> tf.Tensor:
        return tf.matmul(hidden, self.embedding.embeddings, transpose_b=True) + self.bias


def _language_model(length: int | None, tied: bool, last: bool = False) -> tuple[keras.Model, keras.Model]:
    """Returns an encoder of one block behind a dense layer, and its part from embeddings to logits."""
    layers, options = keras.layers, {"dtype": "float64"}
    embedding = layers.Embedding(_WORDS, _WIDTH, name="embedding", **options)
    tokens, words = keras.Input((length,), dtype="int32"), keras.Input((length, _WIDTH), **options)
    embedded = embedding(tokens)
    hidden = layers.Dense(_WIDTH, **options)(words)
    mixed = layers.MultiHeadAttention(1, 4, **options)(hidden, hidden)
    hidden = layers.LayerNormalization(**options)(layers.Add(**options)([hidden, mixed]))
    hidden = layers.Add(**options)([hidden, layers.Dense(_WIDTH, "tanh", **options)(hidden)])
    hidden = hidden[:, -1, :] if last else hidden
    head = Tied(embedding, **options) if tied else layers.Dense(_WORDS, **options)
    body = keras.Model(words, head(hidden))
    return filled(keras.Model(tokens, layers.Softmax(**options)(body(embedded)))), body


def _expected(model: keras.Model, body: keras.Model, index: Any) -> np.ndarray:
    """Returns Integrated Gradients by the words' embeddings of the logit at an index, with all logits at each step."""
    embedded = np.asarray(model.get_layer("embedding")(_TOKENS))
    sizes = np.array([_LENGTH, _WORDS])[-np.shape(index)[-1] :]
    index = np.broadcast_to(np.asarray(index), (3, len(sizes))) % sizes
    (found,) = plain_integral(
        lambda x: tf.gather_nd(body(x), index.astype("int32"), batch_dims=1), [embedded], [np.zeros_like(embedded)]
    )
    return found


def _optimised(de: dx.DeepExplain, target: Any) -> list[str]:
    """Returns the op types of the program that a path integral evaluates at each step."""
    objective = prepare(de.engine, make("integrated_gradients", {}), _TOKENS, target=target).objective
    rest = objective.on_lines
    return op_types(type(rest.program)(rest.explained, rest.program.outputs))


_MODELS = {  # by default one of each length; the others have the same ops
    "tied, any length": (None, True),
    "dense, last": (_LENGTH, False, True),
    "dense": (_LENGTH, False),
    "tied": (_LENGTH, True),
    "dense, any length": (None, False),
}


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.long] * (number > 1)) for number, name in enumerate(_MODELS)],
)
def language(request: Any) -> tuple[keras.Model, keras.Model]:
    return _language_model(*_MODELS[request.param])


def _index_of(name: str, body: keras.Model) -> Any:
    """Returns an index into the output, which may lack the positions, or have any number of them."""
    index = np.array(_PLACES[name])
    if body.output_shape[1] is None:
        index = np.where(index < 0, index + np.array([_LENGTH, 0]), index)
    if len(body.output_shape) == 2:
        index = index[..., 1:]
    return index if name == "one each" else tuple(index.tolist())


def _assert_right(found: Any, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found.attributions, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("name", in_turn(_PLACES, 4))
def test_one_place_of_a_language_model(language: Any, name: str):
    model, body = language
    index = _index_of(name, body)
    with dx.DeepExplain(model, layer="embedding") as de:
        found = de.explain("integrated_gradients", _TOKENS, target=index, n_steps=8, chunk_size=5)
        types = _optimised(de, index)
    _assert_right(found, _expected(model, body, index))
    assert any("affine ops" in note for note in found.notes)  # whatever the length
    assert types[-2:] == ["Einsum", "AddV2"] and "BiasAdd" not in types[-9:]


@pytest.mark.long  # tests/graph/select_first_test.py compiles it too
def test_a_place_under_xla():
    model, body = _language_model(_LENGTH, tied=True)
    index = _index_of("one each", body)
    expected = _expected(model, body, index)
    arguments = {"layer": "embedding", "target": index}
    found = explain(model, "integrated_gradients", _TOKENS, n_steps=8, jit_compile=True, **arguments)
    _assert_right(found, expected)


@pytest.mark.long  # tests/paths/refinement_test.py has the rule
def test_a_place_to_a_tolerance():
    model, _ = _language_model(_LENGTH, tied=True)
    refined = explain(
        model, "integrated_gradients", _TOKENS, tolerance=1e-3, max_steps=4096, layer="embedding", target=(2, 7)
    )
    assert np.abs(refined.completeness_gap).max() < 1e-2 * np.abs(refined.outputs - refined.baseline_outputs).max()


@pytest.mark.long  # tests/export has the files, and what they compute
def test_a_place_in_an_export(tmp_path: Any):
    model, body = _language_model(None, tied=True)
    with dx.DeepExplain(model, layer="embedding") as de:
        de.explainer("integrated_gradients", n_steps=8, target=(2, 7), baseline=None).export(str(tmp_path / "saved"))
    serve = tf.saved_model.load(str(tmp_path / "saved")).signatures["serving_default"]
    (name,) = serve.structured_input_signature[1]
    found = serve(**{name: tf.constant(_TOKENS, tf.int32)})["attributions"]
    expected = _expected(model, body, (2, 7))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.long  # every target of a model; the tests above have one of each kind
def test_all_units_and_functions_take_every_number():
    model, body = _language_model(_LENGTH, tied=True, last=True)
    with dx.DeepExplain(model, layer="embedding") as de:
        every = de.explain("integrated_gradients", _TOKENS, target="all", n_steps=8).attributions
        called = de.explain("integrated_gradients", _TOKENS, target=lambda o: o[:, 7], n_steps=8).attributions
    assert every.shape == (3, _WORDS, _LENGTH, _WIDTH)
    expected = _expected(model, body, (7,))
    np.testing.assert_allclose(every[:, 7], expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_allclose(called, every[:, 7], rtol=0, atol=1e-12 * np.abs(every).max())


def test_one_of_several_outputs():
    words = keras.Input((_LENGTH, _WIDTH), dtype="float64")
    hidden = keras.layers.Dense(_WIDTH, "tanh", dtype="float64")(words)
    heads = {name: keras.layers.Dense(5, dtype="float64", name=name)(hidden) for name in ("a", "b")}
    model, x = filled(keras.Model(words, heads)), _RANDOM.normal(size=(3, _LENGTH, _WIDTH))
    index = np.array([[0, 4], [5, 2], [3, 0]], "int32")
    (expected,) = plain_integral(lambda x: tf.gather_nd(model(x)["b"], index, batch_dims=1), [x], [np.zeros_like(x)])
    by_name = explain(model, "integrated_gradients", x, output="b", target=index, n_steps=8)
    called = lambda outputs, index: tf.gather_nd(outputs["b"], tf.cast(index, tf.int32), batch_dims=1)  # noqa: E731
    by_function = explain(model, "integrated_gradients", x, target=(called, index.astype(float)), n_steps=8)
    _assert_right(by_name, expected)
    _assert_right(by_function, expected)


def test_a_length_that_only_the_explained_layer_has():
    """A window shortens the texts behind it, so that their length is not known behind the affine part."""
    words, kernel = keras.Input((None, _WIDTH), dtype="float64"), _RANDOM.normal(size=(2, _WIDTH, 3))

    def shortened(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.tanh(tf.nn.conv1d(x, kernel, 1, "VALID")), [1, 2]) * tf.cast(tf.shape(x)[1], x.dtype)

    doubled = keras.layers.Rescaling(2.0, name="doubled", dtype="float64")(words)
    model = keras.Model(words, keras.layers.Lambda(shortened, output_shape=(), dtype="float64")(doubled))
    x = _RANDOM.normal(size=(3, _LENGTH, _WIDTH))
    (expected,) = plain_integral(shortened, [2.0 * x], [np.zeros_like(x)])
    _assert_right(explain(model, "integrated_gradients", x, layer="doubled", n_steps=8), expected)
    (expected,) = plain_integral(model, [x], [np.zeros_like(x)])
    _assert_right(explain(model, "integrated_gradients", x, n_steps=8), expected)


@pytest.mark.parametrize("jit_compile", [True, pytest.param(False, marks=pytest.mark.long)])  # XLA would take the last
def test_a_place_beyond_the_end_is_refused(jit_compile: bool):
    model, _ = _language_model(None, tied=False)
    with dx.DeepExplain(model, layer="embedding", jit_compile=jit_compile) as de:
        for index in ((_LENGTH, 0), np.array([[0, 0], [9, 1], [1, 1]])):
            call = lambda index=index: de.explain("integrated_gradients", _TOKENS, target=index)  # noqa: E731
            message_of(call, TargetError, "0 … 5", str(np.max(index)))

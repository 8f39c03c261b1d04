"""Strings as inputs: beside an explained layer, and explained themselves by methods that take no gradient."""

from collections.abc import Callable
import dataclasses
import functools
import pathlib
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError, InputError, ModelError, OptionError
from deepexplain_tf.export.stablehlo import is_available
from tests.checks import AT_LAYERS, EVALUATING, FITTED, GENERAL, explain, in_turn, message_of, options_of
from tests.models import filled, floats

L = keras.layers
WORDS = ["the", "cat", "sat", "a", "dog", "on", "mat"]
TEXTS = np.array(["the cat sat", "a dog on the mat", "mat", "sat sat"])
PRICES = np.random.default_rng(0).normal(size=(4, 2))


@dataclasses.dataclass(frozen=True)
class Case:
    """A model of strings.

    Attributes:
      model: the model.
      inputs: what it takes.
      rest: the model from the layer `embed` on; other inputs than strings keep their values.
    """

    model: Any
    inputs: Any
    rest: Callable[[tf.Tensor], tf.Tensor]

    @property
    def embedded(self) -> np.ndarray:
        inputs = self.inputs if isinstance(self.inputs, list) else [self.inputs]
        return np.asarray(keras.Model(self.model.inputs, self.model.get_layer("embed").output)(inputs))


CASES: dict[str, Callable[[], Case]] = {}


def case(build: Callable[[], Case]) -> Callable[[], Case]:
    CASES[build.__name__] = build
    return build


def _vectorized(length: int | None = 5) -> Any:
    """Behind which Keras 3.8 cannot trace `Flatten`, since the length of the texts is open there."""
    return L.TextVectorization(output_sequence_length=length, vocabulary=WORDS, name="vectorize")


@case
def text_vectorization_in_a_sequential_model() -> Case:
    ends = [L.Reshape((10,)), L.Dense(4, activation="softplus"), L.Dense(2)]
    layers = [keras.Input((), dtype="string", name="text"), _vectorized(), L.Embedding(9, 2, name="embed"), *ends]
    return Case(filled(keras.Sequential(layers)), TEXTS, lambda x: ends[2](ends[1](ends[0](x))))


@case
def string_lookup_beside_numbers() -> Case:
    """The prices are the same for all examples, so that they are a constant of the rest."""
    word, price = keras.Input((1,), dtype="string", name="word"), keras.Input((2,), name="price")
    ids = L.StringLookup(vocabulary=WORDS)(word)
    flat, joined, last = L.Flatten(), L.Concatenate(), L.Dense(2, activation="tanh")
    embedded = L.Embedding(9, 3, name="embed")(ids)
    model = filled(keras.Model([word, price], last(joined([flat(embedded), price])) * 2))
    prices = np.repeat(PRICES[:1], 4, axis=0)

    def rest(x: tf.Tensor) -> tf.Tensor:
        return 2 * last(joined([flat(x), tf.repeat(tf.constant(PRICES[:1]), tf.shape(x)[0], axis=0)]))

    return Case(model, [np.array(["cat", "dog", "unknown", "mat"]), prices], rest)


class Hashed(keras.Model):
    """Hashes the words of its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.last = L.Embedding(8, 3, name="embed"), L.Dense(2)

    def call(self, text: tf.Tensor) -> tf.Tensor:
        return self.after(self.embed(tf.strings.to_hash_bucket_fast(tf.reshape(text, [-1, 1]), 8)))

    def after(self, embedded: tf.Tensor) -> tf.Tensor:
        return self.last(tf.reduce_sum(tf.tanh(embedded), 1))


class HashedCase(Case):
    @property
    def embedded(self) -> np.ndarray:
        return np.asarray(self.model.embed(tf.strings.to_hash_bucket_fast(self.inputs[:, np.newaxis], 8)))


@case
def a_hash_in_a_subclassed_model() -> Case:
    model = Hashed()
    model(tf.constant(TEXTS))
    return HashedCase(filled(model), TEXTS, model.after)


@functools.cache
def built(name: str) -> Case:
    with floats("float64"):
        return CASES[name]()


@functools.cache
def masked() -> keras.Model:
    """A model whose mask comes from the strings, and so is computed anew with the rest."""
    layers = [_vectorized(), L.Embedding(9, 2, name="embed", mask_zero=True), L.GlobalAveragePooling1D(), L.Dense(2)]
    return filled(keras.Sequential([keras.Input((1,), dtype="string", name="text"), *layers]))


@pytest.fixture
def sequential() -> Case:
    return built("text_vectorization_in_a_sequential_model")


@pytest.fixture
def priced() -> Case:
    return built("string_lookup_beside_numbers")


# --- beside a layer ---------------------------------------------------------------------------------------


def equals_the_rest(name: str, method: str) -> None:
    split = built(name)
    settings = {"target": 1, "seed": 0, **options_of(method, split.embedded)}
    found = explain(split.model, method, split.inputs, layer="embed", **settings)
    expected = explain(split.rest, method, split.embedded, **settings)
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found.outputs, expected.outputs, rtol=1e-10)


@pytest.mark.parametrize(
    ("name", "method"), [*((name, "deeplift") for name in CASES), ("string_lookup_beside_numbers", "occlusion")]
)
def test_a_layer_behind_strings_is_explained_as_if_the_rest_were_the_model(name: str, method: str):
    equals_the_rest(name, method)


@pytest.mark.long  # the same comparison: every model with every method
@pytest.mark.parametrize("method", AT_LAYERS)
@pytest.mark.parametrize("name", CASES)
def test_a_layer_of_every_model_by_every_method(name: str, method: str):
    equals_the_rest(name, method)


FORMS: dict[str, Any] = {
    "a list": list(TEXTS),
    "a tuple": tuple(TEXTS.tolist()),
    "a list of lists": [[text] for text in TEXTS],
    "bytes": TEXTS.astype("S"),
    "a list of bytes": [text.encode() for text in TEXTS],
    "objects": TEXTS.astype(object),
    "a tensor": tf.constant(TEXTS),
    "a column": TEXTS[:, np.newaxis],
    "a column as a tensor": tf.constant(TEXTS)[:, tf.newaxis],
    "a dict": {"text": list(TEXTS)},
}


@pytest.fixture(scope="module")
def explainers() -> list[Any]:
    """Explainers of models that take `[batch]` and `[batch, 1]`."""
    found = []
    for model in (built("text_vectorization_in_a_sequential_model").model, masked()):
        with dx.DeepExplain(model, layer="embed") as de:
            found.append(de.explainer("deeplift", target=0))
    return found


@pytest.mark.parametrize("form", FORMS)
def test_strings_in_every_form(explainers: list[Any], form: str):
    for explainer in explainers:
        np.testing.assert_array_equal(explainer(FORMS[form]).attributions, explainer(TEXTS).attributions)


@pytest.mark.parametrize("method", ["integrated_gradients", pytest.param("shapley_sampling", marks=pytest.mark.long)])
def test_batches_and_chunks_gather_the_strings_with_their_rows(method: str):  # long: both share their loop
    settings = {"layer": "embed", "target": 1, "seed": 0, **options_of(method, None)}
    expected = explain(masked(), method, TEXTS, **settings)
    found = explain(masked(), method, TEXTS, batch_size=3, chunk_size=5, **settings)
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-5, atol=1e-7)


def test_a_note_says_that_xla_has_no_strings():
    layers = [_vectorized(), L.Embedding(9, 2, name="embed"), L.Reshape((10,)), L.Dense(300, "tanh"), L.Dense(2)]
    model = keras.Sequential([keras.Input((), dtype="string", name="text"), *layers])
    e = explain(model, "integrated_gradients", TEXTS, layer="embed", target=1, n_steps=2)
    assert any("no strings, as 'text' has" in note for note in e.notes)


def test_strings_inside_a_function_and_from_a_frozen_explainer(sequential: Case):
    with dx.DeepExplain(sequential.model, layer="embed") as de:
        explainer, frozen = (de.explainer("integrated_gradients", target=1, n_steps=8, freeze=f) for f in (False, True))
        inside = tf.function(lambda text: explainer(text).attributions, autograph=False)
        expected = explainer(TEXTS).attributions
        np.testing.assert_allclose(inside(tf.constant(TEXTS)), expected, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(frozen(TEXTS).attributions, expected, rtol=1e-10, atol=1e-12)


def test_attributions_with_derivatives_beside_strings(priced: Case):
    words, _ = priced.inputs
    prices = tf.constant(PRICES)
    with tf.GradientTape() as tape, dx.DeepExplain(priced.model, layer=["embed", "price"]) as de:
        tape.watch(prices)
        e = de.explain("deeplift", [list(words), prices], target=1, tensors=True)
        total = tf.reduce_sum(e.attributions["price"])
    assert np.abs(tape.gradient(total, prices)).max() > 1e-3
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-10)


@pytest.mark.skipif(not is_available(), reason="this TensorFlow does not write StableHLO; 2.19 does")
def test_stablehlo_takes_no_strings(priced: Case, tmp_path: pathlib.Path):
    with dx.DeepExplain(priced.model, layer=["embed", "price"]) as de:
        explainer = de.explainer("deeplift", target=1, baseline=None)
        refused = lambda: explainer.export(tmp_path / "x", format="stablehlo", inputs=priced.inputs)  # noqa: E731
        message_of(refused, ModelError, "stablehlo", "'word'", "saved_model")


def test_exports_take_strings(priced: Case, tmp_path: pathlib.Path):
    with dx.DeepExplain(priced.model, layer=["embed", "price"]) as de:
        explainer = de.explainer("deeplift", target=1, baseline=None)
        expected = explainer(priced.inputs).attributions
        explainer.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served")).signatures["explain"]
    words, prices = priced.inputs
    found = served(word=tf.constant(words[:, np.newaxis]), price=tf.constant(prices))
    for name, array in expected.items():
        np.testing.assert_allclose(found[f"attributions_{name}"], array, rtol=1e-10, atol=1e-12)


@pytest.mark.long  # Keras reads the file; what it makes is explained as any other model
def test_a_file_of_a_model_of_strings(sequential: Case, tmp_path: pathlib.Path):
    sequential.model.save(tmp_path / "text.keras")
    found, expected = (
        explain(model, "deeplift", TEXTS, layer="embed", target=1)
        for model in (tmp_path / "text.keras", sequential.model)
    )
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-10, atol=1e-12)


def test_metrics_and_a_rewritten_model_behind_strings(priced: Case, tmp_path: pathlib.Path):
    metrics = ["completeness", "max_sensitivity"]
    settings = {"layer": ["embed", "price"], "target": 1, "seed": 0}
    comparison = dx.compare(priced.model, priced.inputs, methods=["deeplift"], metrics=metrics, **settings)
    assert comparison.scores["completeness"]["deeplift"].mean < 1e-8
    assert "max_sensitivity" in str(comparison)  # the reason: strings cannot be perturbed
    comparison.to_json(tmp_path / "scores.json")
    assert "unknown" in (tmp_path / "scores.json").read_text()
    with dx.DeepExplain(priced.model, layer="embed") as de:
        assert de.rewrite("deeplift")(priced.inputs).shape == (4, 2)


def test_texts_of_one_length_where_the_model_fixes_none():
    layers = [_vectorized(None), L.Embedding(9, 2, name="embed"), L.GlobalAveragePooling1D(), L.Dense(2)]
    model = keras.Sequential([keras.Input((), dtype="string", name="text"), *layers])
    settings = {"layer": "embed", "target": 1}
    e = explain(model, "deeplift", ["the cat sat on", "a dog on mat"], **settings)
    assert e.attributions.shape == (2, 4, 2)
    message_of(lambda: explain(model, "deeplift", TEXTS, **settings), InputError, "[1, 2]", "[3, 2]", "length")


def test_a_model_that_mixes_texts_is_refused():
    layers = [
        _vectorized(),
        L.Embedding(9, 2, name="embed"),
        L.Reshape((10,)),
        L.Dense(2),
        L.Lambda(lambda x: x - x[:1]),
    ]
    model = keras.Sequential([keras.Input((), dtype="string", name="text"), *layers])
    message_of(lambda: explain(model, "deeplift", TEXTS, layer="embed", target=0), ModelError, "by itself")


# --- explained themselves ---------------------------------------------------------------------------------


def hashed(text: tf.Tensor, price: tf.Tensor) -> tf.Tensor:
    number = tf.cast(tf.strings.to_hash_bucket_fast(text, 7), price.dtype)
    return tf.stack([tf.sin(number) * price[:, 0], number + price[:, 1]], 1)


@pytest.mark.parametrize("method", in_turn(EVALUATING, 3))
def test_a_string_is_replaced_by_the_baseline(sequential: Case, method: str):
    outputs = lambda texts: np.asarray(sequential.model(tf.constant(texts)))[:, 1]  # noqa: E731
    with dx.DeepExplain(sequential.model) as de:
        explainer = de.explainer(method, target=1)
    for baseline in (None, "[UNK]", ["a", "b", "c", "d"], np.array([b"cat"])):
        e = explainer(TEXTS, baseline=baseline)
        others = np.broadcast_to(np.array("" if baseline is None else baseline), TEXTS.shape)
        assert e.attributions.shape == TEXTS.shape
        drop = outputs(TEXTS) - outputs(others)
        factor = e.attributions @ drop / (drop @ drop) if method in FITTED else 1
        assert 0 < factor <= 1
        np.testing.assert_allclose(e.attributions, factor * drop, rtol=1e-10, atol=1e-12)


def test_strings_and_numbers_are_players_of_one_game():
    x = {"text": ["cat", "dog", "mat", "cat"], "price": PRICES.astype(np.float32)}
    baseline = {"text": "[UNK]", "price": 0.5}
    e = explain(hashed, "shapley_sampling", x, target=0, baseline=baseline, n_samples=6)
    assert [e.attributions[name].shape for name in x] == [(4,), (4, 2)]
    assert e.attributions["text"].dtype == np.float32
    start = hashed(tf.fill([4], "[UNK]"), tf.fill([4, 2], 0.5))[:, 0]
    np.testing.assert_allclose(e.baseline_outputs, start, rtol=1e-5)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-5)


def test_numbers_of_a_function_are_explained_beside_its_strings():
    x = {"text": ["cat", "dog", "mat", "cat"], "price": PRICES}
    e = explain(hashed, "deeplift", x, layer=["price"], target=0)
    number = np.asarray(hashed(tf.constant(x["text"]), tf.constant([[1.0, 0.0]] * 4, tf.float64))[:, 0])
    np.testing.assert_allclose(e.attributions["price"], np.stack([number * PRICES[:, 0], np.zeros(4)], 1), rtol=1e-10)


def test_a_saved_model_and_an_export_of_strings(sequential: Case, tmp_path: pathlib.Path):
    sequential.model.export(tmp_path / "model", verbose=False)
    with dx.DeepExplain(tmp_path / "model") as de:
        explainer = de.explainer("occlusion", target=1)
        expected = explainer(TEXTS, baseline="cat").attributions
        explainer.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served")).signatures["explain"]
    (name,) = set(served.structured_input_signature[1]) - {"baseline"}
    found = served(**{name: tf.constant(TEXTS), "baseline": tf.constant(["cat"])})["attributions"]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


# --- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [method for method in GENERAL if method not in EVALUATING])
def test_strings_have_no_gradient(priced: Case, method: str):
    options = {"background": [np.array([["cat"]]), PRICES[:1]]} if method == "expected_gradients" else {}
    call = lambda: explain(priced.model, method, priced.inputs, target=1, **options)  # noqa: E731
    message_of(call, InputError, "string", "'word'", "layer=", "occlusion")


REFUSED: dict[str, tuple[Any, type[DeepExplainError], tuple[str, ...]]] = {
    "numbers for strings": (np.ones(4), InputError, ("'text'", "strings", "float64")),
    "numbers among strings": (np.array(["a", 1], object), InputError, ("'text'", "strings", "int")),
    "one string": ("the cat", InputError, ("'text'", "str")),
    "two columns": (np.array([["a", "b"]]), InputError, ("'text'", "[1, 2]")),
    "no text": (np.array([], str), InputError, ("empty",)),
    "what UTF-8 cannot write": (["\ud800"], InputError, ("'text'", "UTF-8")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_strings_that_are_refused(explainers: list[Any], name: str):
    given, kind, words = REFUSED[name]
    message_of(lambda: explainers[0](given), kind, *words)


def test_strings_for_numbers(priced: Case):
    words = priced.inputs[0]
    call = lambda: explain(priced.model, "deeplift", [words, words], layer="embed", target=1)  # noqa: E731
    message_of(call, InputError, "'price'", "numbers", "strings")


@pytest.mark.parametrize(("baseline", "words"), [(0.5, "strings"), ("cat", "numbers"), (["cat", "dog"], "numbers")])
def test_baselines_of_the_other_kind(priced: Case, baseline: Any, words: str):
    message_of(lambda: explain(priced.model, "occlusion", priced.inputs, baseline=baseline), InputError, words)


def test_xla_has_no_strings(sequential: Case):
    call = lambda: explain(sequential.model, "deeplift", TEXTS, layer="embed", target=1, jit_compile=True)  # noqa: E731
    message_of(call, OptionError, "jit_compile=True", "'text'")


def test_metrics_take_no_strings():
    call = lambda: dx.metrics.deletion(lambda text: tf.zeros(4), TEXTS, np.ones(4))  # noqa: E731
    message_of(call, InputError, "numbers")

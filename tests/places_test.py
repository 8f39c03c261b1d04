"""`layer=` with several names: layers and inputs explained together, as one function of all of them."""

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
from deepexplain_tf.errors import DeepExplainError, InputError, ModelError, OptionError, UnknownNameError
from deepexplain_tf.export.stablehlo import is_available
from tests.checks import AT_LAYERS, FITTED, explain, message_of, options_of
from tests.models import filled, floats

_LONG = pytest.mark.long  # the same comparison, of another rule or size
L = keras.layers


@dataclasses.dataclass(frozen=True)
class Case:
    """A model split by hand.

    Attributes:
      model: the model.
      layer: the names of the places.
      inputs: what the model takes.
      places: the values of the places for these inputs, by name.
      rest: the model from the places on.
    """

    model: Any
    layer: list[str]
    inputs: Any
    places: dict[str, np.ndarray]
    rest: Callable[..., tf.Tensor]


CASES: dict[str, Callable[[], Case]] = {}


def case(build: Callable[[], Case]) -> Callable[[], Case]:
    CASES[build.__name__] = build
    return build


def _tokens(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 7, (5, *shape))


def _numbers(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(5, *shape))


def _head() -> list[Any]:
    return [L.Concatenate(), L.Dense(4, activation="tanh"), L.Dense(2)]


def _through(layers: list[Any], value: Any) -> Any:
    for layer in layers:
        value = layer(value)
    return value


@case
def an_embedding_and_an_input() -> Case:
    title, price = keras.Input((3,), dtype="int32", name="title"), keras.Input((4,), name="price")
    embed, flat, head = L.Embedding(7, 2, name="embed"), L.Flatten(), _head()
    model = filled(keras.Model([title, price], _through(head, [flat(embed(title)), price])))
    x = [_tokens(3), _numbers(4)]
    places = {"price": x[1], "embed": np.asarray(embed(x[0]))}
    return Case(model, list(places), x, places, lambda **p: _through(head, [flat(p["embed"]), p["price"]]))


@case
def two_calls_of_a_shared_layer() -> Case:
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    shared, head = L.Dense(3, activation="softplus", name="shared"), _head()
    model = filled(keras.Model({"left": left, "right": right}, _through(head, [shared(left), shared(right)])))
    x = {"left": _numbers(4), "right": _numbers(4, seed=2)}
    places = {f"shared:{n}": np.asarray(shared(x[name])) for n, name in enumerate(("left", "right"))}
    return Case(model, list(places), x, places, lambda **p: _through(head, [p["shared:0"], p["shared:1"]]))


class Branches(keras.Model):
    """Two branches, each with a layer, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = L.Dense(3, activation="relu", name="first"), L.Dense(3, name="second")
        self.ends = _head()

    def call(self, inputs: Any) -> Any:
        return _through(self.ends, [self.first(inputs), self.second(inputs)])


@case
def layers_of_a_subclassed_model() -> Case:
    model, x = Branches(), _numbers(4)
    model(x)
    filled(model)
    places = {"second": np.asarray(model.second(x)), "first": np.asarray(model.first(x))}
    return Case(model, list(places), x, places, lambda **p: _through(model.ends, [p["first"], p["second"]]))


@case
def one_layer_of_a_sequential_model() -> Case:
    model = filled(keras.Sequential([keras.Input((4,)), L.Dense(3, activation="tanh", name="middle"), L.Dense(2)]))
    x = _numbers(4)
    places = {"middle": np.asarray(model.layers[0](x))}
    return Case(model, ["middle"], x, places, lambda **p: model.layers[1](p["middle"]))


def function(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.tanh(a * b) + b[:, ::-1]


@case
def one_input_of_a_function() -> Case:
    """The other input keeps its values, as a constant in the rest."""
    x = {"a": _numbers(2), "b": np.repeat(_numbers(2)[:1], 5, axis=0)}
    fixed = tf.constant(x["b"][:1])
    return Case(function, ["a"], x, {"a": x["a"]}, lambda **p: function(p["a"], fixed))


@functools.cache
def split(name: str) -> Case:
    with floats("float64"):
        return CASES[name]()


@pytest.fixture
def priced() -> Case:
    return split("an_embedding_and_an_input")


def options(method: str, places: dict[str, np.ndarray]) -> dict[str, Any]:
    if method not in ("shapley_sampling", *FITTED):
        return options_of(method, places)
    few = lambda n, array: 2 * n + np.arange(array[0].size).reshape(array.shape[1:]) % 2  # noqa: E731
    return {"groups": {name: few(n, places[name]) for n, name in enumerate(sorted(places))}}  # exact, or alike


def equals_the_rest(name: str, method: str) -> None:
    case = split(name)
    settings = {"target": 1, "seed": 0, **options(method, case.places)}
    found = explain(case.model, method, case.inputs, layer=case.layer, **settings)
    expected = explain(case.rest, method, case.places, **settings)
    assert list(found.attributions) == case.layer
    for place, array in found.attributions.items():
        np.testing.assert_allclose(array, expected.attributions[place], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found.outputs, expected.outputs, rtol=1e-10)
    if method in ("deeplift", "integrated_gradients"):
        summed = sum(array.reshape(5, -1).sum(1) for array in found.attributions.values())
        allowed = 1e-10 if method == "deeplift" else 1e-2
        np.testing.assert_allclose(summed, found.outputs - found.baseline_outputs, rtol=allowed, atol=allowed)


@pytest.mark.parametrize("method", ["epsilon_lrp", "integrated_gradients", "occlusion", "shapley_sampling"])
def test_places_are_explained_as_if_the_rest_were_the_model(method: str):
    equals_the_rest("an_embedding_and_an_input", method)


@pytest.mark.parametrize(
    "name", ["two_calls_of_a_shared_layer", "layers_of_a_subclassed_model", "one_input_of_a_function"]
)
def test_places_of_other_models_are_explained_as_if_the_rest_were_the_model(name: str):
    equals_the_rest(name, "deeplift")


@pytest.mark.long  # the same comparison: every model with every method
@pytest.mark.parametrize("method", AT_LAYERS)
@pytest.mark.parametrize("name", CASES)
def test_places_of_every_model_by_every_method(name: str, method: str):
    equals_the_rest(name, method)


# --- arguments in the structure of the places -------------------------------------------------------------


def test_a_baseline_for_all_places_or_for_each(priced: Case):
    values = priced.places
    each = {"embed": np.full((3, 2), 0.5), "price": np.linspace(0, 1, 4)}
    with dx.DeepExplain(priced.model, layer=priced.layer) as de:
        explainer = de.explainer("deeplift", target=0)
    for baseline in (0.25, each, {"price": values["price"][::-1], "embed": 0.0}):
        e = explainer(priced.inputs, baseline=baseline)
        full = {
            name: np.broadcast_to(baseline[name] if isinstance(baseline, dict) else baseline, array.shape)
            for name, array in values.items()
        }
        outputs = priced.rest(**{name: tf.constant(array) for name, array in full.items()})
        np.testing.assert_allclose(e.baseline_outputs, np.asarray(outputs)[:, 0], rtol=1e-10)
        np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-10)


def test_groups_for_each_place(priced: Case):
    groups = {"price": np.zeros(4, int), "embed": np.repeat([[0], [1], [2]], 2, axis=1)}
    e = explain(priced.model, "shapley_sampling", priced.inputs, layer=priced.layer, target=0, groups=groups)
    np.testing.assert_array_equal(e.attributions["price"][:, 0], e.attributions["embed"][:, 0, 0])  # one player


@_LONG
def test_windows_for_each_place(priced: Case):
    windows = {"embed": (1, 2), "price": (2,)}
    e = explain(priced.model, "occlusion", priced.inputs, layer=priced.layer, target=0, window_shape=windows)
    assert e.attributions["price"].shape == (5, 4)
    np.testing.assert_array_equal(e.attributions["embed"][:, :, 0], e.attributions["embed"][:, :, 1])


def test_a_callable_target_sees_the_explained_input(priced: Case):
    def weighted(outputs: tf.Tensor, inputs: Any) -> tf.Tensor:
        return outputs[:, 0] * tf.reduce_sum(inputs[1], 1)

    e = explain(priced.model, "deeplift", priced.inputs, layer=priced.layer, target=weighted)
    np.testing.assert_allclose(e.baseline_outputs, 0, atol=1e-12)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-10)


@_LONG
@pytest.mark.parametrize("method", ["deeplift", "integrated_gradients", "shapley_sampling"])
def test_sizes_change_nothing(priced: Case, method: str):
    settings = {"layer": priced.layer, "target": 1, "seed": 0, **options_of(method, priced.places)}
    expected = explain(priced.model, method, priced.inputs, **settings)
    found = explain(priced.model, method, priced.inputs, batch_size=2, chunk_size=3, **settings)
    for name in priced.layer:
        np.testing.assert_allclose(found.attributions[name], expected.attributions[name], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("jit", [pytest.param(False, marks=_LONG), True])
def test_places_inside_a_function_and_their_derivatives(priced: Case, jit: bool):
    with dx.DeepExplain(priced.model, layer=priced.layer) as de:
        explainer = de.explainer("deeplift", target=1)
        expected = explainer(priced.inputs)

        @tf.function(autograph=False, jit_compile=jit)
        def inside(title: tf.Tensor, price: tf.Tensor) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(price)
                attributions = explainer([title, price]).attributions
                total = tf.reduce_sum(attributions["price"])
            return attributions, tape.gradient(total, price)

        found, gradient = inside(*map(tf.constant, priced.inputs))
    for name in priced.layer:
        np.testing.assert_allclose(found[name], expected.attributions[name], rtol=1e-9, atol=1e-12)
    assert np.abs(gradient).max() > 1e-3


@_LONG
def test_xla_compiles_places(priced: Case):
    settings = {"layer": priced.layer, "target": 1, "n_steps": 8}
    expected, found = (
        explain(priced.model, "integrated_gradients", priced.inputs, jit_compile=jit, **settings)
        for jit in (False, True)
    )
    for name in priced.layer:
        np.testing.assert_allclose(found.attributions[name], expected.attributions[name], rtol=1e-9, atol=1e-12)


@pytest.mark.skipif(not is_available(), reason="this TensorFlow does not write StableHLO; 2.19 does")
def test_stablehlo_names_each_place(priced: Case, tmp_path: pathlib.Path):
    with dx.DeepExplain(priced.model, layer=priced.layer) as de:
        de.explainer("deeplift", target=1).export(tmp_path / "program", format="stablehlo", inputs=priced.inputs)
    described = (tmp_path / "program" / "explainer.json").read_text("utf-8")
    assert all(f"baseline_{name}" in described for name in priced.layer)


def test_an_export_names_each_place(priced: Case, tmp_path: pathlib.Path):
    with dx.DeepExplain(priced.model, layer=priced.layer) as de:
        explainer = de.explainer("deeplift", target=1)
        expected = explainer(priced.inputs, baseline={"price": np.ones(4), "embed": 0.0})
        explainer.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served")).signatures["explain"]
    title, price = priced.inputs
    found = served(
        title=tf.constant(title, tf.int32),
        price=tf.constant(price),
        baseline_price=tf.ones([1, 4], tf.float64),
        baseline_embed=tf.zeros([1, 3, 2], tf.float64),
    )
    for name in priced.layer:
        np.testing.assert_allclose(found[f"attributions_{name}"], expected.attributions[name], rtol=1e-10, atol=1e-12)


def test_metrics_change_the_places(priced: Case):
    comparison = dx.compare(
        priced.model,
        priced.inputs,
        methods=["deeplift"],
        metrics=["completeness", "deletion", "sensitivity_n"],
        layer=priced.layer,
        target=1,
        seed=0,
    )
    assert all(set(comparison.scores[name]) == {"deeplift"} for name in ("completeness", "deletion", "sensitivity_n"))
    assert np.abs(comparison.scores["completeness"]["deeplift"].mean) < 1e-8


def test_coverage_audit_rewrite_save_and_load(priced: Case, tmp_path: pathlib.Path):
    with dx.DeepExplain(priced.model, layer=priced.layer) as de:
        assert {verdict for _, verdict in de.coverage("deeplift")} <= {"exact", "linear"}
        assert max(row.share for row in de.audit("deeplift", priced.inputs, target=1)) < 1e-8
        outputs = de.rewrite("deeplift", {"price": 0.5, "embed": 0.0})(priced.inputs)
        e = de.explain("deeplift", priced.inputs, target=1)
    np.testing.assert_allclose(outputs, priced.model(priced.inputs), rtol=1e-10)
    e.save(tmp_path / "why.npz")
    assert dx.load(tmp_path / "why.npz") == e


# --- what is refused --------------------------------------------------------------------------------------


def chain() -> keras.Model:
    tokens, values = keras.Input((3,), dtype="int32", name="tokens"), keras.Input((3,), name="values")
    shared, embedded = L.Dense(6, name="shared"), L.Embedding(7, 1, name="embed")(tokens)
    hidden = L.Dense(3, name="hidden")(shared(shared(L.Concatenate()([L.Flatten()(embedded), values]))))
    return filled(keras.Model([tokens, values], L.Dense(2)(hidden)))


REFUSED: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    "later first": (["hidden", "embed"], ModelError, ("'hidden'", "computed from 'embed'")),
    "earlier first": (["embed", "hidden"], ModelError, ("'hidden'", "computed from 'embed'")),
    "an input before a layer": (["values", "hidden"], ModelError, ("'hidden'", "computed from 'values'")),
    "a call before a call": (["shared:0", "shared:1"], ModelError, ("'shared:1'", "computed from 'shared:0'")),
    "one place by two names": (["embed", "embed:0"], UnknownNameError, ("'embed'", "'embed:0'", "once")),
    "a name of two calls": (["shared", "embed"], UnknownNameError, ("2 times", "':0'")),
    "an unknown name": (["embed", "hiden"], UnknownNameError, ("'hiden'", "'hidden'")),
    "an unknown call": (["shared:2"], UnknownNameError, ("2 times",)),
    "a name twice": (["embed", "embed"], OptionError, ("'embed'", "twice")),
    "no name": ([], OptionError, ("empty list",)),
    "a number among names": (["embed", 1], TypeError, ("int",)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_places_that_are_refused(name: str):
    layer, kind, words = REFUSED[name]
    message_of(lambda: dx.DeepExplain(chain(), layer=layer).__enter__(), kind, "layer", *words)


def test_a_name_of_an_input_and_of_a_layer():
    class Named(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = L.Dense(2, name="a")

        def call(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
            return self.dense(inputs["a"])

    message_of(lambda: explain(Named(), "saliency", {"a": _numbers(2)}, layer=["a"]), UnknownNameError, "'a'", "layer")


def test_an_input_alone_is_named_in_a_list(priced: Case):
    for layer in ("title", "price"):
        call = lambda: explain(priced.model, "saliency", priced.inputs, layer=layer)  # noqa: B023, E731
        message_of(call, UnknownNameError, f"layer=['{layer}']", "input")
    x = {"a": _numbers(2), "b": _numbers(2)}
    message_of(lambda: explain(function, "saliency", x, layer="a"), UnknownNameError, "layer=['a']")


def test_whole_numbers_beside_floats_say_what_can_be_explained(priced: Case):
    call = lambda: explain(priced.model, "saliency", priced.inputs, target=1)  # noqa: E731
    message_of(call, InputError, "'title'", "layer=['price']")
    assert set(explain(priced.model, "saliency", priced.inputs, target=1, layer=["price"]).attributions) == {"price"}


def test_a_place_of_a_model_without_layers():
    x = {"a": _numbers(2), "b": _numbers(2)}
    message_of(lambda: explain(function, "saliency", x, layer=["c"]), UnknownNameError, "'c'", "'a'", "'b'")


BASELINES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "other names": ({"embed": 0.0, "prize": 0.0}, ("baseline", "'price'", "'prize'")),
    "a name missing": ({"embed": 0.0}, ("baseline", "'price'")),
    "another shape": ({"embed": 0.0, "price": np.zeros(3)}, ("baseline", "[4]", "[3]")),
    "one array for two places": (np.zeros(4), ("baseline", "'price'", "'embed'")),
}


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_that_do_not_fit_the_places(priced: Case, name: str):
    baseline, words = BASELINES[name]
    call = lambda: explain(priced.model, "deeplift", priced.inputs, layer=priced.layer, baseline=baseline)  # noqa: E731
    message_of(call, InputError, *words)


def test_whole_numbers_among_places_have_no_gradient(priced: Case):
    settings = {"layer": ["title", "price"], "target": 1}
    message_of(lambda: explain(priced.model, "deeplift", priced.inputs, **settings), InputError, "'title'", "int32")


def test_groups_in_another_structure(priced: Case):
    call = lambda: explain(  # noqa: E731
        priced.model, "shapley_sampling", priced.inputs, layer=priced.layer, groups=[np.zeros(4, int)] * 2
    )
    message_of(call, DeepExplainError, "groups", "'price'", "'embed'")

"""Every registered method on every structure of model: the same numbers however it is called.

Methods come from `list_methods()` and structures from the table in `tests/models.py`, so that a new one of
either is tested without writing a test.
"""

import functools
import threading
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import (
    ALIKE,
    BY_ELEMENT,
    DIFFERENT,
    FITTED,
    FROM_INPUTS,
    GENERAL,
    INSIDE,
    KINDS,
    PAIRWISE,
    each_of,
    in_turn,
    options_of,
)
from tests.models import STRUCTURES, filled, mlp, perceptron

METHODS = dx.list_methods()
_TOLERANCE = 1e-5  # of the largest attribution

each_method = each_of(METHODS)
each_general_method = each_of(GENERAL)
# For what compiles again: every method on some structures, and one or two methods on every structure.
_IN_FULL = ("dict_of_inputs", "fixed_batch_size")
_EVERYWHERE = ("deeplift", "integrated_gradients")
_KINDS = (*KINDS, "grad_cam")
_WITH_POSITIONS = ("sequential",)  # what class activation maps explain
_WHOLE_NUMBERS = ("tokens_with_a_mask", "layer_beside_inputs")  # have inputs that cannot move along a path


def in_full(name: str, method: str) -> bool:
    return name in (_WITH_POSITIONS if method in INSIDE else _IN_FULL)


def _full_turn(method: str) -> str:
    """Returns the structure in which a method is tried in full by default; methods take turns."""
    return _WITH_POSITIONS[0] if method in INSIDE else _IN_FULL[METHODS.index(method) % 2]


def usual(method: str) -> str:
    """Returns the structure on which a method is tried where one is enough."""
    return _WITH_POSITIONS[0] if method in INSIDE else "functional"


def _pairs(everywhere: tuple[str, ...], least: int = 1) -> Any:
    """Returns the mark of a test of pairs; one in `least` other structures with a method of `everywhere`.

    By default one method of each kind has one of the structures in which it is tried in full; they take turns.
    """
    pairs = [
        (name, method)
        for name in STRUCTURES
        for method in METHODS
        if in_full(name, method) or (name in _IN_FULL and method in GENERAL) or method in _EVERYWHERE
    ]
    chosen = {*_IN_FULL, *list(STRUCTURES)[::least]}

    def short(name: str, method: str) -> bool:
        return (name == _full_turn(method) and method in _KINDS) or (name in chosen and method in everywhere)

    values = [pytest.param(*pair, marks=[pytest.mark.long] * (not short(*pair))) for pair in pairs]
    return pytest.mark.parametrize(("name", "method"), values)


def structures_of(method: str) -> list[str]:
    """Returns the structures that a method fits."""
    names = _WITH_POSITIONS if method in INSIDE else STRUCTURES
    return [name for name in names if not (method in FROM_INPUTS and name in _WHOLE_NUMBERS)]


def _all_pairs() -> Any:
    """Returns the mark of a test of all pairs; by default, most methods have few structures, in turn."""

    def short(number: int, name: str, method: str) -> bool:
        turn = method not in ALIKE and (number + METHODS.index(method)) % 48 == 0
        return turn or name == _full_turn(method) or (method == _EVERYWHERE[number % 4 // 2] and number % 2 == 0)

    values = [
        pytest.param(name, method, marks=[pytest.mark.long] * (not short(number, name, method)))
        for method in METHODS
        for number, name in enumerate(structures_of(method))
    ]
    return pytest.mark.parametrize(("name", "method"), values)


each_pair = _all_pairs()


def assert_same(found: Any, expected: Any, tolerance: float = _TOLERANCE) -> None:
    """Asserts that two structures of arrays are the same, up to the tolerance times the largest number."""
    tf.nest.assert_same_structure(found, expected)
    pairs = list(zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True))
    largest = max(np.abs(np.asarray(other, np.float64)).max(initial=0) for _, other in pairs)
    for one, other in pairs:
        one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * largest)


def rows(attributions: Any, count: int) -> Any:
    return tf.nest.map_structure(lambda array: array[:count], attributions)


@functools.cache
def built(name: str) -> Any:
    return STRUCTURES[name].build()


@functools.cache
def opened(name: str, jit_compile: bool = False) -> dx.DeepExplain:
    return dx.DeepExplain(built(name), jit_compile=jit_compile, **STRUCTURES[name].settings).__enter__()


def options(name: str, method: str) -> dict[str, Any]:
    """Few evaluations, where a method makes many; everything else has its defaults."""
    needed = method in (
        "blur_ig",
        "expected_gradients",
        "kernel_shap",
    )  # with options in the structure of what is explained
    return options_of(method, explained(name, "saliency").attributions if needed else None)


@functools.cache
def explainer(name: str, method: str, jit_compile: bool = False) -> dx.Explainer:
    fixed = {"target": STRUCTURES[name].target, "seed": 0, **options(name, method)}
    return opened(name, jit_compile).explainer(method, **fixed)


@functools.cache
def explained(name: str, method: str) -> dx.Explanation:
    """Seven examples explained at once, outside of a graph and without XLA."""
    return explainer(name, method)(STRUCTURES[name].inputs(7), batch_size=7)


@each_pair
def test_attributions_have_the_structure_and_dtype_of_what_is_explained(name: str, method: str):
    e, inputs = explained(name, method), STRUCTURES[name].inputs(7)
    arrays = tf.nest.flatten(e.attributions)
    if method in PAIRWISE:
        features = sum(array[0].size for array in tf.nest.flatten(explained(name, "saliency").attributions))
        assert [array.shape for array in arrays] == [(7, features, features)]
    elif STRUCTURES[name].settings.get("layer") is None:
        tf.nest.assert_same_structure(e.attributions, inputs)
        assert type(e.attributions) is type(inputs)
        assert [array.shape for array in arrays] == [array.shape for array in tf.nest.flatten(inputs)]
    assert all(type(array) is np.ndarray and array.dtype == np.float32 for array in arrays)
    assert all(np.isfinite(array).all() for array in arrays)
    assert any(np.abs(array).max() > 1e-3 for array in arrays)
    assert e.outputs.shape == (7,) and e.outputs.dtype == np.float32
    assert e.method == method
    for ends in (e.baseline_outputs, e.completeness_gap):
        assert ends is None or ends.shape == (7,)


@each_pair
def test_the_batch_changes_no_number(name: str, method: str):
    case, explain = STRUCTURES[name], explainer(name, method)
    expected = explained(name, method).attributions
    for size in (1, 3, 100):
        assert_same(explain(case.inputs(7), batch_size=size).attributions, expected)
    assert_same(explain(case.inputs(1)).attributions, rows(expected, 1))


@_pairs(())  # tests/differential_test.py has odd chunks in many programs
def test_the_chunk_changes_no_number(name: str, method: str):
    inputs, explain = STRUCTURES[name].inputs(7), explainer(name, method)
    for size in (1, 1000) if in_full(name, method) else (1,):
        assert_same(explain(inputs, chunk_size=size).attributions, explained(name, method).attributions)


@_pairs(("deeplift",), least=4)  # tests/export/saved_model_test.py has the other in graphs
def test_a_tf_function_around_it_changes_no_number(name: str, method: str):
    case, explain = STRUCTURES[name], explainer(name, method)
    batches = [case.batch] if case.batch else [7, 1] if in_full(name, method) else [7]
    inside = tf.function(lambda inputs: explain(inputs).attributions, reduce_retracing=True)
    for batch in batches:
        inputs = tf.nest.map_structure(tf.constant, case.inputs(batch))
        assert_same(inside(inputs), rows(explained(name, method).attributions, batch))


@_pairs(("deeplift",), least=16)  # tests/paths/affine_integrals_test.py compiles the other
def test_xla_changes_no_number(name: str, method: str):
    case, explain = STRUCTURES[name], explainer(name, method, jit_compile=True)
    expected = explained(name, method).attributions
    assert_same(explain(case.inputs(7)).attributions, expected)
    if in_full(name, method):
        assert_same(explain(case.inputs(1)).attributions, rows(expected, 1))


@each_of(METHODS, _KINDS)
def test_xla_of_a_tf_function_around_it_changes_no_number(method: str):
    explain = explainer(usual(method), method, jit_compile=True)
    inside = tf.function(lambda inputs: explain(inputs).attributions, jit_compile=True)
    found = inside(tf.constant(STRUCTURES[usual(method)].inputs(7)))
    assert_same(found, explained(usual(method), method).attributions)


@each_of(METHODS, _KINDS)
def test_every_field_is_there_inside_a_tf_function(method: str):
    expected, explain = explained(usual(method), method), explainer(usual(method), method)

    @tf.function
    def inside(inputs: tf.Tensor) -> Any:
        e = explain(inputs)
        return {name: value for name, value in vars(e).items() if tf.is_tensor(value)}

    found = inside(tf.constant(STRUCTURES[usual(method)].inputs(7)))
    wanted = {name for name, value in vars(expected).items() if isinstance(value, np.ndarray)} - {"groups"}  # an option
    assert set(found) == wanted
    for name in wanted - {"completeness_gap"}:
        assert_same(found[name], getattr(expected, name))
    if "completeness_gap" in wanted:
        start = 0 if expected.baseline_outputs is None else expected.baseline_outputs
        scale = np.abs(expected.outputs - start).max()
        np.testing.assert_allclose(found["completeness_gap"], expected.completeness_gap, rtol=0, atol=1e-5 * scale)


_MODELS = {"keras": mlp, "callable": perceptron}


@functools.cache
def explained_in(dtype: str, model: str, method: str) -> dx.Explanation:
    x = np.random.default_rng(5).normal(size=(3, 4)).astype(tf.as_dtype(dtype).as_numpy_dtype)
    with dx.DeepExplain(_MODELS[model](dtype)) as de:
        return de.explain(method, x, target=1, seed=0, **options_of(method, x))


@each_of(GENERAL, KINDS)
@pytest.mark.parametrize(
    ("model", "dtype", "tolerance"),
    [
        ("callable", "float16", 1e-2),
        pytest.param("keras", "bfloat16", 1e-1, marks=pytest.mark.long),
        pytest.param("keras", "float32", 1e-5, marks=pytest.mark.long),
        pytest.param("callable", "float32", 1e-5, marks=pytest.mark.long),
        pytest.param("keras", "float16", 1e-2, marks=pytest.mark.long),
        pytest.param("callable", "bfloat16", 1e-1, marks=pytest.mark.long),
    ],
)
def test_a_narrower_dtype_gives_the_numbers_of_float64_up_to_its_rounding(
    model: str, dtype: str, tolerance: float, method: str
):
    found, expected = (explained_in(name, model, method) for name in (dtype, "float64"))
    assert expected.attributions.dtype == np.float64 == expected.outputs.dtype
    assert found.attributions.dtype == tf.as_dtype(dtype) == tf.as_dtype(found.outputs.dtype)
    assert_same(found.attributions, expected.attributions, tolerance)
    assert_same(found.outputs, expected.outputs, tolerance)


@each_of(BY_ELEMENT, KINDS)
def test_an_input_that_the_target_does_not_depend_on_gets_zeros(method: str):
    used, unused = explained("unused_input", method).attributions
    assert np.abs(used).max() > 1e-3
    np.testing.assert_array_equal(unused, 0)


@each_of([method for method in BY_ELEMENT if method not in FITTED], KINDS)
def test_a_layer_that_the_target_partly_depends_on_gets_zeros_for_the_rest(method: str):
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(3, name="hidden")(inputs)
    model = filled(keras.Model(inputs, keras.layers.Dense(1)(hidden[:, :2])))
    with dx.DeepExplain(model, layer="hidden") as de:
        e = de.explain(method, np.ones((2, 4), np.float32), **options_of(method, np.ones((2, 3))))
    assert e.attributions.shape == (2, 3)
    np.testing.assert_array_equal(e.attributions[:, 2], 0)
    assert (np.abs(e.attributions[:, :2]) > 1e-4).all()


def _global_random_state():
    return np.random.get_state()[1].copy()  # noqa: NPY002  (the global generator is what must stay as it is)


def _state(model: keras.Model) -> dict[str, Any]:
    """Everything of a Keras model that an explanation could change, by identity."""
    layers = [model, *model._flatten_layers(include_self=False)]
    return {
        "layers": [id(layer) for layer in layers],
        "attributes": [{key: id(value) for key, value in vars(layer).items()} for layer in layers],
        "calls": [layer.call.__func__ for layer in layers],
        "variables": [id(variable) for variable in model.variables],
        "trainable": [layer.trainable for layer in layers],
    }


_KERAS = [name for name in STRUCTURES if isinstance(built(name), keras.Model)]


@pytest.mark.parametrize("name", in_turn(_KERAS, 3))
def test_a_keras_model_is_left_as_it_was(name: str):
    case = STRUCTURES[name]
    model, inputs = case.build(), case.inputs(case.batch or 3)
    model.compile("sgd", "mse")
    outputs = model(inputs)
    weights = [np.array(variable) for variable in model.variables]
    before, threads, random = _state(model), threading.active_count(), _global_random_state()
    with dx.DeepExplain(model, **case.settings) as de:
        chosen = DIFFERENT if name == _IN_FULL[0] else INSIDE if name in _WITH_POSITIONS else []
        for method in [*chosen, "deeplift"]:  # whose rules could stay behind
            de.explain(method, inputs, target=case.target, **options(name, method))
    assert _state(model) == before
    for variable, weight in zip(model.variables, weights, strict=True):
        np.testing.assert_array_equal(np.array(variable), weight)
    tf.nest.map_structure(np.testing.assert_array_equal, model(inputs), outputs)
    np.testing.assert_array_equal(_global_random_state(), random)
    assert threading.active_count() <= threads
    assert not tf.config.functions_run_eagerly()


def test_a_module_is_left_as_it_was():
    case = STRUCTURES["tf_module"]
    model = case.build()
    attributes, weights = dict(vars(model)), [np.array(variable) for variable in model.variables]
    with dx.DeepExplain(model) as de:
        for method in DIFFERENT:
            de.explain(method, case.inputs(2), target=0, **options("tf_module", method))
    assert vars(model).keys() == attributes.keys()
    assert all(vars(model)[key] is value for key, value in attributes.items())
    for variable, weight in zip(model.variables, weights, strict=True):
        np.testing.assert_array_equal(np.array(variable), weight)


@pytest.mark.parametrize(
    ("name", "method"),
    [pytest.param(usual(method), method, marks=[pytest.mark.long] * (method not in _KINDS)) for method in METHODS]
    + [(name, "deeplift") for name in ("subclassed", "tokens_with_a_mask")],
)
def test_an_explainer_lives_on_after_its_block_and_follows_training(name: str, method: str):
    case = STRUCTURES[name]
    model, inputs = case.build(), case.inputs(2)
    fixed = {"target": case.target, "seed": 0, **options(name, method)}
    with dx.DeepExplain(model, **case.settings) as de:
        explain = de.explainer(method, **fixed)
        before = explain(inputs)
    n_traces = explain.n_traces
    for variable in model.trainable_variables:
        variable.assign(variable.numpy() * 0.9 + 0.05)
    after = explain(inputs)
    assert explain.n_traces == n_traces
    assert np.abs(after.attributions - before.attributions).max() > 1e-4
    with dx.DeepExplain(model, **case.settings) as de:
        assert_same(after.attributions, de.explain(method, inputs, **fixed).attributions)


def test_an_explainer_follows_fit():
    model, x = mlp(), np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    with dx.DeepExplain(model) as de:
        explain = de.explainer("deeplift", target=0)
        before = explain(x)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, np.arange(8) % 3, epochs=2, verbose=0)
    after = explain(x)
    assert np.abs(after.attributions - before.attributions).max() > 1e-4
    logits = keras.Model(model.input, model.layers[1].output)(x) @ model.layers[2].kernel + model.layers[2].bias
    np.testing.assert_allclose(after.outputs, np.asarray(logits)[:, 0], rtol=1e-5, atol=1e-6)

"""Tests of `engine.py`: when XLA compiles, and how often."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.methods.make import make
from tests.checks import each_of, explain, in_turn, options_of
from tests.models import filled, mlp, perceptron

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
METHODS = dx.list_methods()


def recurrent(steps: int | None = 3) -> keras.Model:
    inputs = keras.Input((steps, 4))
    return filled(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.LSTM(3)(inputs))))


def convolutional() -> keras.Model:
    inputs = keras.Input((5, 5, 2))
    hidden = keras.layers.Conv2D(3, 3, activation="tanh")(inputs)
    return filled(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(hidden))))


def dense(units: int) -> keras.Model:
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(units, activation="relu")(keras.layers.Dense(units, activation="relu")(inputs))
    return filled(keras.Model(inputs, keras.layers.Dense(2)(hidden)))


def compiled_by_xla(model: Any, method: str, **settings: Any) -> bool:
    with dx.DeepExplain(model, **settings) as de:
        engine = de._engine
        objective = engine.objective(engine.model(), None, "index")
        return engine.compiles(make(method, {}), objective)


on_a_cpu = pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="a GPU always compiles")


@on_a_cpu
@pytest.mark.parametrize("method", ["integrated_gradients", "expected_gradients"])
def test_on_a_cpu_gradients_through_loops_are_compiled_where_there_are_many(method: str):
    assert compiled_by_xla(recurrent(), method)
    assert not compiled_by_xla(mlp(), method)
    assert not compiled_by_xla(convolutional(), method)


@on_a_cpu
@pytest.mark.parametrize("method", ["integrated_gradients", "expected_gradients"])
def test_on_a_cpu_gradients_of_dense_layers_are_compiled_where_they_are_no_trifle(method: str):
    assert compiled_by_xla(dense(200), method)
    assert not compiled_by_xla(dense(6), method)


@on_a_cpu
@pytest.mark.parametrize("method", ["saliency", "deeplift", "epsilon_lrp", "occlusion", "shapley_sampling"])
def test_on_a_cpu_what_does_not_repeat_gradients_is_not_compiled(method: str):
    assert not compiled_by_xla(recurrent(), method)
    assert not compiled_by_xla(dense(200), method)


@on_a_cpu
@pytest.mark.parametrize("method", ["saliency", "deeplift", "epsilon_lrp"])
def test_on_a_cpu_a_single_gradient_through_a_long_loop_is_compiled(method: str):
    assert compiled_by_xla(recurrent(100), method)
    assert not compiled_by_xla(recurrent(None), method)  # it would compile for each length anew
    assert not compiled_by_xla(recurrent(100), "occlusion")
    two = keras.Sequential(
        [keras.Input((100, 4)), keras.layers.Bidirectional(keras.layers.GRU(2)), keras.layers.Dense(1)]
    )
    assert compiled_by_xla(two, method)


@pytest.mark.parametrize(
    ("goes_on", "iterations"),
    [
        (lambda number, x: number < 10, 9),
        (lambda number, x: number <= 10, 10),
        (lambda number, x: (number < 10) & (number <= 4), 4),
        (lambda number, x: number < tf.cast(tf.reduce_sum(x), tf.int32), 0),
    ],
    ids=["below", "up to", "the least", "by numbers"],
)
def test_the_iterations_of_a_loop_are_known_where_the_graph_tells_them(goes_on: Callable[..., Any], iterations: int):
    def model(x: tf.Tensor) -> tf.Tensor:
        return tf.while_loop(goes_on, lambda number, x: (number + 1, tf.tanh(x)), (1, x))[1]

    with dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, 2])]) as de:
        engine = de._engine
        assert engine.objective(engine.model(), None, "index").iterations == iterations


@each_of(METHODS, ("deeplift", "integrated_gradients", "score_cam"))
def test_the_users_word_decides(method: str):
    for build in (recurrent, mlp):
        assert compiled_by_xla(build(), method, jit_compile=True)
        assert not compiled_by_xla(build(), method, jit_compile=False)


@pytest.mark.long  # tests/conformance compiles integrals, and tests/loops_test.py a loop
def test_a_recurrent_network_has_the_same_integrals_compiled_by_itself_or_not():
    x = np.random.default_rng(3).normal(size=(3, 3, 4)).astype(np.float32)
    found, expected = (
        explain(recurrent(), "integrated_gradients", x, target=1, n_steps=8, jit_compile=jit_compile).attributions
        for jit_compile in ("auto", False)
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def explain_shapes(calls: Callable[[Any], None], **settings: Any) -> list[set[Any]]:
    """Returns the forms of all that the compiled programs are fed, for each program: XLA compiles each form once."""
    programs: dict[Any, set[Any]] = {}
    with dx.DeepExplain(perceptron(), jit_compile=True, **settings) as de:
        engine = de._engine
        attribution = engine.attribution

        def watched(method: Any, objective: Any, chunks: Any, arguments: Any, **settings: Any) -> Any:
            found = attribution(method, objective, chunks, arguments, **settings)
            forms = programs.setdefault(found, set())
            forms.add(tuple((tuple(a.shape), a.dtype) for a in tf.nest.flatten(list(arguments.values()))))
            return found

        engine.attribution = watched
        calls(de)
    return list(programs.values())


@pytest.mark.parametrize("method", ["integrated_gradients", "expected_gradients"])
def test_other_steps_targets_and_baselines_do_not_compile_again(method: str):
    def calls(de: Any) -> None:
        explain = de.explainer(method, **options_of(method, X))
        explain(X, target=0)
        explain(X[::-1].copy(), target=2)
        explain(X, target=[0, 1, 2])
        if method == "integrated_gradients":
            for n_steps in (1, 9, 50):
                explain(X, target=0, n_steps=n_steps, quadrature="midpoint")
            for baseline in (0.5, X[0], -1):
                explain(X, target=0, baseline=baseline)
        else:
            for n_samples in (2, 9, 50):
                explain(X, target=0, n_samples=n_samples, sampling="random")

    (forms,) = explain_shapes(calls)
    assert len(forms) == 1


@pytest.mark.parametrize(
    "method",
    [
        *("integrated_gradients", "deeplift"),
        *(
            pytest.param(name, marks=pytest.mark.long)  # the same set of baselines
            for name in ("expected_gradients", "shapley_sampling", "integrated_hessians")
        ),
    ],
)
def test_backgrounds_of_other_sizes_do_not_compile_again(method: str):
    """One set for all examples or one for each; what fills the room that is kept counts nothing."""
    few = {"integrated_hessians": {"n_steps": 2}, "expected_gradients": {"n_samples": 20, "seed": 0}}
    sets = [np.random.default_rng(size).normal(size=(size, 4)).astype(np.float32) for size in (3, 1, 8, 20)]
    found = []

    def calls(de: Any) -> None:
        for background in sets:
            found.append(de.explain(method, X, target=1, background=background, **few.get(method, {})))

    (forms,) = explain_shapes(calls)
    assert len(forms) == 1
    with dx.DeepExplain(perceptron(), jit_compile=False) as de:
        for background, e in zip(sets, found, strict=True):
            each = np.repeat(background[np.newaxis], len(X), 0)
            expected = de.explain(method, X, target=1, background=each, **few.get(method, {}))
            np.testing.assert_allclose(e.attributions, expected.attributions, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(e.baseline_outputs, expected.baseline_outputs, rtol=1e-4, atol=1e-5)


def test_large_backgrounds_are_padded_to_powers_of_two_only():
    def calls(de: Any) -> None:
        for size in (1100, 2000, 2049):
            de.explain("integrated_gradients", X, target=0, background=np.ones((size, 4), np.float32), n_steps=1)

    (forms,) = explain_shapes(calls)
    assert sorted(shape for form in forms for shape, _ in form if len(shape) == 3) == [(1, 2048, 4), (1, 4096, 4)]


@pytest.mark.parametrize("method", in_turn(["integrated_gradients", "expected_gradients"]))
def test_any_number_of_examples_needs_few_compilations(method: str):
    """Batches are padded to powers of two, and full ones have one size."""

    def calls(de: Any) -> None:
        explain = de.explainer(method, target=0, batch_size=16, **options_of(method, X))
        for count in (16, 5, 6, 7, 8, 13, 15, 29, 32, 47, 3):
            explain(np.random.default_rng(count).normal(size=(count, 4)).astype(np.float32))

    (forms,) = explain_shapes(calls)
    assert len(forms) <= 3  # 4, 8 and 16 rows


@pytest.mark.long  # tests/conformance pads batches
def test_padding_counts_nothing():
    x = np.random.default_rng(5).normal(size=(5, 4)).astype(np.float32)
    with dx.DeepExplain(perceptron(), jit_compile=True) as de, dx.DeepExplain(perceptron()) as plain:
        for settings in ({}, {"chunk_size": 3}, {"batch_size": 3}, {"chunk_size": 1}):
            found, expected = (
                one.explain("integrated_gradients", x, target=1, n_steps=7, **settings) for one in (de, plain)
            )
            np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(found.outputs, expected.outputs, rtol=1e-5)
            assert found.attributions.shape == (5, 4)


def _halving(x):
    """A loop of which no counter tells how often it turns."""

    def turn(n, state):
        return n // 2, tf.tanh(state * 1.1 + 0.1)

    return tf.reduce_sum(tf.while_loop(lambda n, _: n > 1, turn, [tf.constant(40), x])[1], 1, keepdims=True)


@pytest.mark.parametrize("method", in_turn(["deeplift", "gradient_x_input", "integrated_gradients", "occlusion"]))
def test_a_loop_without_a_bound_is_not_compiled_by_xla(method: str):
    x = np.random.default_rng(0).normal(size=(2, 3))
    found = {}
    for jit in (False, True):
        signature = [tf.TensorSpec([None, 3], tf.float64)]
        with dx.DeepExplain(_halving, input_signature=signature, jit_compile=jit) as de:
            found[jit] = de.explain(method, x)
    np.testing.assert_allclose(found[True].attributions, found[False].attributions, rtol=1e-12)
    assert found[False].notes == ()
    assert [note.startswith("not compiled by XLA") for note in found[True].notes] == [True] * (method != "occlusion")

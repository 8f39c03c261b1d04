"""Explainers in several threads do not disturb each other."""

from collections.abc import Callable, Sequence
import concurrent.futures
import threading
from typing import Any

import keras
import numpy as np
import pytest

import deepexplain_tf as dx
from tests.models import filled, mlp, perceptron

_TIMEOUT = 120  # seconds; a thread that waits longer waits forever


def x(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(3, 4)).astype(np.float32)


def together(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Runs jobs in one thread each, which start at the same moment; returns their results."""
    barrier = threading.Barrier(len(jobs))

    def start(job: Callable[[], Any]) -> Any:
        barrier.wait(_TIMEOUT)
        return job()

    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        running = [pool.submit(start, job) for job in jobs]
        return [future.result(_TIMEOUT) for future in running]


def job(model: Any, method: str, inputs: np.ndarray, **settings: Any) -> Callable[[], np.ndarray]:
    options = {"n_steps": 8} if method == "integrated_gradients" else {}

    def run() -> np.ndarray:
        with dx.DeepExplain(model, **settings) as de:
            return de.explain(method, inputs, target=1, seed=0, **options).attributions

    return run


def assert_as_in_sequence(jobs: Sequence[Callable[[], Any]], repeats: int = 2) -> None:
    expected = [run() for run in jobs]
    for _ in range(repeats):
        for found, wanted in zip(together(jobs), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


def chain(*names: str) -> keras.Model:
    """Dense layers, one after the other."""
    inputs = keras.Input((4,))
    hidden = inputs
    for name in names:
        hidden = keras.layers.Dense(4, activation="tanh", name=name)(hidden)
    return filled(keras.Model(inputs, keras.layers.Dense(2)(hidden)))


def test_different_models_and_methods():
    assert_as_in_sequence(
        [
            job(mlp(), "deeplift", x()),
            job(perceptron(), "integrated_gradients", x(1)),
            job(chain("a", "b"), "epsilon_lrp", x(2)),
            job(perceptron(), "shapley_sampling", x(3)),
        ],
        repeats=1,
    )


@pytest.mark.parametrize("jit_compile", [True, pytest.param(False, marks=pytest.mark.long)])
def test_different_methods_of_one_model(jit_compile: bool):
    model = mlp()
    methods = ("deeplift", "epsilon_lrp", "saliency", "occlusion")
    assert_as_in_sequence([job(model, method, x(), jit_compile=jit_compile) for method in methods], repeats=1)


def test_different_layers_of_one_model():
    model = chain("first", "second", "third")
    layers = (None, "first", "second", "third")
    assert_as_in_sequence([job(model, "gradient_x_input", x(), layer=layer) for layer in layers])


def test_one_layer_of_one_model_twice_beside_a_shared_layer():
    model = chain("first", "second")
    settings = [{"layer": "first"}, {"layer": "first"}, {"layer": "second"}, {}]
    assert_as_in_sequence([job(model, "deeplift", x(seed), **given) for seed, given in enumerate(settings)])
    assert all("call" not in vars(layer) for layer in model.layers)


def test_one_explainer_called_by_several_threads():
    with dx.DeepExplain(mlp()) as de:
        explain = de.explainer("integrated_gradients", target=1, n_steps=8)
    jobs = [lambda seed=seed: explain(x(seed)).attributions for seed in range(4)]
    found = together(jobs)
    assert explain.n_traces == 1
    for array, run in zip(found, jobs, strict=True):
        np.testing.assert_array_equal(array, run())


def test_a_model_used_in_one_thread_while_its_layer_is_traced_in_another():
    model = chain("first", "second")
    expected = model(x()).numpy()
    stop = threading.Event()

    def use() -> list[np.ndarray]:
        outputs = []
        while not stop.is_set() or not outputs:
            outputs.append(model(x()).numpy())
        return outputs

    def explain() -> np.ndarray:
        try:
            for _ in range(5):
                found = job(model, "saliency", x(), layer="first")()
            return found
        finally:
            stop.set()

    outputs, found = together([use, explain])
    for output in outputs:
        np.testing.assert_array_equal(output, expected)
    np.testing.assert_array_equal(found, job(model, "saliency", x(), layer="first")())


def test_an_error_in_one_thread_leaves_the_others_alone():
    model = chain("first", "second")
    good = job(model, "deeplift", x(), layer="second")
    expected = good()

    def bad() -> str:
        with pytest.raises(dx.DeepExplainError) as caught:
            job(model, "deeplift", x()[:, :3], layer="first")()
        return str(caught.value)

    message, found, _ = together([bad, good, bad])
    assert "[3, 3]" in message
    np.testing.assert_array_equal(found, expected)
    assert all("call" not in vars(layer) for layer in model.layers)

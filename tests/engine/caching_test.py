"""A repeated call does not trace again: neither the model nor a graph of the library."""

import functools
import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import DIFFERENT, GENERAL, KINDS, each_of, options_of, pairs_in_turn
from tests.models import Counted, mlp

COMPARING = ("deeplift", "integrated_gradients", "occlusion", "shapley_sampling")

each_method = each_of(GENERAL, (*KINDS, "shapley_sampling"))
comparing_method = pytest.mark.parametrize("method", COMPARING)


def examples(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)


class Watched:
    """An explainer of a counted model, and the traces since `settle`."""

    def __init__(self, method: str, **settings: Any):
        self.model = Counted()
        with dx.DeepExplain(self.model, **settings) as de:
            self.explain = de.explainer(method, **options_of(method, examples(1)))

    def settle(self) -> None:
        self._before = self.model.runs, self.explain.n_traces

    @property
    def traces(self) -> tuple[int, int]:
        return self.model.runs - self._before[0], self.explain.n_traces - self._before[1]


def settled(method: str, jit_compile: bool | str = "auto", **arguments: Any) -> Watched:
    """Returns an explainer that has been called once; `arguments` are those of the call."""
    watched = Watched(method, jit_compile=jit_compile)
    watched.explain(examples(3), **{"target": 0, **arguments})
    watched.settle()
    return watched


_called = functools.cache(settled)


def shared(method: str) -> Watched:
    """Returns an explainer that has been called, by other tests too: what they traced, they have told of."""
    watched = _called(method)
    watched.settle()
    return watched


@each_method
def test_the_first_call_traces_and_a_second_one_does_not(method: str):
    watched = Watched(method)
    assert (watched.model.runs, watched.explain.n_traces) == (0, 0)
    watched.explain(examples(3), target=0)
    assert watched.model.runs == 1
    assert watched.explain.n_traces == 1
    watched.settle()
    watched.explain(examples(3, seed=1), target=0)
    assert watched.traces == (0, 0)


@each_method
def test_another_number_of_examples_does_not_trace(method: str):
    watched = shared(method)
    for count in (1, 2, 5, 70):
        watched.explain(examples(count), target=0)
    watched.explain(examples(5), target=0, batch_size=2)
    assert watched.traces == (0, 0)


@each_method
def test_another_target_does_not_trace(method: str):
    watched = shared(method)
    for target in (1, -1, np.int64(2), (1,), [0, 1, 2], np.array([2, 0, 1]), np.array([1, 1, 0], np.uint8)):
        watched.explain(examples(3), target=target)
    assert watched.traces == (0, 0)


@each_of(GENERAL, KINDS)
def test_the_predicted_class_and_weights_trace_once(method: str):
    watched = Watched(method)
    for target in (None, 0, np.ones((3, 3)), np.ones((1, 3))):
        watched.explain(examples(3), target=target)
    watched.settle()
    for target in (None, 1, np.zeros((3, 3)) + 0.5, np.eye(3), None, np.full((1, 3), 0.1)):
        watched.explain(examples(3), target=target)
    assert watched.traces == (0, 0)


def test_the_same_callable_target_traces_once():
    runs = []

    def target(outputs: tf.Tensor) -> tf.Tensor:
        runs.append(outputs)
        return outputs[:, 0] - outputs[:, 1]

    watched = Watched("deeplift")
    watched.explain(examples(3), target=target)
    watched.settle()
    assert len(runs) == 1
    watched.explain(examples(4), target=target)
    assert watched.traces == (0, 0)
    assert len(runs) == 1


@comparing_method
def test_another_baseline_does_not_trace(method: str):
    watched = shared(method)
    one, each = examples(1, seed=1)[0], examples(3, seed=2)
    for baseline in (None, 0.5, 1, np.float64(0.25), one, one[None], each, each.astype(np.float64)):
        watched.explain(examples(3), target=0, baseline=baseline)
    assert watched.traces == (0, 0)


_OTHER_NUMBERS = {
    "integrated_gradients": [
        *({"n_steps": n_steps} for n_steps in (1, 3, 50)),
        *({"quadrature": quadrature} for quadrature in ("midpoint", "trapezoid", "left", "right")),
    ],
    "expected_gradients": [
        {"n_samples": 2, "sampling": "random"},
        {"n_samples": 50, "sampling": "stratified"},
    ],
}


@pytest.mark.parametrize(("method", "jit_compile"), pairs_in_turn(itertools.product(_OTHER_NUMBERS, [True, False]), 3))
def test_another_number_of_gradients_does_not_trace(method: str, jit_compile: bool):
    watched = settled(method, jit_compile=jit_compile)
    for options in _OTHER_NUMBERS[method]:
        watched.explain(examples(3), target=0, **options)
    assert watched.traces == (0, 0)


def test_another_tolerance_does_not_trace():
    watched = settled("integrated_gradients", n_steps=None, tolerance=0.05)
    for tolerance in (0.1, 1e-4):
        watched.explain(examples(3), target=0, n_steps=None, tolerance=tolerance)
    watched.explain(examples(5, seed=1), target=1, n_steps=None, gap_tolerance=0.1, max_steps=50)
    assert watched.traces == (0, 0)


@pytest.mark.parametrize("method", ["integrated_gradients", "expected_gradients"])
def test_another_background_does_not_trace(method: str):
    watched = settled(method, background=examples(2))
    for size in (1, 4):
        watched.explain(examples(3), target=0, background=examples(size, seed=3))
    assert watched.traces == (0, 0)


def test_another_number_of_samples_does_not_trace():
    watched = settled("shapley_sampling", n_samples=4, seed=0)
    for n_samples, seed in ((2, 1), (8, None), (20, 3)):  # 4 players: exact values from 24 on
        watched.explain(examples(3), target=0, n_samples=n_samples, seed=seed)
    assert watched.traces == (0, 0)


def test_other_groups_do_not_trace():
    watched = settled("shapley_sampling", n_samples=2, groups=np.array([0, 1, 2, 3]))
    watched.explain(examples(3), target=0, n_samples=2, groups=np.array([0, 0, 1, 2]))
    assert watched.traces == (0, 0)


def test_other_windows_do_not_trace():
    watched = settled("occlusion")
    for window, strides in ((2, 1), (2, 2), (4, 3)):
        watched.explain(examples(3), target=0, window_shape=(window,), strides=(strides,))
    assert watched.traces == (0, 0)


@each_method
def test_inputs_of_another_kind_with_the_same_dtype_do_not_trace(method: str):
    watched = shared(method)
    for given in (tf.constant(examples(3)), tf.Variable(examples(3)), np.asfortranarray(examples(3))):
        watched.explain(given, target=0)
    assert watched.traces == (0, 0)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.uint8, np.bool_, np.float16])
def test_real_numbers_of_another_dtype_do_not_trace_a_keras_model_again(dtype: Any):
    with dx.DeepExplain(mlp()) as de:
        explain = de.explainer("deeplift", target=0)
        explain(examples(2))
        n_traces = explain.n_traces
        explain(np.abs(examples(2)).astype(dtype))
    assert explain.n_traces == n_traces


def test_methods_of_one_block_share_the_trace_of_the_model():
    model = Counted()
    with dx.DeepExplain(model) as de:
        for method in DIFFERENT:
            de.explain(method, examples(2), target=1, **options_of(method, examples(1)))
        assert model.runs == 1
        before = de.explainer("saliency").n_traces
        for method in DIFFERENT:
            explain = de.explainer(method, **options_of(method, examples(1)))
            explain(examples(2), target=2)
        assert explain.n_traces == before
        de.coverage("deeplift")
    assert model.runs == 1


def test_a_declared_signature_is_traced_on_entering_and_never_again():
    model = Counted()
    de = dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, 4])])
    assert model.runs == 0
    with de:
        assert model.runs == 1
        de.explain("saliency", examples(2), target=0)
        de.coverage("saliency")
        de.rewrite("guided_backprop")(examples(2))
    assert model.runs == 1


@pytest.mark.parametrize("method", ["deeplift", "guided_backprop"])
def test_a_rewritten_model_traces_once(method: str):
    model = Counted()
    with dx.DeepExplain(model) as de:
        rewritten = de.rewrite(method)
        for count in (2, 3, 2, 5):
            rewritten(tf.constant(examples(count)))
    assert model.runs == 1


def test_a_tf_function_around_an_explainer_traces_nothing_at_its_second_call():
    watched = Watched("integrated_gradients")
    inside = tf.function(lambda x: watched.explain(x, target=0).attributions)
    inside(tf.constant(examples(3)))
    watched.settle()
    inside(tf.constant(examples(3, seed=1)))
    assert watched.traces == (0, 0)

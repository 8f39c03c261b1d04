"""Noise around every registered method: the mean over explanations of noisy inputs, however it is called."""

import functools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.objective.normal import normal
from tests.conformance.conformance_test import METHODS, assert_same, opened, options, rows, structures_of, usual
from tests.models import STRUCTURES

_SAMPLES, _STDEV = 3, 0.2
# One method of each kind: a gradient, with a loop inside, with two values at each op, in another shape than the input.
_KINDS = ("gradient_x_input", "integrated_gradients", "deeplift", "grad_cam")
_OF_INPUTS = [name for name in STRUCTURES if not STRUCTURES[name].settings.get("layer")]


def _each(short: Any, names: Any = STRUCTURES) -> Any:
    """Returns the mark of a test of all pairs of a structure and a method; most are long, since each compiles anew."""
    pairs = [(name, method) for method in METHODS for name in structures_of(method) if name in names]
    values = [pytest.param(*pair, marks=[pytest.mark.long] * (pair not in short)) for pair in pairs]
    return pytest.mark.parametrize(("name", "method"), values)


@functools.cache
def _explainer(name: str, method: str, jit_compile: bool = False, noisy: bool = True) -> dx.Explainer:
    fixed = {"target": STRUCTURES[name].target, "seed": 0, **options(name, method)}
    noise = {"noise": dx.noise("smoothgrad", _STDEV, _SAMPLES)} if noisy else {}
    return opened(name, jit_compile).explainer(method, **fixed, **noise)


@functools.cache
def _explained(name: str, method: str) -> dx.Explanation:
    return _explainer(name, method)(STRUCTURES[name].inputs(7))


def _draws(inputs: Any) -> list[Any]:
    """Returns the noise of each sample, in the structure of the inputs."""
    flat = tf.nest.flatten(inputs)
    key = tf.constant(np.random.default_rng(0).integers(2**64 - 1, dtype=np.uint64, endpoint=True))
    keys = [key + tf.constant(number, tf.uint64) for number in range(len(flat))]
    pairs = zip(keys, flat, strict=True)
    drawn = [normal(key, 0, _SAMPLES, tf.constant(array), tf.float32).numpy() for key, array in pairs]
    return [tf.nest.pack_sequence_as(inputs, [array[number] for array in drawn]) for number in range(_SAMPLES)]


@_each([(usual(method), method) for method in _KINDS] + [("dict_of_inputs", "gradient_x_input")], _OF_INPUTS)
def test_it_is_the_mean_over_explanations_of_noisy_inputs(name: str, method: str):
    inputs, found = STRUCTURES[name].inputs(7), _explained(name, method)
    noisy = [tf.nest.map_structure(lambda x, e: x + np.float32(_STDEV) * e, inputs, e) for e in _draws(inputs)]
    parts = [_explainer(name, method, noisy=False)(points) for points in noisy]
    mean = lambda *arrays: np.mean(arrays, 0)  # noqa: E731
    assert_same(found.attributions, tf.nest.map_structure(mean, *(part.attributions for part in parts)), 2e-5)
    clean = _explainer(name, method, noisy=False)(inputs)
    assert_same(found.outputs, clean.outputs)
    if clean.baseline_outputs is not None:
        assert_same(found.baseline_outputs, np.mean([part.baseline_outputs for part in parts], 0))
    if clean.completeness_gap is not None:
        gap = np.mean([part.completeness_gap for part in parts], 0)
        np.testing.assert_allclose(found.completeness_gap, gap, rtol=0, atol=1e-5 * np.abs(found.outputs).max())


@_each([("fixed_batch_size", "gradient_x_input"), ("functional", "integrated_gradients")])
def test_batch_chunk_and_order_change_no_number(name: str, method: str):
    inputs, explain, expected = STRUCTURES[name].inputs(7), _explainer(name, method), _explained(name, method)
    assert_same(explain(inputs, batch_size=3).attributions, expected.attributions)
    assert_same(explain(inputs, chunk_size=2).attributions, expected.attributions)
    order = np.array([4, 0, 6, 5, 1, 3, 2])
    found = explain(tf.nest.map_structure(lambda array: np.asarray(array)[order], inputs), chunk_size=5)
    both = (expected.attributions, expected.standard_error)  # the latter is rounding where the noise changes nothing
    assert_same((found.attributions, found.standard_error), tf.nest.map_structure(lambda array: array[order], both))


@pytest.mark.long  # tests/methods/noisy_test.py compiles
@_each([("functional", "integrated_gradients")])
def test_xla_changes_no_number(name: str, method: str):
    found = _explainer(name, method, jit_compile=True)(STRUCTURES[name].inputs(7))
    assert_same(found.attributions, _explained(name, method).attributions)


@_each([("functional", "deeplift")])
def test_a_tf_function_around_it_changes_no_number(name: str, method: str):
    explain, count = _explainer(name, method), STRUCTURES[name].batch or 7
    inside = tf.function(lambda inputs: explain(inputs).attributions)
    found = inside(tf.nest.map_structure(tf.constant, STRUCTURES[name].inputs(count)))
    assert_same(found, rows(_explained(name, method).attributions, count))

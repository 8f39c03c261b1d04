"""Every op of the table by itself: what the table says of it is true, DeepLIFT sums at it, and nothing is NaN."""

import itertools
import re

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.graph.ir import GROUP
from deepexplain_tf.graph.kinds import KINDS, Kind
from tests.ops.linear import LINEAR
from tests.ops.nonlinear import NONLINEAR

_CASES = {**LINEAR, **NONLINEAR}


def test_every_op_of_the_table_has_a_case():
    assert set(_CASES) == set(KINDS)
    assert set(LINEAR) == {name for name, kind in KINDS.items() if kind is Kind.LINEAR}


def _has_a_newer_version(name):
    base, number = re.fullmatch(r"(.+?)(?:V(\d))?", name).groups()
    return f"{base}V{int(number or 1) + 1}" in _CASES


_OF_ONE_RULE = (Kind.ACTIVATION, Kind.FUNCTION)  # of one input, with the rescale rule


def _at_length(number, name):
    """Whether there is a newer version, or others are like it: linear ones have TensorFlow's own gradient."""
    turn = 12 if name in LINEAR else 5 if KINDS[name] in _OF_ONE_RULE else 1
    return _has_a_newer_version(name) or number % turn > 0


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.long] * _at_length(i, n)) for i, n in enumerate(_CASES)]
)
def test_op(name):
    """The op explained in each set of inputs that can vary: two points each, and one baseline for all."""
    case = _CASES[name]
    points = case.points()
    for chosen in _subsets(case):
        function = tf.autograph.experimental.do_not_convert(_restricted(case, chosen))
        x, x0 = ([arrays[position] for position in chosen] for arrays in points)
        first = [array[0] for array in x0]
        signature = [tf.TensorSpec([None, *array.shape[1:]], tf.float64) for array in x]
        weights = np.random.default_rng(1).normal(size=_values(function, x).shape)
        with dx.DeepExplain(function, output="model", input_signature=signature) as de:
            kinds = {op.type: op.kind for op, _ in de.coverage("deeplift" if name == GROUP else "saliency")}
            explainer = de.explainer("deeplift", target=weights, batch_size=len(weights))
        assert name in kinds
        if len(chosen) == len(case.shapes) and KINDS[name] is Kind.LINEAR:
            assert set(kinds.values()) == {Kind.LINEAR}
        if set(kinds.values()) == {Kind.LINEAR}:
            _assert_affine(function, case, chosen)
        spread = [np.broadcast_to(one, array.shape) for one, array in zip(first, x, strict=True)]
        _assert_sums(case, function, explainer(_packed(x), baseline=_packed(x0)), x, x0, weights)
        _assert_sums(case, function, explainer(_packed(x), baseline=_packed(first)), x, spread, weights)


def _subsets(case):
    """Which inputs vary, all of them first."""
    positions = range(len(case.shapes))
    return [chosen for size in positions for chosen in itertools.combinations(positions, len(positions) - size)]


def _restricted(case, chosen):
    """The case as a function of some of its inputs; the others are the same for all examples."""
    if len(chosen) == len(case.shapes):
        return case.function
    constants = case.values(7, 1)

    def function(*given):
        rows = tf.shape(given[0])[:1]
        tensors = [tf.broadcast_to(array, tf.concat([rows, array.shape[1:]], 0)) for array in constants]
        for position, tensor in zip(chosen, given, strict=True):
            tensors[position] = tensor
        return case.function(*tensors)

    return function


def _packed(arrays):
    return arrays if len(arrays) > 1 else arrays[0]


def _values(function, arrays):
    return np.asarray(function(*map(tf.constant, arrays)), np.float64)


def _assert_affine(function, case, chosen):
    x, y = ([case.values(seed, 3)[position] for position in chosen] for seed in (2, 3))
    sums = [a + b for a, b in zip(x, y, strict=True)]
    both, zero, left, right = (_values(function, at) for at in (sums, [0 * array for array in x], x, y))
    tolerance = 1e-12 if case.rtol <= 1e-9 else 1e-6
    np.testing.assert_allclose(both + zero, left + right, rtol=0, atol=tolerance * (1 + np.abs(both).max()))


def _assert_sums(case, function, e, x, x0, weights):
    """Asserts Σ attribution = Δ(weights · output), to the tolerance and the rounding of what is added up."""
    outputs, starts = _values(function, x), _values(function, x0)
    axes = tuple(range(1, outputs.ndim))
    eps = np.finfo(np.float64 if case.rtol <= 1e-9 else np.float32).eps
    sizes = [np.sum(np.abs(weights * array), axes) for array in (outputs, starts, outputs - starts)]
    np.testing.assert_array_less(np.abs(e.outputs - np.sum(weights * outputs, axes)), 16 * eps * sizes[0] + 1e-300)
    np.testing.assert_array_less(
        np.abs(e.baseline_outputs - np.sum(weights * starts, axes)), 16 * eps * sizes[1] + 1e-300
    )
    arrays = e.attributions if isinstance(e.attributions, list) else [e.attributions]
    flat = np.concatenate([array.reshape(len(array), -1) for array in arrays], 1)
    assert np.isfinite(flat).all()
    error = np.abs(flat.sum(1) - np.sum(weights * (outputs - starts), axes))
    allowed = case.rtol * sizes[2] + 8 * eps * (sizes[0] + sizes[1] + np.abs(flat).sum(1))
    assert (error <= allowed).all(), (np.flatnonzero(error > allowed), error, allowed)

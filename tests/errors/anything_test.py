"""Anything at all is either right or refused."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import UnknownNameError
from tests.checks import PROMISED
from tests.errors.refused import METHODS, PATH, SIGNATURE, X
from tests.models import perceptron

_NUMBERS = st.one_of(
    st.integers(-5, 5), st.integers(), st.floats(), st.booleans(), st.complex_numbers(), st.text(max_size=2), st.none()
)
_ARRAYS = hnp.arrays(
    dtype=st.sampled_from(["float32", "float64", "float16", "int8", "int64", "uint8", "bool", "complex64", "U1", "O"]),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
_ANYTHING = st.recursive(
    st.one_of(_NUMBERS, _ARRAYS, st.binary(max_size=2), st.sampled_from([object(), len, int, X, X[0], ...])),
    lambda inside: st.one_of(
        st.lists(inside, max_size=3),
        st.tuples(inside),
        st.tuples(inside, inside),
        st.dictionaries(st.sampled_from(["features", "other"]), inside, max_size=2),
    ),
    max_leaves=4,
)
_fuzzed = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def open_explainer():
    with dx.DeepExplain(perceptron(), input_signature=SIGNATURE) as de:
        yield de.explainer("deeplift")


def _attributions_or_refusal(call: Callable[[], dx.Explanation]) -> np.ndarray | None:
    """Returns the attributions, None where the call was refused in due form."""
    try:
        attributions = call().attributions
    except PROMISED as error:
        assert 0 < len(str(error)) <= 500
        return None
    (array,) = tf.nest.flatten(attributions)
    assert array.dtype == np.float32
    assert np.isfinite(array).all()
    return array


def _is_index(value: Any, size: int) -> bool:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))
    return whole and -size <= value < size


def _is_target(value: Any) -> bool:
    """Whether a value is a target of two examples with three units, as the documentation has it."""
    if value is None or _is_index(value, 3):
        return True
    if isinstance(value, tuple):
        return len(value) == 1 and _is_index(value[0], 3)
    if isinstance(value, list):
        try:
            value = np.array(value)
        except ValueError:
            return False
    if not isinstance(value, np.ndarray):
        return False
    if value.dtype.kind in "iu":
        return value.shape in [(), (2,), (2, 1)] and bool(((value >= -3) & (value < 3)).all())
    with np.errstate(over="ignore"):
        return (
            value.dtype.kind == "f"
            and value.shape in [(2, 3), (1, 3)]
            and bool(np.isfinite(value.astype(np.float32)).all())
        )


@_fuzzed
@given(target=_ANYTHING)
def test_any_target_is_either_right_or_refused(open_explainer, target: Any):
    if callable(target):
        return
    # Weights as large as the dtype's range give attributions beyond it.
    if (
        isinstance(target, np.ndarray)
        and target.dtype.kind == "f"
        and target.size
        and float(np.abs(target).max()) > 1e30
    ):
        return
    found = _attributions_or_refusal(lambda: open_explainer(X, target=target))
    assert (found is not None) == _is_target(target)
    assert found is None or found.shape == (2, 4)


def _finite_numbers(value: Any, limit: float = 1e6) -> bool:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        return False
    return bool((np.abs(array.astype(np.float64)) <= limit).all())


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number, np.bool_)) and _finite_numbers(value)


def _is_baseline(value: Any) -> bool:
    """Whether a value is a baseline of two examples with four features, as the documentation has it."""
    if isinstance(value, (list, tuple)):
        return len(value) == 1 and not isinstance(value[0], (list, tuple, dict)) and _is_baseline(value[0])
    if isinstance(value, dict):
        return list(value) == ["features"] and _is_baseline([value["features"]])
    if value is None or _is_number(value):
        return True
    shaped = isinstance(value, np.ndarray) and value.shape in [(), (4,), (1, 4), (2, 4)]
    return shaped and _finite_numbers(value)


@_fuzzed
@given(baseline=_ANYTHING)
def test_any_baseline_is_either_right_or_refused(open_explainer, baseline: Any):
    leaves = [leaf for leaf in tf.nest.flatten(baseline) if np.ndim(leaf) in (0, 1, 2)]
    if any(_finite_numbers(leaf, np.inf) and not _finite_numbers(leaf) for leaf in leaves):
        return  # beyond what the nets of a test can tell apart from infinity
    found = _attributions_or_refusal(lambda: open_explainer(X, target=0, baseline=baseline))
    assert (found is not None) == _is_baseline(baseline)


def _is_input(value: Any) -> bool:
    """Whether a value is a batch of examples with four features, as the documentation has it."""
    if isinstance(value, tuple) and len(value) in (2, 3):  # with labels and weights
        rows = [{tuple(getattr(leaf, "shape", ()))[:1] for leaf in tf.nest.flatten(part)} for part in value]
        alone = isinstance(value[0], np.ndarray) or (isinstance(value[0], (list, tuple, dict)) and len(value[0]) == 1)
        return alone and _is_input(value[0]) and all(part == rows[0] for part in rows)
    if isinstance(value, (list, tuple)):
        return len(value) == 1 and isinstance(value[0], np.ndarray) and _is_input(value[0])
    if isinstance(value, dict):
        return list(value) == ["features"] and _is_input([value["features"]])
    shaped = isinstance(value, np.ndarray) and value.ndim == 2 and value.shape[1] == 4 and len(value) > 0
    return shaped and _finite_numbers(value)


@_fuzzed
@given(inputs=_ANYTHING)
def test_any_inputs_are_either_right_or_refused(open_explainer, inputs: Any):
    leaves = [leaf for leaf in tf.nest.flatten(inputs) if np.ndim(leaf) == 2]
    if any(_finite_numbers(leaf, np.inf) and not _finite_numbers(leaf) for leaf in leaves):
        return
    found = _attributions_or_refusal(lambda: open_explainer(inputs, target=0))
    assert (found is not None) == _is_input(inputs)


@_fuzzed
@given(
    name=st.sampled_from(["batch_size", "chunk_size", "seed", "progress", "n_steps", "quadrature", "tolerance"]),
    value=_ANYTHING,
)
def test_any_option_is_refused_when_the_explainer_is_made_or_never(name: str, value: Any):
    with dx.DeepExplain(perceptron()) as de:
        try:
            de.explainer(PATH, **{name: value})
        except PROMISED as error:
            assert 0 < len(str(error)) <= 500
            assert name in str(error)


@_fuzzed
@given(name=st.one_of(st.text(max_size=30), st.sampled_from(METHODS).map(lambda name: name[1:])))
def test_any_name_is_known_or_refused(name: str):
    with dx.DeepExplain(perceptron()) as de:
        try:
            assert de.explainer(name) is not None
        except UnknownNameError as error:
            assert len(str(error)) <= 500
            assert "closest: " in str(error) or "known: " in str(error)

"""Wrong options of methods and calls."""

import functools
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError, OptionError
from tests.checks import message_of
from tests.errors.refused import GRADIENT, PATH, X, ids, refuses, refuses_untraced
from tests.models import mlp

_OPTIONS: list[tuple[str, str, list[Any]]] = [
    (PATH, "n_steps", [0, -1, 1.5, "3", True, 100_001, 2**40, np.float64(3), [3], np.array(3), float("nan")]),
    (PATH, "quadrature", ["gauss", "", None, 3, ["midpoint"], "Midpoint", {}]),
    (PATH, "tolerance", [0, -1e-3, 1, 2.0, "a", True, float("nan"), float("inf"), [0.1], 1j, 10**400]),
    (PATH, "gap_tolerance", [0, 1, 2.0, "a", True, float("nan"), [0.1]]),
    (PATH, "max_steps", [100, 0, "a"]),  # there is no tolerance
    ("expected_gradients", "n_samples", [0, 1, -2, 2.0, "4", True, None, [4], 100_001, float("nan")]),
    ("expected_gradients", "sampling", ["Random", "", None, 3, ["random"], {}]),
    ("expected_gradients", "seed", [-1, 1.5, "3", True, [1]]),
    (PATH, "max_memory", [0, -1, 1.5, "", "a", "2 GiBB", "-1MiB", "0", True, [1], float("nan"), "nan", "1e9"]),
    ("epsilon_lrp", "epsilon", [0, -1e-3, "a", None, True, float("nan"), float("inf"), 1j, [1e-3], 10**400]),
    ("saliency", "signed", [1, 0.0, None, "yes", []]),
    ("occlusion", "window_shape", [(5,), (0,), (-1,), (1, 1), (), 3, "3", (1.5,), (True,), np.array(2)]),
    ("occlusion", "window_shape", [(None,), ("a",), {"features": (2,)}, ((2,),), [[2]], object(), (2**70,)]),
    ("occlusion", "strides", [(0,), (-2,), 1, (1, 1), (1.0,), "1", [None], np.array(1)]),
    ("occlusion", "normalise", ["sum", None, 1, [], ["count"], True]),
    ("shapley_sampling", "n_samples", [0, 1, 3, -2, 2.0, "4", True, None, [4], float("nan")]),
    ("shapley_sampling", "groups", [np.zeros(4), [0, 0, 0], 0, "a", ["a"] * 4, [True] * 4, [[0], [1, 2]]]),
    ("shapley_sampling", "groups", [np.zeros((1, 4), int), object(), {}, [None] * 4, [0, 1, 2, 1.5]]),
    ("occlusion", "groups", [np.zeros(4), [0, 0, 0], "a", [[0], [1, 2]]]),
    ("kernel_shap", "n_samples", [0, 1, 3, 6.0, "4", True, None, [4], float("nan")]),
    ("kernel_shap", "groups", [np.zeros(4), [0, 0, 0]]),
    ("lime", "n_samples", [0, 1, 2.0, "4", True, None, [4]]),
    ("lime", "kernel_width", [0, -1.0, 1e-7, "a", None, True, float("nan"), float("inf"), [0.1]]),
    ("lime", "alpha", [0, -1.0, 1e-7, "a", None, True, float("nan"), float("inf"), 1j]),
    ("lime", "groups", [np.zeros(4), [0, 0, 0]]),
    ("rise", "n_samples", [0, 1, 2.0, "4", True, None, [4]]),
    ("rise", "grid", [0, -1, 1.5, "a", (0,), (1, 1), (), True, [None], {"features": (2,)}, np.array(2)]),
    ("rise", "probability", [0, 1, -0.1, 1.5, "a", None, True, float("nan"), [0.5]]),
    ("rise", "groups", [np.zeros(4), [0, 0, 0]]),
    ("shapley_sampling", "seed", [-1, 1.5, "3", True, [1], float("nan"), np.array(3)]),
    (GRADIENT, "batch_size", [0, -1, 1.5, "3", True, np.float64(2), [1], float("nan")]),
    (PATH, "chunk_size", [0, -1, 1.5, "3", True, np.float64(2), [1], float("nan")]),
    (GRADIENT, "progress", [1, 0, None, "yes", []]),
]
_OF_SHAPE = ("window_shape", "strides", "grid", "groups")  # only the shape of the inputs can tell
_CASES = [(method, option, value) for method, option, values in _OPTIONS for value in values]
_SOME = [pytest.param(*case, marks=[pytest.mark.long] * (number % 4 > 0)) for number, case in enumerate(_CASES)]


# The last of these three tests has all cases, which the same check refuses.
@pytest.mark.parametrize(("method", "option", "value"), _SOME, ids=ids)
def test_an_option_out_of_its_range(method: str, option: str, value: Any):
    refuses((OptionError, TypeError), option, method=method, **{option: value})


@pytest.mark.parametrize(
    ("method", "option", "value"),
    [case for case in _SOME if case.values[1] not in _OF_SHAPE],
    ids=ids,
)
def test_an_option_out_of_its_range_before_the_model_runs(method: str, option: str, value: Any):
    refuses_untraced((OptionError, TypeError), option, method=method, **{option: value})


@functools.cache
def _opened() -> dx.DeepExplain:
    return dx.DeepExplain(mlp()).__enter__()


@pytest.mark.parametrize(("method", "option", "value"), _CASES, ids=ids)
def test_an_option_out_of_its_range_is_refused_when_an_explainer_is_made(method: str, option: str, value: Any):
    if option in _OF_SHAPE:
        return
    message_of(lambda: _opened().explainer(method, **{option: value}), (OptionError, TypeError), option)


def test_a_baseline_is_refused_when_an_explainer_is_made():
    with dx.DeepExplain(mlp()) as de:
        message_of(lambda: de.explainer(GRADIENT, baseline=0.0), OptionError, "baseline", GRADIENT)


def test_the_two_ways_to_stop_exclude_each_other():
    refuses(OptionError, "n_steps", "tolerance", method=PATH, n_steps=10, tolerance=1e-3)
    refuses(OptionError, "max_steps", "9", method=PATH, tolerance=1e-3, max_steps=8)


@pytest.mark.parametrize(
    ("method", "option", "value"),
    [
        ("occlusion", "window_shape", (2,)),
        ("occlusion", "strides", np.array([1])),
        ("occlusion", "normalise", "window"),
        ("rise", "grid", 3),
        ("rise", "grid", (3,)),
    ],
    ids=ids,
)
def test_groups_exclude_what_makes_other_features(method: str, option: str, value: Any):
    refuses_untraced(OptionError, option, "left out", "groups", method=method, groups=np.arange(4), **{option: value})


def test_too_few_coalitions_for_the_players():
    refuses(OptionError, "n_samples", "8", "twice the number of players", "Got 6", method="kernel_shap", n_samples=6)


@pytest.mark.parametrize("option", ["batch_size", "chunk_size"])
def test_a_size_beyond_any_whole_number_of_the_device(option: str):
    with dx.DeepExplain(mlp()) as de:
        expected = de.explain(PATH, X, target=1, n_steps=4).attributions
        try:
            found = de.explain(PATH, X, target=1, n_steps=4, **{option: 2**70}).attributions
        except OptionError as error:
            assert option in str(error)
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.long  # a process of its own
def test_a_chunk_that_does_not_fit_into_32_bits_ends():
    program = f"""
import numpy as np, deepexplain_tf as dx
with dx.DeepExplain(lambda x: x[:, 0] ** 2) as de:
    try:
        print(de.explain("integrated_gradients", np.ones((1, 2)), chunk_size={2**40}).attributions)
    except dx.DeepExplainError as error:
        print(error)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=40, check=True, text=True)
    assert "chunk_size" in ended.stdout or "[[1. 0.]]" in ended.stdout


@pytest.mark.parametrize("epsilon", [1e-60, 1e-300])
def test_a_stabilizer_that_the_dtype_rounds_to_zero_makes_no_nan(epsilon: float):
    """At z = 0 its quotient would be 0/0."""
    with dx.DeepExplain(lambda x: tf.reduce_sum(tf.nn.relu(x), 1)) as de:
        try:
            e = de.explain("epsilon_lrp", np.zeros((1, 2), np.float32), epsilon=epsilon)
        except DeepExplainError as error:
            assert "epsilon" in str(error)
        else:
            assert np.isfinite(e.attributions).all()


@pytest.mark.parametrize(
    ("method", "option", "word"),
    [
        (PATH, "n_step", "'n_steps'"),
        ("saliency", "singed", "'signed'"),
        ("occlusion", "window", "'window_shape'"),
        ("shapley_sampling", "samples", "'n_samples'"),
        ("epsilon_lrp", "eps", "'epsilon'"),
        (GRADIENT, "zzz", "'target'"),
        (PATH, "targets", "'target'"),
        (PATH, "baselines", "'baseline'"),
        (GRADIENT, "batchsize", "'batch_size'"),
    ],
)
def test_an_unknown_option_names_close_ones(method: str, option: str, word: str):
    refuses_untraced(OptionError, repr(option), method, word, method=method, **{option: 1})


@pytest.mark.parametrize(
    ("method", "option", "owner"),
    [
        (GRADIENT, "n_steps", PATH),
        (PATH, "epsilon", "epsilon_lrp"),
        ("deeplift", "window_shape", "occlusion"),
        ("occlusion", "n_samples", "shapley_sampling"),
        ("integrated_gradients", "signed", "saliency"),
    ],
)
def test_an_option_of_another_method_names_it(method: str, option: str, owner: str):
    refuses_untraced(OptionError, repr(option), method, owner, method=method, **{option: 1})


def test_an_explainer_refuses_options_when_it_is_made_and_when_it_is_called():
    with dx.DeepExplain(mlp()) as de:
        message_of(lambda: de.explainer(PATH, n_step=3), OptionError, "'n_step'", "'n_steps'")
        message_of(lambda: de.explainer(PATH, n_steps=0), OptionError, "n_steps")
        explain = de.explainer(PATH, target=0)
    message_of(lambda: explain(X, n_step=3), OptionError, "'n_step'", "'n_steps'")
    message_of(lambda: explain(X, n_steps=0), OptionError, "n_steps")

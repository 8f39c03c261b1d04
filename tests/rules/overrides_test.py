"""Users' own rules, and ops that pass without one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import UnsupportedOpError
from tests.checks import GENERAL, each_of, options_of
from tests.models import matrix_root, mlp, perceptron, python_inside, rectified, weight
from tests.users_rules import plainly, times

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


def explain(model: Any, method: str, x: Any = X, *, target: Any = 1, baseline: Any = None, **settings: Any) -> Any:
    with dx.DeepExplain(model, **settings) as de:
        options = {"signed": True} if method == "saliency" else {}
        return de.explain(method, x, target=target, baseline=baseline, **options)


def chain(x: tf.Tensor) -> tf.Tensor:
    """relu, tanh and a linear layer in between and behind, whose products are known."""
    return tf.matmul(tf.tanh(tf.matmul(tf.nn.relu(x + 0.1), FIRST) + 0.2), SECOND) + 0.3


FIRST, SECOND = weight(4, 4), weight(4, 2, seed=1)


def expected_chain(x: np.ndarray, relu: Any, tanh: Any) -> np.ndarray:
    """The gradient of the second output of `chain` with given derivatives of its two nonlinearities."""
    first, second = FIRST.numpy(), SECOND.numpy()
    pre = np.maximum(x + 0.1, 0) @ first + 0.2
    at_relu = (x > -0.1).astype(np.float32) if relu is None else relu
    at_tanh = 1 - np.tanh(pre) ** 2 if tanh is None else tanh
    return ((second[:, 1] * at_tanh) @ first.T if np.ndim(at_tanh) else (second[:, 1] @ first.T) * at_tanh) * at_relu


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize("method", ["saliency", "guided_backprop", "epsilon_lrp"])
def test_a_users_rule_replaces_the_gradient_of_its_op(method: str, as_list: bool):
    overrides = {"Relu": times(2.0, as_list), "Tanh": times(3.0, as_list)}
    e = explain(chain, method, overrides=overrides)
    expected = np.broadcast_to(expected_chain(X, 2.0, 3.0), X.shape) * (X if method == "epsilon_lrp" else 1)
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-5)
    np.testing.assert_allclose(e.outputs, chain(X)[:, 1], rtol=1e-5)


def test_a_users_rule_is_merged_over_the_map_of_the_method():
    """Only Tanh is replaced: the rectifier keeps the rule of the method."""
    upstream = expected_chain(X, 1.0, 3.0)
    guided = explain(chain, "guided_backprop", overrides={"Tanh": times(3.0)}).attributions
    np.testing.assert_allclose(guided, np.maximum(upstream, 0) * (X > -0.1), rtol=1e-5, atol=1e-7)
    deconvnet = explain(chain, "deconvnet", overrides={"Tanh": times(3.0)}).attributions
    np.testing.assert_allclose(deconvnet, np.broadcast_to(np.maximum(upstream, 0), X.shape), rtol=1e-5, atol=1e-7)


def test_an_op_type_goes_before_a_kind():
    both = {"activation": times(2.0), "Tanh": times(3.0)}
    for overrides in (both, dict(reversed(both.items()))):
        found = explain(chain, "saliency", overrides=overrides).attributions
        np.testing.assert_allclose(found, np.broadcast_to(expected_chain(X, 2.0, 3.0), X.shape), rtol=1e-5)


def test_a_users_kind_goes_before_the_op_type_of_a_method():
    """The map of guided backpropagation names Relu; the user's names its kind."""
    found = explain(chain, "guided_backprop", overrides={"activation": times(2.0)}).attributions
    np.testing.assert_allclose(found, np.broadcast_to(expected_chain(X, 2.0, 2.0), X.shape), rtol=1e-5)


@pytest.mark.parametrize("as_list", [False, True])
def test_a_users_rule_inside_deeplift(as_list: bool):
    """At Tanh the user's factor; at Relu the secant."""
    e = explain(chain, "deeplift", baseline=-1.0, overrides={"Tanh": times(3.0, as_list)})
    secant = (np.maximum(X + 0.1, 0) - 0) / (X + 1)
    np.testing.assert_allclose(e.attributions, (X + 1) * expected_chain(X, secant, 3.0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(e.outputs, chain(X)[:, 1], rtol=1e-5)
    np.testing.assert_allclose(e.baseline_outputs, np.repeat(chain(tf.fill([1, 4], -1.0))[:, 1], 3), rtol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_users_rule_inside_integrated_gradients_and_a_loop_on_the_device(jit_compile: bool):
    overrides = {"Relu": times(2.0), "Tanh": times(3.0)}
    e = explain(chain, "integrated_gradients", overrides=overrides, jit_compile=jit_compile)
    np.testing.assert_allclose(e.attributions, X * expected_chain(X, 2.0, 3.0), rtol=1e-5)


def test_a_users_rule_may_read_the_values_of_its_op():
    def relevance(op: Any, inputs: Sequence[tf.Tensor]) -> Any:
        @tf.custom_gradient
        def replaced(z: tf.Tensor):
            y = op(z)
            return y, lambda upstream: upstream * y / (z + 1e-4 * tf.where(z >= 0, 1.0, -1.0))

        return replaced(inputs[0])

    found = explain(chain, "gradient_x_input", overrides={"activation": relevance}).attributions
    np.testing.assert_allclose(found, explain(chain, "epsilon_lrp").attributions, rtol=1e-5, atol=1e-7)


def test_a_users_rule_sees_the_op():
    seen = []

    def watch(op: Any, inputs: Sequence[tf.Tensor]) -> Any:
        seen.append((op.type, op.name, str(op.kind.value), op.active, len(inputs)))
        return op(*inputs)

    found = explain(mlp(), "saliency", overrides={"Tanh": watch, "MatMul": watch})
    assert {entry[0] for entry in seen} == {"Tanh", "MatMul"}
    assert all("hidden" in name for kind, name, *_ in seen if kind == "Tanh")
    assert all(active == (0,) and count == 2 for kind, _, _, active, count in seen if kind == "MatMul")
    np.testing.assert_allclose(found.attributions, explain(mlp(), "saliency").attributions, rtol=1e-6)


def test_a_users_rule_at_an_op_with_several_inputs_and_outputs():
    def model(x: tf.Tensor) -> tf.Tensor:
        first, second = tf.split(x, 2, axis=1)
        return tf.reduce_sum(first * second, 1)

    def swapped(op: Any, inputs: Sequence[tf.Tensor]) -> Any:
        @tf.custom_gradient
        def replaced(*inputs: tf.Tensor):
            outputs = op(*inputs)
            zero = tf.zeros_like(inputs[0])
            return outputs, lambda a, b: [zero, tf.concat([b, a], 1)]

        return replaced(*inputs)

    plain = explain(model, "saliency", target=None).attributions
    found = explain(model, "saliency", target=None, overrides={"Split": swapped}).attributions
    np.testing.assert_allclose(found, np.concatenate([plain[:, 2:], plain[:, :2]], 1))


def test_a_users_rule_makes_a_refused_op_pass():
    with pytest.raises(UnsupportedOpError):
        explain(matrix_root, "deeplift", target=0)
    found = explain(matrix_root, "deeplift", target=0, overrides={"MatrixSquareRoot": plainly})
    assert np.abs(found.attributions).max() > 1e-3
    (note,) = found.notes  # a plain gradient is not complete
    assert "do not add up" in note and "MatrixSquareRoot" in note


def test_a_users_rule_for_groups():
    """GELU, spelled in several ops, is one op of type Group for methods that see it so."""

    def model(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(0.5 * x * (1 + tf.math.erf(x / np.float32(np.sqrt(2)))), 1)

    found = explain(model, "epsilon_lrp", target=None, overrides={"Group": times(7.0)}).attributions
    np.testing.assert_allclose(found, 7 * X, rtol=1e-5)
    found = explain(model, "deeplift", target=None, overrides={"Group": times(7.0)}).attributions
    np.testing.assert_allclose(found, 7 * X, rtol=1e-5)


def test_overrides_of_one_explainer_do_not_leak_into_another():
    model = rectified()
    before = explain(model, "saliency").attributions
    explain(model, "saliency", overrides={"Relu": times(0.0)})
    np.testing.assert_array_equal(explain(model, "saliency").attributions, before)
    overrides: Mapping[str, Any] = {"Relu": times(2.0)}
    with dx.DeepExplain(model, overrides=overrides) as de:
        first = de.explain("saliency", X, target=1).attributions
        overrides.clear()  # type: ignore[attr-defined]
        np.testing.assert_array_equal(de.explain("saliency", X, target=1).attributions, first)
        de.explain("gradient_x_input", X, target=1)
        assert np.abs(de.explain("gradient_x_input", X, target=1).attributions - X * before).max() > 1e-3


# --- strict ----------------------------------------------------------------------------------------------


def test_without_strict_an_op_without_a_rule_passes_by_plain_gradient_and_is_noted():
    with pytest.raises(UnsupportedOpError, match="MatrixSquareRoot"):
        explain(matrix_root, "deeplift", target=0, baseline=1.0)
    e = explain(matrix_root, "deeplift", target=0, baseline=1.0, strict=False)
    note, gap = e.notes
    assert "MatrixSquareRoot" in note and "rooted" in note
    assert "do not add up" in gap and "MatrixSquareRoot" in gap
    assert np.isfinite(e.attributions).all()
    overridden = explain(matrix_root, "deeplift", target=0, baseline=1.0, overrides={"MatrixSquareRoot": plainly})
    np.testing.assert_allclose(e.attributions, overridden.attributions, rtol=1e-6)


@each_of(GENERAL)
def test_without_strict_nothing_is_noted_where_every_op_has_a_rule(method: str):
    with dx.DeepExplain(perceptron(), strict=False) as de:
        notes = de.explain(method, X, target=0, **options_of(method, X)).notes
    assert not any("plain gradient" in note for note in notes)


def test_without_strict_python_is_still_refused():
    with pytest.raises(UnsupportedOpError, match="PyFunc"):
        explain(python_inside, "deeplift", target=None, strict=False)

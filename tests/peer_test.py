"""Numbers that the test suites of other libraries assert, on their tiny networks."""

from collections.abc import Callable, Mapping, Sequence
import json
import pathlib
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import Replaced, explain, in_turn, total

_PEERS = json.loads((pathlib.Path(__file__).parent / "data" / "peer_expectations.json").read_text())

Case = Mapping[str, Any]

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": tf.nn.relu,
    "tanh": tf.tanh,
    "linear": tf.identity,
    "square": tf.square,
    "sin": tf.sin,
    "neg_square": lambda z: -tf.square(z),
}
_AS_LAYERS = {"dense", "conv2d", "act", "add", "sub", "concat", "flatten"}
_RULES = {"epsilon": dx.rules.epsilon, "alpha1beta0": dx.rules.z_plus}
_NORMALISE = {"captum": "count", "deepexplain": "window", "sum": "none"}


def _emit(op: Mapping[str, Any], inputs: Sequence[tf.Tensor]) -> tf.Tensor:
    x = inputs[0]
    match op["op"]:
        case "dense":
            return tf.matmul(x, tf.constant(op["W"], x.dtype)) + tf.constant(op["b"], x.dtype)
        case "conv2d":
            convolved = tf.nn.conv2d(x, tf.constant(op["W"], x.dtype), 1, "VALID")
            return tf.nn.bias_add(convolved, tf.constant(op["b"], x.dtype))
        case "act":
            return _ACTIVATIONS[op["fn"]](x)
        case "add":
            return tf.add_n(inputs)
        case "sub":
            return inputs[0] - inputs[1]
        case "scale":
            return x * op["c"]
        case "shift":
            return x + op["c"]
        case "concat":
            return tf.concat(inputs, -1)
        case "flatten":
            return tf.reshape(x, [tf.shape(x)[0], int(np.prod(x.shape[1:]))])
        case "reduce_min":
            return tf.reduce_min(x, list(range(1, len(x.shape))), keepdims=True)
        case "reduce_max":
            return tf.reduce_max(x, -1, keepdims=True)
    raise AssertionError(op["op"])


def _as_callable(net: Mapping[str, Any]) -> Callable[..., tf.Tensor]:
    """Returns the net as a function of its inputs, in their order."""

    def network(*inputs: tf.Tensor) -> tf.Tensor:
        values = dict(zip(net["inputs"], inputs, strict=True))
        for op in net["ops"]:
            values[op["out"]] = _emit(op, [values[name] for name in op["in"]])
        return values[net["output"]]

    return network


def _layer(op: Mapping[str, Any]) -> keras.Layer:
    fixed = {"name": op["out"], "dtype": "float64"}
    match op["op"]:
        case "dense":
            return keras.layers.Dense(len(op["b"]), **fixed)
        case "conv2d":
            return keras.layers.Conv2D(len(op["b"]), np.shape(op["W"])[:2], **fixed)
        case "act":
            return keras.layers.Activation(op["fn"], **fixed)
        case "add":
            return keras.layers.Add(**fixed)
        case "sub":
            return keras.layers.Subtract(**fixed)
        case "concat":
            return keras.layers.Concatenate(**fixed)
        case "flatten":
            return keras.layers.Flatten(**fixed)
    raise AssertionError(op["op"])


def _is_layered(net: Mapping[str, Any]) -> bool:
    known = ("relu", "tanh", "linear")
    return all(op["op"] in _AS_LAYERS and op.get("fn", "linear") in known for op in net["ops"])


def _as_keras(net: Mapping[str, Any], inputs: Sequence[np.ndarray]) -> keras.Model:
    """Returns the net as a functional Keras model whose layers are named like the net's values."""
    ends = [
        keras.Input(array.shape[1:], name=name, dtype="float64")
        for name, array in zip(net["inputs"], inputs, strict=True)
    ]
    values = dict(zip(net["inputs"], ends, strict=True))
    for op in net["ops"]:
        layer = _layer(op)
        reads = [values[name] for name in op["in"]]
        values[op["out"]] = layer(reads if len(reads) > 1 else reads[0])
        if "W" in op:
            layer.set_weights([np.array(op["W"]), np.array(op["b"])])
    return keras.Model(ends if len(ends) > 1 else ends[0], values[net["output"]])


def _inputs(case: Case) -> list[np.ndarray]:
    return [np.array(array, np.float64) for array in case["inputs"]]


def _baselines(case: Case) -> list[np.ndarray]:
    inputs = _inputs(case)
    given = case.get("baselines", [0.0] * len(inputs))
    return [np.broadcast_to(np.array(b, np.float64), x.shape[1:]) for b, x in zip(given, inputs, strict=True)]


def _structure(arrays: Sequence[Any]) -> Any:
    return arrays[0] if len(arrays) == 1 else list(arrays)


def _explained(case: Case, model: Any, method: str, **settings: Any) -> list[np.ndarray]:
    """Returns the attributions of each input."""
    inputs = _structure(_inputs(case))
    target = total if case["target"] is None else case["target"]
    e = explain(model, method, inputs, target=target, **settings)
    attributions = e.attributions
    return list(attributions) if isinstance(attributions, list) else [attributions]


def _compared(case: Case, model: Any, method: str, **settings: Any) -> list[np.ndarray]:
    return _explained(case, model, method, baseline=_structure(_baselines(case)), **settings)


def _saliency(case: Case, model: Any) -> list[np.ndarray]:
    return _explained(case, model, "saliency")


def _gradient(case: Case, model: Any) -> list[np.ndarray]:
    return _explained(case, model, "saliency", signed=True)


def _named(method: str) -> Callable[[Case, Any], list[np.ndarray]]:
    return lambda case, model: _explained(case, model, method)


def _integrated_gradients(case: Case, model: Any) -> list[np.ndarray]:
    return _compared(case, model, "integrated_gradients", **_STEPS)


def _epsilon_lrp(case: Case, model: Any) -> list[np.ndarray]:
    return _explained(case, model, "epsilon_lrp", epsilon=case["params"]["epsilon"])


def _lrp_rules(case: Case, model: Any) -> list[np.ndarray]:
    """By the names of a Keras model's layers; the other nets have one rule for all."""
    rules = case["params"]["rules"]
    composite = [(name, _RULES[rule["rule"]](rule.get("epsilon", 1e-9))) for name, rule in rules.items()]
    if not isinstance(model, keras.Model):
        (rule,) = {rule for _, rule in composite}
        composite = [("dense", rule)]
    return _explained(case, model, "lrp", composite=composite)


def _deeplift(case: Case, model: Any) -> list[np.ndarray]:
    return _compared(case, model, "deeplift")


def _per_difference(case: Case, attributions: Sequence[np.ndarray]) -> list[np.ndarray]:
    differences = [x - start for x, start in zip(_inputs(case), _baselines(case), strict=True)]
    assert all((difference != 0).all() for difference in differences)
    return [a / difference for a, difference in zip(attributions, differences, strict=True)]


def _occlusion(case: Case, model: Any) -> list[np.ndarray]:
    params = case["params"]
    options = {"normalise": _NORMALISE[params["normalise"]], "window_shape": _structure(params["windows"])}
    if "strides" in params:
        options["strides"] = _structure(params["strides"])
    return _compared(case, model, "occlusion", **options)


def _players(case: Case) -> list[np.ndarray]:
    ids = [np.full(array.shape[1:], -1) for array in _inputs(case)]
    for player, members in enumerate(case["params"]["groups"]):
        for number, index in members:
            ids[number][tuple(index)] = player
    assert all((array >= 0).all() for array in ids)
    return ids


def _shapley(case: Case, model: Any) -> list[np.ndarray]:
    ids = _players(case)
    attributions = _compared(case, model, "shapley_sampling", groups=_structure(ids))
    if case["params"].get("reduce") != "groups":
        return attributions
    first = [(number, (slice(None), *index)) for (number, index), *_ in case["params"]["groups"]]
    return [np.stack([attributions[number][index] for number, index in first], 1)]


_RUN: dict[str, Callable[[Case, Any], list[np.ndarray]]] = {
    "saliency": _saliency,
    "gradient": _gradient,
    "gradient_x_input": _named("gradient_x_input"),
    "guided_backprop": _named("guided_backprop"),
    "deconvnet": _named("deconvnet"),
    "integrated_gradients": _integrated_gradients,
    "integrated_gradients_no_multiply": lambda case, m: _per_difference(case, _integrated_gradients(case, m)),
    "lrp_epsilon_modified_gradient": _epsilon_lrp,
    "lrp_rules": _lrp_rules,
    "deeplift_rescale": _deeplift,
    "deeplift_rescale_multipliers": lambda case, model: _per_difference(case, _deeplift(case, model)),
    "occlusion": _occlusion,
    "shapley": _shapley,
}
_LAYER = {"layer_gradient_x_activation": "gradient_x_input", "layer_deeplift_rescale": "deeplift"}
_PATH = ("layer_conductance", "internal_influence", "neuron_conductance")  # whose path runs through the inputs
_STEPS = {"n_steps": 4000, "quadrature": "midpoint", "chunk_size": 500}
_HERE = _PEERS["cases"]


def _ids(cases: Sequence[Case]) -> list[str]:
    return [case["id"] for case in cases]


def _assert_expected(case: Case, found: Sequence[np.ndarray]) -> None:
    expected = [np.array(array, np.float64) for array in case["expected"]]
    assert [array.shape for array in found] == [array.shape for array in expected]
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=case["atol"])


_CALLABLE = [case for case in _HERE if case["method"] not in (*_LAYER, *_PATH)]


@pytest.mark.parametrize("case", in_turn(_CALLABLE, 3), ids=_ids(_CALLABLE))
def test_callables(case):
    _assert_expected(case, _RUN[case["method"]](case, _as_callable(_PEERS["nets"][case["net"]])))


_KERAS = [case for case in _CALLABLE if _is_layered(_PEERS["nets"][case["net"]])]


@pytest.mark.parametrize("case", in_turn(_KERAS, 4), ids=_ids(_KERAS))
def test_keras_models(case):
    model = _as_keras(_PEERS["nets"][case["net"]], _inputs(case))
    _assert_expected(case, _RUN[case["method"]](case, model))


_LAYERS = [case for case in _HERE if case["method"] in _LAYER]


@pytest.mark.parametrize("case", _LAYERS, ids=_ids(_LAYERS))
def test_layers_of_keras_models(case):
    model = _as_keras(_PEERS["nets"][case["net"]], _inputs(case))
    method, name = _LAYER[case["method"]], case["params"]["layer"]
    settings = {"layer": name}
    if method == "deeplift":
        at_layer = keras.Model(model.inputs, model.get_layer(name).output)
        settings["baseline"] = np.asarray(at_layer(_structure([b[None] for b in _baselines(case)])))
    _assert_expected(case, _explained(case, model, method, **settings))


_PATHS = [case for case in _HERE if case["method"] in _PATH]


@pytest.mark.parametrize("case", _PATHS, ids=_ids(_PATHS))
def test_layers_of_keras_models_along_a_path_of_the_inputs(case):
    model = _as_keras(_PEERS["nets"][case["net"]], _inputs(case))
    method, name = case["method"], case["params"]["layer"]
    through = {"at": name, "neuron": case["params"]["neuron"]} if method == "neuron_conductance" else {"layer": name}
    steps = {**_STEPS, "n_steps": 3999}  # the exact 0.81 is as far as can be from what a peer asserts: its 0.8 ± 0.01
    _assert_expected(case, _compared(case, model, method, **through, **steps))


_MULTIPLIERS = [case for case in _HERE if case["method"] == "deeplift_rescale_multipliers"]


@pytest.mark.parametrize("case", _MULTIPLIERS, ids=_ids(_MULTIPLIERS))
def test_multipliers_are_the_gradient_of_the_rewritten_model(case):
    model = _as_callable(_PEERS["nets"][case["net"]])
    inputs = _inputs(case)
    output = np.asarray(model(*map(tf.constant, inputs)))
    chosen = np.ones_like(output) if case["target"] is None else np.eye(output.shape[-1])[[case["target"]]]
    replaced = Replaced(model, "deeplift", _baselines(case))
    _assert_expected(case, replaced.gradients(inputs, np.broadcast_to(chosen, output.shape)))


def test_every_case_is_run():
    ran = {case["id"] for case in (*_CALLABLE, *_LAYERS, *_PATHS)}
    assert ran == {case["id"] for case in _PEERS["cases"]}


def test_boolean_inputs_are_cast_to_the_model():
    (case,) = (case for case in _HERE if case["id"] == "captum-shapley-bool")
    signature = [tf.TensorSpec([None, 3], tf.float64)]
    groups = _players(case)[0]
    model = _as_callable(_PEERS["nets"][case["net"]])
    inputs = np.array(case["inputs"][0], bool)
    e = explain(model, "shapley_sampling", inputs, target=case["target"], input_signature=signature, groups=groups)
    _assert_expected(case, [e.attributions])

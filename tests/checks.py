"""What many tests do with the library: explain once, read multipliers, judge completeness, read what is refused."""

from collections.abc import Callable, Iterable, Sequence
import inspect
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.arguments.features import number_elements
from deepexplain_tf.errors import DeepExplainError
from deepexplain_tf.graph.activity import active_ops
from deepexplain_tf.graph.emit import emit
from deepexplain_tf.graph.ir import Program
from deepexplain_tf.graph.sources.source import source_of
from deepexplain_tf.graph.trace import trace
from deepexplain_tf.methods.activation_maps import ActivationMaps
from deepexplain_tf.methods.base import METHODS
from deepexplain_tf.methods.players import PlayerMethod
from deepexplain_tf.paths.quadrature import QUADRATURES

PROMISED = (DeepExplainError, TypeError, FileNotFoundError)
_CONSTRUCTOR = set(inspect.signature(dx.DeepExplain).parameters)

# Methods that look into a layer: with positions, such as a convolution, or by a name that they need.
MAPS = [name for name in METHODS if issubclass(METHODS[name], ActivationMaps)]
INSIDE = [*MAPS, "neuron_conductance"]
GENERAL = [name for name in METHODS if name not in INSIDE]  # explain any model
PAIRWISE = [name for name in METHODS if METHODS[name].pairwise]
BY_ELEMENT = [name for name in GENERAL if name not in PAIRWISE]  # attributions in the shape of what is explained
FROM_INPUTS = [name for name in METHODS if METHODS[name].from_inputs]  # wherever what is explained is
AT_LAYERS = [name for name in BY_ELEMENT if name not in FROM_INPUTS]  # explain a layer as if the rest were the model
MAPS_BY_WEIGHTS_ALONE = ("grad_cam_plus_plus", "hires_cam", "layer_cam")  # differ from grad_cam in arithmetic
# Methods that replace parts of the input and take no gradient: inputs may be whole numbers and strings.
EVALUATING = [name for name in METHODS if issubclass(METHODS[name], PlayerMethod)]
# Methods with steps along a path.
STEPPING = ("guided_ig", "idgi", "integrated_gradients", "internal_influence", "layer_conductance")
# Methods whose numbers come from random samples for each feature, so that one without effect has 0 on average only.
FITTED = ("lime", "rise")
# Methods that differ from gradient_x_input in a rule, or a sign, alone; or from shapley_sampling in their masks and in
# what they make of the values under them; or from layer_conductance in what is added up.
BY_RULE_ALONE = ("deconvnet", "guided_backprop", "internal_influence", "kernel_shap", "lime", "lrp", "rise", "saliency")

# Methods whose way through the library is that of another. What holds for all methods is tried with them at length.
ALIKE = (*BY_RULE_ALONE, *MAPS_BY_WEIGHTS_ALONE, "blur_ig", "guided_ig", "idgi", "layer_conductance")
DIFFERENT = [name for name in GENERAL if name not in ALIKE]

KINDS = ("deeplift", "integrated_gradients", "occlusion")  # one of each kind of program


def each_of(names: Sequence[str], short: Sequence[str] = (*DIFFERENT, *INSIDE)) -> Any:
    """Returns the mark of a test of methods; those that are not in `short`, or alike, are long."""
    values = [pytest.param(name, marks=[pytest.mark.long] * (name not in short or name in ALIKE)) for name in names]
    return pytest.mark.parametrize("method", values)


def in_turn(cases: Iterable[Any], of: int = 2) -> list[Any]:
    """Returns the cases as parameters of a test, of which all but one in `of` are long: many are alike."""
    return [pytest.param(case, marks=[pytest.mark.long] * (number % of > 0)) for number, case in enumerate(cases)]


def pairs_in_turn(pairs: Iterable[tuple[Any, Any]], of: int) -> list[Any]:
    """Returns the pairs as two parameters of a test, of which all but one in `of` are long.

    Of a product of two lists, `of` and the length of the second have no common factor, so that all members are tried.
    """
    return [pytest.param(*pair, marks=[pytest.mark.long] * (number % of > 0)) for number, pair in enumerate(pairs)]


def explain(model: Any, method: str, inputs: Any, **arguments: Any) -> Any:
    """Explains once; `arguments` are those of `DeepExplain` and of its `explain`, whose names are all different."""
    settings = {name: value for name, value in arguments.items() if name in _CONSTRUCTOR}
    with dx.DeepExplain(model, **settings) as de:
        return de.explain(method, inputs, **{k: v for k, v in arguments.items() if k not in _CONSTRUCTOR})


def options_of(method: str, like: Any) -> dict[str, Any]:
    """Returns options with which a method runs, in few evaluations.

    Args:
      method: its name.
      like: arrays `[any number, ...]` in the structure of what is explained.
    """
    generator = np.random.default_rng(9)
    if method == "kernel_shap":  # at most 6 players; from 4 on, their coalitions are not enumerated
        ids = number_elements([array.shape[1:] for array in tf.nest.flatten(like)])
        return {"n_samples": 14, "groups": tf.nest.pack_sequence_as(like, [numbers % 6 for numbers in ids])}
    if method == "expected_gradients":
        draw = lambda array: generator.normal(size=(3, *array.shape[1:]))  # noqa: E731
        return {"n_samples": 8, "background": tf.nest.map_structure(draw, like)}
    if method == "blur_ig":  # along the first axis, since not all of what is explained has channels
        sigmas = tf.nest.map_structure(lambda array: np.eye(1, array.ndim - 1)[0] * 1.5, like)
        return {"n_steps": 8, "max_sigma": sigmas}
    if method == "neuron_conductance":
        return {"n_steps": 8, "at": "conv"}  # a layer of the structure with positions
    few = {"shapley_sampling": 8, "lime": 16, "rise": 64}  # with fewer masks some feature is never kept
    if method in few:
        return {"n_samples": few[method]}
    steps = {"integrated_hessians": 4, **dict.fromkeys(STEPPING, 8)}
    return {"n_steps": steps[method]} if method in steps else {}


def total(outputs: tf.Tensor) -> tf.Tensor:
    """The sum over all units of each example, as a target."""
    return tf.reduce_sum(outputs, axis=list(range(1, len(outputs.shape))))


def derivative(value: Callable[[Any], Any], x: Any) -> np.ndarray:
    """Returns the gradient of the sum of `value(x)`, by TensorFlow alone."""
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        output = value(tensor)
    return np.asarray(tape.gradient(output, tensor))


def message_of(call: Callable[[], Any], kind: Any = DeepExplainError, *words: str) -> str:
    """Returns the message of the error that a call must raise, after checks of its form."""
    with pytest.raises(PROMISED) as caught:
        call()
    message = str(caught.value)
    assert isinstance(caught.value, kind), f"{type(caught.value).__name__}: {message}"
    assert 0 < len(message) <= 500
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


class Replaced:
    """A rewritten model with its replaced gradient."""

    def __init__(self, model: Any, rules: Any, baselines: list[Any] | None = None):
        """Args: the model, a method or an override map, and one baseline for each input."""
        if baselines is not None:
            baselines = baselines[0] if len(baselines) == 1 else list(baselines)
        with dx.DeepExplain(model) as de:
            self._rewritten = de.rewrite(rules, baselines)

    def outputs(self, inputs: list[np.ndarray]) -> np.ndarray:
        """Returns the values, which are the model's."""
        return np.asarray(self._rewritten(inputs[0] if len(inputs) == 1 else list(inputs)))

    def gradients(self, inputs: list[np.ndarray], upstream: Any = None) -> list[np.ndarray]:
        """Returns the replaced gradient of the sum of outputs (or of upstream · outputs) for each input."""
        tensors = [tf.constant(array) for array in inputs]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            outputs = self._rewritten(tensors[0] if len(tensors) == 1 else tensors)
        seed = None if upstream is None else tf.constant(upstream, outputs.dtype)
        found = tape.gradient(outputs, tensors, seed, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return [np.asarray(gradient) for gradient in found]


def multipliers(model: Any, inputs: list[np.ndarray], baselines: list[Any], upstream: Any = None) -> list[np.ndarray]:
    """Returns DeepLIFT's multipliers for inputs `[batch, ...]` and one baseline `[...]` for each of them."""
    return Replaced(model, "deeplift", baselines).gradients(inputs, upstream)


def assert_sums(
    function: Callable[..., Any], inputs: list[np.ndarray], baselines: list[Any], rtol: float = 1e-9
) -> None:
    """Asserts that multipliers are finite and that Σ m·Δin = Δout for each output of each example by itself.

    The error is compared with the largest change of the example's outputs; the outputs themselves are known to
    a rounding of theirs.
    """
    starts = [np.broadcast_to(np.asarray(b, x.dtype), x.shape) for b, x in zip(baselines, inputs, strict=True)]
    outputs = np.asarray(function(*map(tf.constant, inputs)))
    change = (outputs - np.asarray(function(*map(tf.constant, starts)))).reshape(len(outputs), -1)
    scale = np.abs(change).max(1)
    assert (scale > 0).any()
    rounding = 4 * np.finfo(outputs.dtype).eps
    replaced = Replaced(function, "deeplift", baselines)
    np.testing.assert_allclose(replaced.outputs(inputs), outputs, rtol=rounding, atol=rounding)
    for unit in range(change.shape[1]):
        upstream = np.zeros_like(change)
        upstream[:, unit] = 1
        found = replaced.gradients(inputs, upstream.reshape(outputs.shape))
        assert all(np.isfinite(array).all() for array in found)
        products = [m * (x - start) for m, x, start in zip(found, inputs, starts, strict=True)]
        summed = sum(array.astype(np.float64).reshape(len(array), -1).sum(1) for array in products)
        allowed = rtol * scale + rounding * np.abs(outputs.reshape(len(outputs), -1)[:, unit])
        assert (np.abs(summed - change[:, unit]) <= allowed).all(), (unit, summed, change[:, unit])


def relative_gap(e: Any) -> np.ndarray:
    """Returns |Σ attributions − Δ| / |Δ| of each example, after a check that Δ is no rounding noise."""
    arrays = [np.asarray(array, np.float64) for array in tf.nest.flatten(e.attributions)]
    assert all(np.isfinite(array).all() for array in arrays)
    summed = sum(array.reshape(len(array), -1).sum(1) for array in arrays)
    outputs, baseline_outputs = (np.asarray(ends, np.float64) for ends in (e.outputs, e.baseline_outputs))
    change = outputs - baseline_outputs
    assert (np.abs(change) > 1e-2 * np.maximum(np.abs(outputs), np.abs(baseline_outputs))).all()
    return np.abs(summed - change) / np.abs(change)


def program_of(function: Callable[..., Any], *inputs: np.ndarray) -> Program:
    """Returns the program of a function of arrays, whose batch stays open."""
    specs = [tf.TensorSpec([None, *array.shape[1:]], array.dtype) for array in inputs]
    return trace(source_of(function, input_signature=specs), None).program


def run_program(program: Program, *inputs: np.ndarray, jit_compile: bool = False) -> list[np.ndarray]:
    """Returns the values of a program that is emitted into a new graph."""

    @tf.function(autograph=False, jit_compile=jit_compile)
    def graph(*tensors: tf.Tensor) -> list[tf.Tensor]:
        return emit(program, dict(zip(program.inputs, tensors, strict=True)))

    return [np.asarray(tensor) for tensor in graph(*map(tf.constant, inputs))]


def run_gradients(program: Program, *inputs: np.ndarray) -> list[np.ndarray]:
    """Returns the gradient of the sum of a program's outputs by each of its inputs."""

    @tf.function(autograph=False)
    def graph(*tensors: tf.Tensor) -> list[tf.Tensor]:
        outputs = emit(program, dict(zip(program.inputs, tensors, strict=True)))
        return tf.gradients(outputs, list(tensors), unconnected_gradients=tf.UnconnectedGradients.ZERO)

    return [np.asarray(tensor) for tensor in graph(*map(tf.constant, inputs))]


def plain_integral(
    function: Callable[..., tf.Tensor], inputs: Sequence[np.ndarray], starts: Sequence[Any], n_steps: int = 8
) -> list[np.ndarray]:
    """Returns Integrated Gradients of `function(*inputs)` `[batch]`: one gradient after the other, nothing else."""
    totals = [np.zeros(x.shape) for x in inputs]
    for alpha, weight in zip(*QUADRATURES["gauss_legendre"](n_steps), strict=True):
        pairs = zip(inputs, starts, strict=True)
        points = [tf.constant((start + alpha * (x - start)).astype(x.dtype)) for x, start in pairs]
        with tf.GradientTape() as tape:
            tape.watch(points)
            value = function(*points)
        gradients = tape.gradient(value, points, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        totals = [
            total + weight * np.asarray(gradient, np.float64) for total, gradient in zip(totals, gradients, strict=True)
        ]
    return [(x - start) * total for x, start, total in zip(inputs, starts, totals, strict=True)]


def op_types(program: Program) -> list[str]:
    """Returns the op types between a program's inputs and its outputs, but for those that only pass a value on."""
    return [node.type for node, _ in active_ops(program.inputs, program.outputs) if node.type != "Identity"]


def described(program: Program) -> list[Any]:
    """Returns all that makes up a program: two that describe alike differ in nothing but their records."""
    nodes = program.nodes()
    known = [*(value.node for value in program.inputs), *nodes]
    number = {node: place for place, node in reversed(list(enumerate(known)))}
    return [
        (
            node.name,
            node.type,
            [(number[value.node], value.position) for value in node.inputs],
            node.specs,
            {name: described(body) for name, body in node.bodies.items()},
            node.gradient is None,
        )
        for node in nodes
    ] + [[(number[value.node], value.position) for value in program.outputs]]

"""Programs compiled with XLA, without XLA, or with XLA where it can."""

from collections.abc import Callable, Sequence
import functools
import re
from typing import Any

import tensorflow as tf

from deepexplain_tf.arguments.arrays import is_symbolic
from deepexplain_tf.engine.replicas import Shares, on_replicas
from deepexplain_tf.errors import DeepExplainError, ModelError, brief
from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.ir import Program
from deepexplain_tf.graph.kinds import BRANCHES, LOOPS

_MISSING = re.compile(r"(\w+) \(No registered")  # an op in a message of XLA
_XLA = ("XLA_", "tf2xla", "XLA compilation", "compile-time constant", "[_XlaMustCompile", "xla::")


def refused_by_xla(error: Exception) -> str:
    """Returns what XLA refuses, the names of ops or its message; `""` for an error of which XLA is not the cause."""
    text = str(error)
    missing = list(dict.fromkeys(_MISSING.findall(text)))
    if missing and any(word in text for word in _XLA):
        return f"{', '.join(missing)}, for which XLA has no kernel"
    return brief(error).rstrip(".") if any(word in text.partition("\n")[0] for word in _XLA) else ""


def build(graph: Callable[..., Any], signature: Sequence[Any], jit_compile: bool) -> Callable[..., Any]:
    """Returns a traced function of structures of tensors, or of `Shares` of them for replicas.

    Args:
      graph: the Python function to trace.
      signature: the specs of its arguments.
      jit_compile: whether XLA compiles it.

    Raises:
      ModelError: TensorFlow refuses the graph, for example for shapes that do not fit.
    """
    function = tf.function(graph, autograph=False, jit_compile=jit_compile, input_signature=list(signature))
    try:
        with tf.device(None):  # later calls may be on other devices
            traced = function.get_concrete_function()
    except DeepExplainError:
        raise
    except (ValueError, tf.errors.OpError) as error:
        raise ModelError(f"the ops of a model and their gradients must fit together. Got: {brief(error)}") from None

    tf_private.follow_replicas(traced)
    spread = functools.cache(functools.partial(on_replicas, traced, signature))

    def call(*arguments: Any) -> Any:
        if arguments and isinstance(arguments[0], Shares):
            (shares,) = arguments
            return tf_private.call_traced(spread(shares.strategy), shares.arguments)
        if tf.executing_eagerly() and not tf_private.tape_is_active():
            return tf_private.call_traced(traced, arguments)
        return traced(*arguments)

    return call


def run_once(graph: Callable[..., Any], signature: Sequence[Any], program: Program) -> Callable[..., Any]:
    """Returns a function of tensors for few calls, which emits a program: op by op, sooner than a trace, if it can.

    Args:
      graph: the Python function.
      signature: the specs of its arguments.
      program: the program. One with loops is traced.
    """
    traced = functools.cache(lambda: build(graph, signature, jit_compile=False))
    if any(node.type in LOOPS | BRANCHES for node in program.nodes()):
        return traced()

    def run(*arguments: Any) -> Any:
        try:
            return graph(*arguments)
        except Exception:  # of an op that only graphs know; what is wrong in both, the trace tells
            return traced()(*arguments)

    return run


def lower_to_ir(
    graph: Callable[..., Any], specs: Sequence[tf.TensorSpec], stage: str
) -> tuple[Any, Sequence[tf.Tensor]]:
    """Returns a function in a representation of XLA, and the captured tensors, its parameters after the arguments.

    Args:
      graph: the function.
      specs: the specs of its arguments, of fixed shapes.
      stage: a stage of `tf.function`'s `experimental_get_compiler_ir`, which names the representation.

    Raises:
      ModelError: XLA cannot compile it.
    """
    function = tf.function(graph, autograph=False, jit_compile=True)
    try:
        captured = function.get_concrete_function(*specs).captured_inputs
        return function.experimental_get_compiler_ir(*specs)(stage=stage), captured
    except DeepExplainError:
        raise
    except (ValueError, tf.errors.OpError) as error:
        raise ModelError(
            f"XLA must be able to compile every op of the program. Got {refused_by_xla(error) or brief(error)}."
        ) from None


class XlaWithFallback:
    """A program that XLA compiles if it can, and that TensorFlow runs without XLA if not."""

    def __init__(self, graph: Callable[..., Any], signature: Sequence[Any], refused: Callable[[str], None]):
        """Traces the program.

        Args:
          graph: the program.
          signature: the specs of its arguments.
          refused: called with the reason if XLA cannot compile the program.
        """
        self._make = lambda jit_compile: build(graph, signature, jit_compile)
        self._function = self._make(True)
        self._compiles: bool | None = None  # None until a call has shown it
        self._refused = refused

    def __call__(self, *arguments: Any) -> Any:
        if self._compiles is not None:
            return self._function(*arguments)
        try:
            result = self._function(*arguments)
        except tf.errors.OpError as error:
            plain = self._make(False)
            result = plain(*arguments)  # raises again if XLA was not the cause
            self._function, self._compiles = plain, False
            self._refused(refused_by_xla(error) or brief(error))
        else:
            # Inside a graph being built, a call does not compile yet.
            if not any(map(is_symbolic, tf.nest.flatten(result))):
                self._compiles = True
        return result

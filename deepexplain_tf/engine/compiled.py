"""Programs as TensorFlow runs them: with XLA, without, or with it where it can."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from deepexplain_tf.arguments.arrays import is_symbolic
from deepexplain_tf.errors import DeepExplainError, ModelError, brief


def build(graph: Callable[..., Any], signature: Sequence[Any], jit_compile: bool) -> Callable[..., Any]:
    """Returns a traced function; what TensorFlow refuses in it (shapes that do not fit) is said plainly."""
    function = tf.function(graph, autograph=False, jit_compile=jit_compile, input_signature=list(signature))
    try:
        function.get_concrete_function()
    except DeepExplainError:
        raise
    except (ValueError, tf.errors.OpError) as error:
        raise ModelError(f"the ops of a model and their gradients must fit. Got: {brief(error)}") from error
    return function


def lower_to_ir(
    graph: Callable[..., Any], specs: Sequence[tf.TensorSpec], stage: str
) -> tuple[Any, Sequence[tf.Tensor]]:
    """Returns what XLA reads a function of tensors of fixed shapes as, and what it captures: parameters in this order.

    Args:
      graph: the function.
      specs: of its arguments.
      stage: one of `tf.function`'s `experimental_get_compiler_ir`.

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
        raise ModelError(f"XLA must be able to compile every op. Got: {brief(error)}") from error


class XlaWithFallback:
    """A program that XLA compiles unless it cannot, and that TensorFlow runs as it is then."""

    def __init__(self, graph: Callable[..., Any], signature: Sequence[Any], refused: Callable[[str], None]):
        """Args: the program; the specs of its arguments; called with the reason, if XLA cannot compile it."""
        self._make = lambda jit_compile: build(graph, signature, jit_compile)
        self._function = self._make(True)
        self._compiles: bool | None = None  # not known before the first call
        self._refused = refused

    def __call__(self, *arguments: Any) -> Any:
        if self._compiles is not None:
            return self._function(*arguments)
        try:
            result = self._function(*arguments)
        except tf.errors.OpError as error:
            plain = self._make(False)
            result = plain(*arguments)  # raises anew where XLA is not to blame
            self._function, self._compiles = plain, False
            self._refused(brief(error))
        else:
            # Inside a graph being built it was only called, not compiled.
            if not any(map(is_symbolic, tf.nest.flatten(result))):
                self._compiles = True
        return result

"""Calls of compiled programs, and what an error there means: for the inputs, the target, the model, or XLA."""

from collections.abc import Callable, Mapping, Sequence
import contextlib
from typing import Any

import tensorflow as tf

from deepexplain_tf.engine.compiled import refused_by_xla
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.own_call import own_outputs
from deepexplain_tf.engine.replicas import ALONE, Replicas
from deepexplain_tf.errors import DeepExplainError, InputError, ModelError, TargetError, brief, name_of
from deepexplain_tf.graph import tf_private
from deepexplain_tf.objective.objective import Objective


class OutOfMemory(ModelError):
    """A device's memory does not hold what a program needs."""


def run_compiled(
    engine: Engine,
    objective: Objective,
    compiled: Callable[..., Any],
    shares: Sequence[Mapping[str, Any]],
    replicas: Replicas = ALONE,
    *,
    recorded: bool = False,
) -> Sequence[Any]:
    """Calls a compiled program on each replica; eager tapes record the call only if `recorded` is set.

    Args:
      engine: the engine of the model.
      objective: the explained function.
      compiled: the program.
      shares: for each replica, the arguments in their order; `"inputs"` has a batch for each input of the model.
      replicas: the replicas.
      recorded: whether tapes record the call.

    Raises:
      InputError: an op refuses its input, such as a token beyond the vocabulary.
      TargetError: an op of a callable target does.
      ModelError: an op fails for another reason.
    """
    hidden = not recorded and tf.executing_eagerly() and tf_private.tape_is_active()
    try:
        with tf.init_scope() if hidden else contextlib.nullcontext():
            return replicas.run(compiled, [list(arguments.values()) for arguments in shares])
    except tf.errors.OpError as error:
        raise _failure(error, engine, objective, [arguments["inputs"] for arguments in shares]) from None


def _failure(
    error: tf.errors.OpError, engine: Engine, objective: Objective, batches: Sequence[Any]
) -> DeepExplainError:
    """Returns the error to raise where a program fails.

    Args:
      error: TensorFlow's error.
      engine: the engine of the model.
      objective: the explained function.
      batches: the batch of each replica, `[rows, ...]` for each input of the model.
    """
    refused = refused_by_xla(error)
    if refused:
        able = "; jit_compile='auto' or False runs it without XLA" if engine.settings.jit_compile is True else ""
        return ModelError(f"XLA must be able to compile every op of the program. Got {refused}{able}.")
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return OutOfMemory(f"memory must hold at least one evaluation of the model. Got: {brief(error)}")
    if not isinstance(error, tf.errors.InvalidArgumentError):
        return ModelError(f"every op of the model must run on this device. Got: {brief(error)}")
    own = [_own_error(engine, inputs) for inputs in batches] if tf.executing_eagerly() else []
    by_itself = next((found for found in own if found is not None), None)
    if isinstance(by_itself, tf.errors.InvalidArgumentError):
        return InputError(
            f"the model must run on this batch of inputs, and its own call fails too. Got: {brief(by_itself)}"
        )
    if by_itself is None and objective.selection == "callable":
        name = name_of(objective.owner)
        return TargetError(f"the target {name} must run wherever the method evaluates the model. Got: {brief(error)}")
    return InputError(f"the model must run wherever the method evaluates it. Got: {brief(error)}")


def _own_error(engine: Engine, inputs: Sequence[Any]) -> Exception | None:
    """Returns the error of the model's own call on a batch, None if it runs."""
    try:
        own_outputs(engine.source, engine.model().traced, inputs)
    except Exception as error:  # a model may raise any
        return error
    return None

"""Programs on all replicas of a `tf.distribute.Strategy` at the same time, each with its share of the examples."""

from collections.abc import Callable, Iterator, Sequence
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.graph import tf_private


@dataclasses.dataclass(frozen=True)
class Replicas:
    """The devices of this process on which a call runs.

    Attributes:
      strategy: the strategy whose replicas share the examples, None for a single device.
    """

    strategy: tf.distribute.Strategy | None = None

    @classmethod
    def here(cls, *, differentiable: bool = False) -> "Replicas":
        """Returns the replicas of the strategy in whose scope this is.

        A single device, if this is inside of a replica, if other workers, which may not make the same call, have some
        of the replicas, or if the results may be differentiated, which TensorFlow does for variables of one replica.
        """
        strategy = tf.distribute.get_strategy()
        if differentiable or strategy.num_replicas_in_sync == 1 or not tf.distribute.in_cross_replica_context():
            return ALONE
        replicas = cls(strategy)
        return replicas if replicas.count == strategy.num_replicas_in_sync else ALONE

    @property
    def count(self) -> int:
        """The number of replicas."""
        return 1 if self.strategy is None else len(self.strategy.extended.worker_devices)

    def share(self, total: int) -> int:
        """Returns the number of examples of a replica, with padding, where all have the same."""
        return -(-total // self.count)

    def split(self, rows: np.ndarray, count: int) -> Iterator[tuple[np.ndarray, int]]:
        """Yields for each replica its rows, and how many of them are no padding.

        Args:
          rows: the numbers of rows, the same number for each replica.
          count: the number of rows without padding, which is at the end.
        """
        size = self.share(len(rows))
        for start in range(0, len(rows), size):
            yield rows[start : start + size], min(max(count - start, 0), size)

    def run(self, program: Callable[..., Any], arguments: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """Returns the results of a program on each replica, from its arguments there."""
        return program(Shares(self.strategy, arguments)) if self.strategy else [program(*arguments[0])]


ALONE = Replicas()


@dataclasses.dataclass(frozen=True)
class Shares:
    """The arguments of a program on each replica, in the place of its arguments; it returns a list of results."""

    strategy: tf.distribute.Strategy
    arguments: Sequence[Sequence[Any]]


def on_replicas(program: Any, signature: Sequence[Any], strategy: tf.distribute.Strategy) -> Any:
    """Returns a traced function of the arguments on each replica, which returns the results of each.

    A replica reads its own copies of trainable variables. Other variables are read on the first device and copied in
    each call, so that all replicas have the same numbers: statistics, of which Keras' training leaves other copies on
    each replica, and variables that are on one device alone. Without a graph around it, `Strategy.run` would run one
    replica after the other.

    Args:
      program: the program, a traced function.
      signature: the specs of its arguments.
      strategy: the strategy of the replicas.
    """
    captured = program.captured_inputs
    variables = {id(tf_private.own_handle(variable.handle)): variable for variable in program.graph.variables}
    copied = [handle for handle in captured if id(handle) in variables and not _is_shared(handle, strategy)]
    with strategy.scope():
        copies = {id(handle): _copy(variables[id(handle)]) for handle in copied}

    def own(handle: tf.Tensor) -> tf.Tensor:
        return copies[id(handle)].handle if id(handle) in copies else tf_private.own_handle(handle)

    def alone(*arguments: Any) -> Any:
        return tf_private.call_traced(program, arguments, [own(handle) for handle in captured])

    def together(*shares: Sequence[Any]) -> Any:
        for handle in copied:
            copies[id(handle)].assign(tf.raw_ops.ReadVariableOp(resource=handle, dtype=copies[id(handle)].dtype))
        parts = iter(shares)
        given = strategy.experimental_distribute_values_from_function(lambda _: next(parts))
        return strategy.experimental_local_results(strategy.run(alone, args=tuple(given)))

    count = Replicas(strategy).count
    return tf.function(together, autograph=False, input_signature=[list(signature)] * count).get_concrete_function()


def _is_shared(handle: tf.Tensor, strategy: tf.distribute.Strategy) -> bool:
    """Whether a handle is that of a variable of which all replicas of a strategy have equal copies."""
    variable = tf_private.mirrored(handle)
    return variable is not None and variable.distribute_strategy is strategy and bool(variable.trainable)


def _copy(variable: tf.Variable) -> tf.Variable:
    """Returns a variable like another, with a copy on each replica of the strategy whose scope this is in."""
    return tf.Variable(tf.zeros_like(variable), trainable=False, shape=variable.shape)

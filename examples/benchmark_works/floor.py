"""The floor: Integrated Gradients written by hand, which costs nothing but its gradients.

It takes only the quadrature nodes from the library, so that both compute the same integral.
"""

from collections.abc import Callable
import dataclasses

import numpy as np
import tensorflow as tf

from benchmark_works.base import Subject
from deepexplain_tf.paths.quadrature import gauss_legendre

Attribute = Callable[[int], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Setting:
    """The setting in which a side runs a work.

    Attributes:
      xla: whether XLA compiles the program; `"auto"` leaves the choice to the library.
      chunk: gradients at once; None leaves the choice to the library.
    """

    xla: bool | str = "auto"
    chunk: int | None = None

    def __str__(self) -> str:
        name = {True: "XLA", False: "plain", "auto": "auto"}[self.xla]
        return f"{name}, {self.chunk or 'auto'}"


def divided(rows: int, steps: int, chunk: int) -> tuple[int, int]:
    """Returns the numbers of rows, and of steps of each, in an even chunk of at most this size."""
    together = _divisor(rows, chunk)
    return together, _divisor(steps, chunk // together)


def _divisor(number: int, most: int) -> int:
    return next(found for found in range(min(number, most), 0, -1) if number % found == 0)


def floor(subject: Subject, setting: Setting) -> Attribute:
    """Returns steps → attributions against zeros, from a loop of `tf.gradients` over even chunks."""
    if setting.chunk is None:
        raise ValueError("the floor needs a chunk size. Got None.")
    chunk = setting.chunk

    @tf.function(jit_compile=setting.xla, autograph=False)
    def attributions(inputs: tf.Tensor, nodes: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        ends = subject.start(inputs)
        rows, together = divided(ends.shape[0], nodes.shape[0], chunk)
        shape = ends.shape[1:]
        alphas, parts = (tf.reshape(tf.cast(values, ends.dtype), [-1, together]) for values in (nodes, weights))

        def integral(x: tf.Tensor) -> tf.Tensor:
            start = tf.zeros_like(x)

            def add(number: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                alpha = tf.reshape(alphas[number], [together] + [1] * len(x.shape))
                points = tf.reshape(start + alpha * (x - start), [together * rows, *shape])
                gradient = tf.gradients(subject.logits(points)[:, subject.target], points)[0]
                each = tf.reshape(gradient, [together, -1])
                return number + 1, total + tf.linalg.matvec(each, parts[number], transpose_a=True)

            _, total = tf.while_loop(
                lambda number, _: number < alphas.shape[0],
                add,
                (tf.constant(0), tf.zeros([np.prod(x.shape)], x.dtype)),
                parallel_iterations=1,
            )
            return (x - start) * tf.reshape(total, x.shape)

        blocks = tf.reshape(ends, [-1, rows, *shape])
        return tf.reshape(tf.map_fn(integral, blocks, parallel_iterations=1), ends.shape)

    def attribute(steps: int) -> np.ndarray:
        nodes, weights = map(tf.constant, gauss_legendre(steps))
        return attributions(tf.constant(subject.x), nodes, weights).numpy()

    return attribute

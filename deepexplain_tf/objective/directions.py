"""Derivatives along directions: of the explained tensors, and of the gradient of the target."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.objective.gradients import gradients_of
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite

Tensors = Sequence[tf.Tensor]


def explained_along(scope: Scope, directions: Tensors) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Returns the explained tensors, and their derivatives along directions of the model's inputs.

    Args:
      scope: the examples.
      directions: `[batch, ...]` for each input of the model.

    Raises:
      UnsupportedOpError: an op before the explained tensors has no gradient, or its gradient has none.
    """
    points = [tf.identity(tensor) for tensor in scope.inputs]
    explained = [tf.identity(tensor) for tensor in scope.at_inputs(points).explained]
    upstream = [tf.zeros_like(tensor) for tensor in explained]
    # A gradient is linear in its upstream gradient, and the derivative by that is the transpose of the transpose.
    transposed = _dense(gradients_of(explained, points, upstream))
    return explained, gradients_of(transposed, upstream, directions, second=True)


def gradient_along(
    scope: Scope, explained: Tensors, directions: Tensors, composite: Composite
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Returns the gradient of the target, and its derivative along directions: the Hessian times a vector.

    Args:
      scope: the examples; `Scope.twice_differentiable`.
      explained: the points, `[rows, ...]` for each explained tensor.
      directions: `[rows, ...]` for each explained tensor.
      composite: single-valued rules.

    Raises:
      UnsupportedOpError: an op has no gradient, or its gradient has none.
    """
    points = [tf.identity(tensor) for tensor in explained]
    gradients = _dense(scope.gradient(points, composite)[1])
    return gradients, _dense(gradients_of(gradients, points, directions, second=True))


def _dense(gradients: Tensors) -> list[tf.Tensor]:
    return [tf.convert_to_tensor(gradient) for gradient in gradients]  # that of a gather are slices

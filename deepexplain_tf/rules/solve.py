"""The rule for systems of linear equations and for matrix inverses."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, sum_to_shape, twin


@RULES.register("solve")
@twin
def solve(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """A·y = b: the mean of Δy = A⁻¹(Δb − ΔA·y₀) and Δy = A₀⁻¹(Δb − ΔA·y). Exact.

    For MatrixSolve, MatrixTriangularSolve (only one triangle of A counts) and MatrixInverse (b is the identity matrix).
    """
    ends = [_transposed_solution(op, point, upstream[0]) for point in (x, baseline)]
    matrix = sum(
        tf.matmul(end, y, adjoint_b=True) for end, y in zip(ends, (baseline.outputs[0], x.outputs[0]), strict=True)
    )
    if op.node.attrs["adjoint"].b:
        matrix = tf.linalg.adjoint(matrix)
    if op.type == "MatrixTriangularSolve":
        lower = op.node.attrs["lower"].b
        matrix = tf.linalg.band_part(matrix, -1 if lower else 0, 0 if lower else -1)
    multipliers = {0: -matrix / 2, 1: (ends[0] + ends[1]) / 2}
    return [sum_to_shape(multipliers[position], x.inputs[position]) for position in op.active]


def _transposed_solution(op: Op, point: Point, right: tf.Tensor) -> tf.Tensor:
    """Returns A⁻ᵀ·right, with A the matrix that the op solves with."""
    adjoint = not op.node.attrs["adjoint"].b
    if op.type == "MatrixInverse":
        return tf.matmul(point.outputs[0], right, adjoint_a=True)
    if op.type == "MatrixSolve":
        matrix = point.inputs[0]
        shape = tf.concat([tf.shape(right)[:-2], tf.shape(matrix)[-2:]], 0)  # the batch may share a baseline
        return tf.linalg.solve(tf.broadcast_to(matrix, shape), right, adjoint=adjoint)
    return tf.linalg.triangular_solve(point.inputs[0], right, lower=op.node.attrs["lower"].b, adjoint=adjoint)

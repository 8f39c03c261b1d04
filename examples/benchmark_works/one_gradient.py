"""Methods of a single backward pass beside the same gradient in a bare `tf.function`."""

from collections.abc import Mapping, Sequence
import functools
from typing import Any

import tensorflow as tf

from benchmark_works.base import Subject
import deepexplain_tf as dx
from interleaved import Pairs

METHODS = ("gradient_x_input", "epsilon_lrp", "deeplift")
_KINDS = {"plain": False, "XLA": True}
_WARM = 2  # calls before those that count: tracing, and what TensorFlow does at a second call


def one_gradient(
    name: str, subject: Subject, kinds: Sequence[str], limits: Mapping[str, float], repeats: int, limit: float
) -> list[dict[str, Any]]:
    """Returns a row for each method: milliseconds of both sides, and the ratio to each kind of bare gradient.

    Args:
      name: the name of the work.
      subject: the work; its whole batch is one call.
      kinds: the kinds of bare gradient, `"plain"` and `"XLA"`.
      limits: method → the largest ratio to the plain gradient that it should have.
      repeats: the number of pairs of calls that are timed.
      limit: the seconds after which no new pair begins.
    """
    bare = {kind: _bare(subject, xla=_KINDS[kind]) for kind in kinds}
    rows = []
    for method in METHODS:
        with dx.DeepExplain(subject.model, layer=subject.layer) as de:
            explainer = de.explainer(method, target=subject.target, batch_size=len(subject.x))
        ours = functools.partial(explainer, subject.x)
        row: dict[str, Any] = {"work": name, "method": method}
        for kind, gradient in bare.items():
            Pairs(ours, gradient, _WARM)
            pairs = Pairs(ours, gradient, repeats, limit)
            own, theirs = pairs.milliseconds
            row |= {"ours ms": own, f"{kind} ms": theirs, f"{kind} ratio": pairs.ratio}
        if method in limits and "plain" in kinds:
            row |= {"limit": limits[method], "reached": row["plain ratio"] <= limits[method]}
        rows.append(row)
    return rows


def _bare(subject: Subject, *, xla: bool) -> Any:
    """Returns a call of the gradient of the target at the explained tensor, from an array to an array."""

    @tf.function(jit_compile=xla, autograph=False)
    def gradient(inputs: tf.Tensor) -> tf.Tensor:
        points = subject.start(inputs)
        return tf.gradients(subject.logits(points)[:, subject.target], points)[0]

    return lambda: gradient(tf.constant(subject.x)).numpy()

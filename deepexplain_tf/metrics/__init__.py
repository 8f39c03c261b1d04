"""Metrics: scores of attributions. Each is one file, registered once; importing it here makes it known.

What all metrics have in common:

- `fn`: inputs, as tensors in their structure → floats `[batch]` (or `[batch, 1]`), such as a class's logit. With one
  argument it gets the whole batch in its order, row i being example i, so that it may know the examples' labels; a
  batch of more than `chunk_size` examples is cut into slices. With two, `fn(inputs, example)`, it gets any mixture of
  rows, and in `example` `[rows]` the number of the example that each row is of: the faster way for few examples. It is
  traced once; one that cannot be traced gets NumPy arrays.
- `inputs`: an array `[batch, ...]`, or a list, tuple or dict of arrays.
- `attributions`: in the structure and shapes of `inputs`, or an `Explanation`, for one result; or a dict of several by
  name for a dict of results, which share the evaluations of `fn` wherever they can. (A dict with the names of the
  inputs is one.)
- `baseline`: None (zeros), a number, one example or one per example, in the structure of `inputs`.
- `groups`: what a feature is. None or `"elements"`: every element. `"positions"`: all elements along the last axis
  together, as the channels of a pixel or the embedding of a token. Or whole numbers shaped like one example, in the
  structure of `inputs`: elements with one number are one feature, in whichever input they are.
- `chunk_size`: evaluations of `fn` at once, ≥ 1; default 128. It changes no number.
- Metrics that explain anew take `explain`, a function that returns attributions or an `Explanation`, or a dict of them.
- A result is a `Score`: `per_example`, `mean`, and `interval`, the 95 % confidence interval of the mean.

Example:
  >>> import deepexplain_tf as dx
  >>> x = np.array([[2.0, 3.0], [4.0, 1.0]])
  >>> with dx.DeepExplain(lambda x: x[:, 0] * x[:, 1]) as de:
  ...     several = {name: de.explain(name, x) for name in ("integrated_gradients", "gradient_x_input")}
  >>> scores = dx.metrics.completeness(lambda x: x[:, 0] * x[:, 1], x, several)
  >>> {name: score.per_example.round(6) + 0 for name, score in scores.items()}
  {'integrated_gradients': array([0., 0.]), 'gradient_x_input': array([6., 4.])}
"""

from deepexplain_tf.metrics.base import METRICS, Metric, Score
from deepexplain_tf.metrics.completeness import Completeness, completeness
from deepexplain_tf.metrics.curves import Curve
from deepexplain_tf.metrics.deletion import deletion
from deepexplain_tf.metrics.infidelity import infidelity
from deepexplain_tf.metrics.insertion import insertion
from deepexplain_tf.metrics.max_sensitivity import max_sensitivity
from deepexplain_tf.metrics.randomisation import Randomisation, randomisation
from deepexplain_tf.metrics.sensitivity_n import SensitivityN, draw_subsets, sensitivity_n

__all__ = [
    "METRICS",
    "Completeness",
    "Curve",
    "Metric",
    "Randomisation",
    "Score",
    "SensitivityN",
    "completeness",
    "deletion",
    "draw_subsets",
    "infidelity",
    "insertion",
    "list_metrics",
    "max_sensitivity",
    "randomisation",
    "sensitivity_n",
]


def list_metrics() -> list[str]:
    """Returns the names of the metrics."""
    return list(METRICS)

"""Metrics that score attributions; each is one file, which registers it when this module imports it.

The conventions of all metrics:

- `fn`: a function of inputs, as tensors in their structure, that returns the target as floats `[batch]` or `[batch,
  1]`, such as the logit of a class; metrics of attributions alone take none. `fn(inputs)` gets the whole batch in its
  order, row i being example i, and may use labels in that order; but a batch of more than `chunk_size` examples is cut
  into slices. `fn(inputs, example)` gets any mixture of rows, and in `example` `[rows]` the number of each row's
  example; it is faster for few examples. `fn` is traced once; a function that cannot be traced gets NumPy arrays.
- `inputs`: an array `[batch, ...]`, or a list, tuple or dict of arrays.
- `attributions`: an `Explanation`, or arrays in the structure and shapes of `inputs`. A dict of several of these by
  name gives a dict of results, which share the evaluations of `fn` wherever possible. (A dict whose keys are the names
  of the inputs is a single set of attributions.)
- `explain`: for metrics that explain anew, a function that returns attributions or an `Explanation`, or a dict of such
  functions by name.
- `baseline`: None (zeros), a number, one example or one per example, in the structure of `inputs`.
- `groups`: which elements form a feature. None or `"elements"`: every element alone. `"positions"`: all elements along
  the last axis, such as the channels of a pixel or the embedding of a token. Or whole numbers shaped like one example,
  in the structure of `inputs`: elements with the same number, in any of the inputs, form one feature.
- `chunk_size`: evaluations of `fn` at once, ≥ 1; default 128. It changes scores by rounding only.
- The result is a `Score` with `per_example`, `mean`, and `interval`, the 95 % confidence interval of the mean.
- DeepExplainError: an argument does not fit, before `fn` or `explain` is called; `fn` fails or returns NaN or Inf; or
  `explain` does not return finite attributions of the examples. TypeError: `fn` or `explain` is not a function.

Example:
  >>> import deepexplain_tf as dx
  >>> x = np.array([[2.0, 3.0], [4.0, 1.0]])
  >>> with dx.DeepExplain(lambda x: x[:, 0] * x[:, 1]) as de:
  ...     several = {name: de.explain(name, x) for name in ("integrated_gradients", "gradient_x_input")}
  >>> scores = dx.metrics.completeness(lambda x: x[:, 0] * x[:, 1], x, several)
  >>> {name: score.per_example.round(6) + 0 for name, score in scores.items()}
  {'integrated_gradients': array([0., 0.]), 'gradient_x_input': array([6., 4.])}
"""

from deepexplain_tf.metrics.average_drop import average_drop
from deepexplain_tf.metrics.average_increase import average_increase
from deepexplain_tf.metrics.base import METRICS, Metric, Score
from deepexplain_tf.metrics.baseline_report import BaselineFigures, BaselineReport, baseline_report
from deepexplain_tf.metrics.completeness import Completeness, completeness
from deepexplain_tf.metrics.complexity import complexity
from deepexplain_tf.metrics.curves import Curve
from deepexplain_tf.metrics.data_randomisation import DataRandomisation, data_randomisation
from deepexplain_tf.metrics.deletion import deletion
from deepexplain_tf.metrics.faithfulness_correlation import faithfulness_correlation
from deepexplain_tf.metrics.infidelity import infidelity
from deepexplain_tf.metrics.insertion import insertion
from deepexplain_tf.metrics.local_lipschitz_estimate import local_lipschitz_estimate
from deepexplain_tf.metrics.max_sensitivity import max_sensitivity
from deepexplain_tf.metrics.monotonicity import Monotonicity, monotonicity
from deepexplain_tf.metrics.monotonicity_correlation import monotonicity_correlation
from deepexplain_tf.metrics.mu_fidelity import mu_fidelity
from deepexplain_tf.metrics.pixel_flipping import PixelFlipping, pixel_flipping
from deepexplain_tf.metrics.pointing_game import pointing_game
from deepexplain_tf.metrics.randomisation import Randomisation, randomisation
from deepexplain_tf.metrics.relative_input_stability import relative_input_stability
from deepexplain_tf.metrics.relevance_mass_accuracy import relevance_mass_accuracy
from deepexplain_tf.metrics.relevance_rank_accuracy import relevance_rank_accuracy
from deepexplain_tf.metrics.sensitivity_n import SensitivityN, sensitivity_n
from deepexplain_tf.metrics.sparseness import sparseness
from deepexplain_tf.metrics.subsets import draw_subsets

__all__ = [
    "METRICS",
    "BaselineFigures",
    "BaselineReport",
    "Completeness",
    "Curve",
    "DataRandomisation",
    "Metric",
    "Monotonicity",
    "PixelFlipping",
    "Randomisation",
    "Score",
    "SensitivityN",
    "average_drop",
    "average_increase",
    "baseline_report",
    "completeness",
    "complexity",
    "data_randomisation",
    "deletion",
    "draw_subsets",
    "faithfulness_correlation",
    "infidelity",
    "insertion",
    "list_metrics",
    "local_lipschitz_estimate",
    "max_sensitivity",
    "monotonicity",
    "monotonicity_correlation",
    "mu_fidelity",
    "pixel_flipping",
    "pointing_game",
    "randomisation",
    "relative_input_stability",
    "relevance_mass_accuracy",
    "relevance_rank_accuracy",
    "sensitivity_n",
    "sparseness",
]


def list_metrics() -> list[str]:
    """Returns the names of the metrics, sorted."""
    return list(METRICS)

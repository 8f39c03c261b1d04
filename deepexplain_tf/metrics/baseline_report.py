"""A report on baselines: is nothing of interest there, and which features can it never blame?"""

from collections.abc import Iterator, Mapping
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require_whole
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.errors import InputError, ModelError, brief, shortened
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.evaluation import Arrays, Function, Rows
from deepexplain_tf.writing.table import render

_LARGE_SHARE, _LARGE_ENTROPY = 0.1, 0.9  # a baseline is neutral where its output is below, or its entropy above
_SMALL_ENTROPY = 0.5
_MANY_EQUAL, _MOSTLY_FLAT = 0.05, 0.8
_MOST = 0.9  # of the total variation
_ROUNDING = 1e-2  # of sums of probabilities, in half precision


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class BaselineFigures:
    """What is to be known of one baseline x₀, a float64 array `[batch]` each.

    Attributes:
      outputs: F(x₀).
      share: |F(x₀)| / |F(x)|; NaN where F(x) is zero. Near 0 for a neutral baseline.
      entropy: −Σₖ pₖ ln pₖ / ln K of the classes' probabilities at x₀, from 0 (sure) to 1 (all alike); None without
        probabilities.
      saturation: the share of the straight path from x₀ to x on which the output hardly changes: 1 − the smallest share
        of its steps that has 90 % of the sum of |changes|; NaN where nothing changes.
      distance: the root of the mean of (x − x₀)² over all elements, in units of the inputs.
      equal: the share of the elements that are the same in x and x₀. They get nothing from any method that multiplies
        by x − x₀.
    """

    outputs: np.ndarray
    share: np.ndarray
    entropy: np.ndarray | None
    saturation: np.ndarray
    distance: np.ndarray
    equal: np.ndarray

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against the baseline, in words; judged by medians over the examples."""
        return tuple(self._warnings())

    def _warnings(self) -> Iterator[str]:
        share, entropy = _median(self.share), np.nan if self.entropy is None else _median(self.entropy)
        if share > _LARGE_SHARE and not entropy >= _LARGE_ENTROPY:
            yield f"is not neutral: its output is {share:.2g} of that of the examples"
        if entropy < _SMALL_ENTROPY:
            yield f"says something by itself: the entropy of the classes is {entropy:.2g} of the largest"
        if (equal := _median(self.equal)) > _MANY_EQUAL:
            yield f"has the value of the input in {equal:.0%} of the elements, which get nothing"
        if (flat := _median(self.saturation)) > _MOSTLY_FLAT:
            yield f"is saturated: on {flat:.0%} of the path the output hardly changes, so that it needs many steps"

    @property
    def cells(self) -> list[str]:
        """Its numbers in the table: medians over the examples."""
        columns = (self.outputs, self.share, self.entropy, self.saturation, self.distance, self.equal)
        return ["–" if column is None else f"{_median(column):.3g}" for column in columns]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class BaselineReport:
    """Baselines beside each other; prints as a table of medians over the examples, with warnings.

    Attributes:
      baselines: name → its figures, in the order in which they were given.
    """

    baselines: Mapping[str, BaselineFigures]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against each baseline, in words."""
        return tuple(f"{name} {text}" for name, figures in self.baselines.items() for text in figures.warnings)

    def __str__(self) -> str:
        header = ["baseline", "output", "share", "entropy", "saturation", "distance", "equal"]
        table = render(header, [[name, *figures.cells] for name, figures in self.baselines.items()])
        return "\n".join([table, *(f"! {warning}" for warning in self.warnings)])

    def __repr__(self) -> str:
        return f"BaselineReport of {len(self.baselines)} baselines\n{self}"


def baseline_report(
    fn: Any,
    inputs: Structure,
    baselines: Mapping[str, Structure],
    *,
    probabilities: Any = None,
    steps: int = 32,
    chunk_size: int | None = None,
) -> BaselineReport:
    """The checklist for baselines: output, entropy, saturation of the path, distance, and elements that are equal.

    Attributions answer why F(x) differs from F(x₀); a good x₀ has nothing of interest, for the model too. The formulas
    stand at `BaselineFigures`. It costs `steps` + 1 evaluations for each example and baseline.

    Args:
      fn: inputs → `[batch]`, best a probability, of which a neutral baseline has nearly none; see
        `deepexplain_tf.metrics`.
      inputs: the examples.
      baselines: name → a baseline, as of `de.explain`: a number, one example or one for each, in the structure of the
        inputs; None for zeros.
      probabilities: inputs → `[batch, classes]`, such as a Keras model with a softmax, or `[batch, 1]` of a sigmoid,
        which has two classes; for the entropy.
      steps: the number of steps from the baseline to the input, ≥ 2.
      chunk_size: evaluations of `fn` at once.

    Returns:
      A `BaselineReport`.

    Raises:
      InputError: no baselines by name, or a baseline or an input that does not fit.
      OptionError: `steps` is out of range.
      ModelError: `fn` or `probabilities` fails, is not finite, or returns something else.
      TypeError: `fn` is not a function of one or two arguments, or `probabilities` is not a function.

    References:
      Sundararajan, Taly, Yan, *Axiomatic Attribution for Deep Networks*, ICML 2017, https://arxiv.org/abs/1703.01365,
      section 5.
    """
    if not isinstance(baselines, Mapping) or not baselines:
        raise InputError(f"baselines must be a dict of one or more baselines by name. Got {shortened(baselines)}.")
    if probabilities is not None and not callable(probabilities):
        raise TypeError(f"probabilities is a function of inputs. Got {type(probabilities).__name__}.")
    require_whole("steps", 2, steps)
    examples = Examples.read(inputs)
    if any(array.dtype.kind in "biu" for array in examples.inputs):
        raise InputError("inputs must be floats, such as embedded words, to lie on a path. Got whole numbers.")
    read = {str(name): _starts(examples, given) for name, given in baselines.items()}
    function = Function(fn, examples, chunk_size)
    found = {}
    for name, x0 in read.items():
        along = _along(function, examples, x0, steps)
        entropy = None if probabilities is None else _entropy(probabilities, examples, x0)
        found[name] = _figures(along, entropy, examples.inputs, x0)
    return BaselineReport(baselines=found)


def _starts(examples: Examples, baseline: Structure) -> list[np.ndarray]:
    """Returns a baseline as arrays shaped like the inputs."""
    read = examples.baseline(baseline)
    return [np.broadcast_to(start, x.shape) for x, start in zip(examples.inputs, read, strict=True)]


def _along(function: Function, examples: Examples, x0: Arrays, steps: int) -> np.ndarray:
    """Returns F on the path from the baseline to the input, `[batch, steps + 1]`."""
    count = len(x0)

    def points(rows: Rows) -> list[Any]:
        share = tf.cast(rows.point, tf.float64) / steps
        made = []
        for x, start in zip(rows.per_example[:count], rows.per_example[count:], strict=True):
            alpha = tf.reshape(tf.cast(share, x.dtype), [-1, *[1] * (x.shape.rank - 1)])
            made.append((1 - alpha) * start + alpha * x)
        return made

    values = function.evaluation(points)(steps + 1, [*examples.inputs, *x0])
    return values.astype(np.float64)


def _entropy(probabilities: Any, examples: Examples, x0: Arrays) -> np.ndarray:
    """Returns the entropy of the classes at the baseline, `[batch]`, from 0 to 1."""
    try:
        found = np.asarray(probabilities(examples.pack(x0)), np.float64)
    except Exception as error:  # the user's function may raise anything
        raise ModelError(f"probabilities must run on baselines. Got: {brief(error)}") from None
    if found.ndim != 2 or len(found) != examples.batch or not found.shape[1]:
        raise ModelError(f"probabilities must return [{examples.batch}, classes]. Got {list(found.shape)}.")
    if found.shape[1] == 1:
        found = np.concatenate([1 - found, found], 1)
    if not (found >= 0).all() or np.abs(found.sum(1) - 1).max() > _ROUNDING:
        raise ModelError("probabilities must be numbers ≥ 0 that sum to 1 for each example. Got others.")
    logs = np.log(np.where(found > 0, found, 1))
    return -(found * logs).sum(1) / np.log(found.shape[1])


def _figures(along: np.ndarray, entropy: np.ndarray | None, inputs: Arrays, x0: Arrays) -> BaselineFigures:
    differences = [(x - start).reshape(len(x), -1).astype(np.float64) for x, start in zip(inputs, x0, strict=True)]
    apart = np.concatenate(differences, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.abs(along[:, 0]) / np.abs(along[:, -1])
    return BaselineFigures(
        outputs=along[:, 0],
        share=np.where(along[:, -1] == 0, np.nan, share),
        entropy=entropy,
        saturation=_saturation(along),
        distance=np.sqrt((apart**2).mean(1)),
        equal=(apart == 0).mean(1),
    )


def _saturation(along: np.ndarray) -> np.ndarray:
    """Returns 1 − the smallest share of the steps that has 90 % of the sum of |changes|, `[batch]`."""
    changes = -np.sort(-np.abs(np.diff(along, axis=1)), axis=1)
    total = changes.sum(1, keepdims=True)
    needed = 1 + (np.cumsum(changes, 1) < _MOST * total).sum(1)
    return np.where(total[:, 0] > 0, 1 - needed / changes.shape[1], np.nan)


def _median(values: np.ndarray) -> float:
    """Returns the median of the numbers that are defined; NaN where none is."""
    defined = values[np.isfinite(values)]
    return float(np.median(defined)) if len(defined) else float("nan")

"""Which method of a comparison is best: ranks, paired tests over the examples, costs and warnings."""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np

from deepexplain_tf.errors import InputError, imported
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.methods.base import Method
from deepexplain_tf.metrics.base import Score
from deepexplain_tf.writing.table import render

LEVEL = 0.05  # a smaller p-value tells two methods apart
_FEWEST = 6  # of fewer examples, no paired test has a smaller p-value
_SMALL, _LARGE = 0.05, 0.5
_MISSING = "a summary needs the package scipy: pip install 'deepexplain_tf[stats]'"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Standing:
    """Where one method stands.

    Attributes:
      method: its label in the comparison.
      rank: the mean, over metrics and examples, of its rank among the methods; 1 is the best. NaN without such metrics.
      best_by: the metrics by which no other method is better: it has the lowest mean rank, or no test tells it from the
        method that has it.
      seconds: what its one call took, with tracing and compilation.
      cost: what one example costs, in words.
    """

    method: str
    rank: float
    best_by: tuple[str, ...]
    seconds: float
    cost: str

    @property
    def cells(self) -> list[str]:
        """Its row in the table."""
        rank = "–" if np.isnan(self.rank) else f"{self.rank:.2f}"
        return [self.method, rank, ", ".join(self.best_by) or "–", f"{self.seconds:.1f}", self.cost]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Summary:
    """Which method is best by which metric; prints as a table.

    Attributes:
      standings: the methods that explained the model, the lowest mean rank first.
      p_values: metric → method → the p-value of Wilcoxon's signed-rank test of its scores against those of the method
        with the lowest mean rank, two-sided, over the examples, adjusted for the number of methods (Holm); 1 for that
        method. Since the same scores choose that method, they are a guide and no proof.
      warnings: what should be known before a method is believed.
    """

    standings: tuple[Standing, ...]
    p_values: Mapping[str, Mapping[str, float]]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        header = ["method", "mean rank", "none is better by", "seconds", "cost of an example"]
        table = render(header, [standing.cells for standing in self.standings])
        return "\n".join([table, *(f"! {warning}" for warning in self.warnings)])

    def __repr__(self) -> str:
        return f"Summary of {len(self.standings)} methods by {len(self.p_values)} metrics\n{self}"


def summarise(
    explanations: Mapping[str, Explanation],
    scores: Mapping[str, Mapping[str, Score]],
    better: Mapping[str, str],
    seconds: Mapping[str, float],
    used: Mapping[str, Method],
) -> Summary:
    """Returns the summary of a comparison, whose fields these are.

    Raises:
      InputError: fewer than two methods explained the model.
      DeepExplainError: SciPy is missing.
    """
    statistics = imported("scipy.stats", _MISSING)
    if len(explanations) < 2:
        raise InputError(f"a summary compares two or more methods that explain the model. Got {len(explanations)}.")
    ranks: dict[str, dict[str, float]] = {}
    p_values: dict[str, dict[str, float]] = {}
    left_out: list[str] = []
    for metric, found in scores.items():
        values = _values(found, better[metric])
        if len(values) > 1 and len(next(iter(values.values()))):
            ranks[metric] = _mean_ranks(values, statistics)
            p_values[metric] = _against_the_best(values, ranks[metric], statistics)
        if set(values) != set(explanations) and values:
            left_out.append(metric)
    shared = [metric for metric in ranks if metric not in left_out]
    standings = [
        Standing(
            method=method,
            rank=float(np.mean([ranks[metric][method] for metric in shared])) if shared else float("nan"),
            best_by=tuple(m for m, found in p_values.items() if found.get(method, 0) >= LEVEL),
            seconds=seconds[method],
            cost=used[method].cost,
        )
        for method in explanations
    ]
    warnings = (*_of_ranks(left_out, scores), *_of_methods(explanations, used), *_of_scores(scores))
    return Summary(standings=tuple(sorted(standings, key=lambda s: s.rank)), p_values=p_values, warnings=warnings)


def _values(found: Mapping[str, Score], better: str) -> dict[str, np.ndarray]:
    """Returns scores of the examples that all methods have, of which the larger ones are better."""
    values = {method: np.asarray(score.summary.per_example, np.float64) for method, score in found.items()}
    defined = np.all([np.isfinite(array) for array in values.values()], axis=0) if values else np.array([], bool)
    sign = 1 if better == "higher" else -1
    return {method: sign * array[defined] for method, array in values.items()}


def _mean_ranks(values: Mapping[str, np.ndarray], statistics: Any) -> dict[str, float]:
    ranks = statistics.rankdata(-np.stack(list(values.values())), axis=0).mean(1)
    return dict(zip(values, map(float, ranks), strict=True))


def _against_the_best(
    values: Mapping[str, np.ndarray], ranks: Mapping[str, float], statistics: Any
) -> dict[str, float]:
    best = min(ranks, key=lambda method: ranks[method])
    others = [method for method in values if method != best]
    found = [_paired(values[best] - values[method], statistics) for method in others]
    return {best: 1.0, **dict(zip(others, _holm(found), strict=True))}


def _paired(differences: np.ndarray, statistics: Any) -> float:
    """Returns the p-value of paired differences; 1 where there is none."""
    return float(statistics.wilcoxon(differences, zero_method="zsplit").pvalue) if differences.any() else 1.0


def _holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values adjusted by Holm's step-down method."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for step, index in enumerate(np.argsort(p_values)):
        largest = max(largest, min(1.0, (len(p_values) - step) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _of_ranks(left_out: Sequence[str], scores: Mapping[str, Mapping[str, Score]]) -> Iterator[str]:
    if left_out:
        yield f"mean ranks leave out {', '.join(left_out)}, by which not every method has a score"
    counts = [int(np.max(score.count)) for found in scores.values() for score in found.values()]
    if counts and max(counts) < _FEWEST:
        yield f"of fewer than {_FEWEST} examples no test tells methods apart; there are {max(counts)}"


def _of_methods(explanations: Mapping[str, Explanation], used: Mapping[str, Method]) -> Iterator[str]:
    """Yields warnings that need no metric."""
    for label, e in explanations.items():
        if used[label].insensitive:
            yield f"{label} hardly depends on what the last layers have learned"
        if e.baseline_outputs is None or not used[label].complete:
            continue
        at_x, at_x0 = (np.abs(np.asarray(array, np.float64)) for array in (e.outputs, e.baseline_outputs))
        share = float(np.median(at_x0) / max(float(np.median(at_x)), 1e-12))
        if share > _LARGE:
            yield f"{label}: the baseline is not neutral: its output is {share:.2g} of that of the examples (median)"
        change = np.abs(np.asarray(e.outputs, np.float64) - np.asarray(e.baseline_outputs, np.float64))
        gap = np.abs(np.asarray(e.completeness_gap, np.float64)) / np.maximum(change, 1e-12)
        if np.median(gap) > _SMALL:
            yield f"{label} does not add up: its gap is {float(np.median(gap)):.2g} of the change (median)"


def _of_scores(scores: Mapping[str, Mapping[str, Score]]) -> Iterator[str]:
    for method, score in scores.get("randomisation", {}).items():
        kept = float(score.summary.mean)
        if kept > _LARGE:
            yield f"{method} keeps a rank correlation of {kept:.2f} when the model loses its weights"

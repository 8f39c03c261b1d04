"""The result of a comparison: a table, and its numbers as JSON, CSV and curves."""

from collections.abc import Mapping
import csv
import dataclasses
import io
import json
import os
from typing import Any

from deepexplain_tf.comparison.summary import Summary, summarise
from deepexplain_tf.errors import InputError
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.explanation.report import write_report
from deepexplain_tf.methods.base import Method
from deepexplain_tf.metrics.base import Score
from deepexplain_tf.metrics.sensitivity_n import SensitivityN
from deepexplain_tf.visualize.curves import draw_curves, picture_format
from deepexplain_tf.writing.atomic import atomic_file
from deepexplain_tf.writing.json_values import to_json
from deepexplain_tf.writing.table import render

_ARROWS = {"higher": "↑", "lower": "↓"}


@dataclasses.dataclass(frozen=True)
class ComparisonRow:
    """The score of one method by one metric.

    Attributes:
      method: the method's label in the comparison.
      metric: the metric's label in the comparison.
      mean: the mean of `Score.summary` over the examples; NaN where there is no score.
      low: the lower end of the 95 % confidence interval of the mean.
      high: the upper end of that interval.
      examples: the number of examples with a score.
      reason: the reason for a missing score; empty where there is one.
    """

    method: str
    metric: str
    mean: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    examples: int = 0
    reason: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Comparison:
    """The scores of methods by metrics; prints as a table.

    Attributes:
      methods: the labels of the methods.
      explanations: method → `Explanation`, for each method that explains the model.
      scores: metric → method → the score that the metric returned.
      reasons: metric → method → the reason for a missing score.
      better: metric → `"higher"` or `"lower"`.
      seconds: method → the seconds of its one call, with tracing and compilation.
      used: method → the method with its options.
      provenance: versions, arguments, options, notes and seed, which `to_json` writes too.
    """

    methods: tuple[str, ...]
    explanations: Mapping[str, Explanation]
    scores: Mapping[str, Mapping[str, Score]]
    reasons: Mapping[str, Mapping[str, str]]
    better: Mapping[str, str]
    seconds: Mapping[str, float]
    used: Mapping[str, Method]
    provenance: Mapping[str, Any]

    def summary(self) -> Summary:
        """Returns which method is best by which metric: ranks, paired tests over the examples, costs and warnings.

        Raises:
          InputError: fewer than two methods explained the model.
          DeepExplainError: SciPy is missing; `pip install 'deepexplain_tf[stats]'` installs it.
        """
        return summarise(self.explanations, self.scores, self.better, self.seconds, self.used)

    @property
    def rows(self) -> tuple[ComparisonRow, ...]:
        """A row for each method and metric."""
        return tuple(self._row(method, metric) for method in self.methods for metric in self.scores)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return f"Comparison of {len(self.methods)} methods by {len(self.scores)} metrics\n{self.table()}"

    def table(self) -> str:
        """Returns means ± half their 95 % intervals as text, with reasons for missing scores; ↑: higher is better."""
        header, *rows = self._cells()
        return "\n".join([render(header, rows), *self._remarks()])

    def _cells(self) -> list[list[str]]:
        """Returns the header and the rows of the table."""
        header = ["method", *(f"{name} {_ARROWS[better]}" for name, better in self.better.items())]
        cells = {(row.method, row.metric): _cell(row) for row in self.rows}
        return [header, *([method, *(cells[method, metric] for metric in self.scores)] for method in self.methods)]

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Writes everything but the attributions as a JSON file, whole or not at all; undefined numbers are null."""
        content = {
            **self.provenance,
            "rows": [dataclasses.asdict(row) for row in self.rows],
            "scores": {
                metric: {method: _fields(score) for method, score in found.items()}
                for metric, found in self.scores.items()
            },
        }
        text = json.dumps(to_json(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        _write(path, text)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Writes `rows` as a CSV file, whole or not at all; undefined numbers are empty."""
        file = io.StringIO()
        names = [field.name for field in dataclasses.fields(ComparisonRow)]
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        for row in self.rows:
            writer.writerow({k: "" if v != v else v for k, v in dataclasses.asdict(row).items()})
        _write(path, file.getvalue())

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draws Sensitivity-n of each method over n, with 95 % confidence bands, as a .png, .pdf or .svg file.

        Raises:
          InputError: no method was scored by `sensitivity_n`.
          OptionError: `path` has another suffix.
          DeepExplainError: matplotlib is missing; `pip install 'deepexplain_tf[plots]'` installs it.
        """
        curves = self.curves
        if not curves:
            raise InputError("plot draws scores by 'sensitivity_n'. Got none.")
        content = draw_curves(curves, picture_format(path))
        with atomic_file(path) as file:
            file.write(content)

    def report(self, path: str | os.PathLike[str], **options: Any) -> None:
        """Writes one HTML file with the scores, and each example by all methods; it needs no network.

        Args:
          path: the file, which appears whole or not at all.
          **options: as for `Explanation.report`.

        Raises:
          DeepExplainError: Jinja2 is missing; `pip install 'deepexplain_tf[report]'` installs it.
          InputError: no method explained the model, or predictions that do not fit.
          OSError: the file cannot be written.
        """
        told = {name: value for name, value in self.provenance.items() if isinstance(value, str | int | float)}
        options = {"provenance": told, "title": "Methods, compared", **options}
        write_report(self.explanations, path, scores=self._cells(), **options)

    @property
    def curves(self) -> dict[str, SensitivityN]:
        """The Sensitivity-n of each method that has one, by label."""
        every = [{k: s for k, s in found.items() if isinstance(s, SensitivityN)} for found in self.scores.values()]
        return next((curves for curves in every if curves), {})

    def _row(self, method: str, metric: str) -> ComparisonRow:
        if method not in self.scores[metric]:
            return ComparisonRow(method, metric, reason=self.reasons[metric][method])
        score = self.scores[metric][method].summary
        low, high = score.interval
        return ComparisonRow(method, metric, float(score.mean), float(low), float(high), int(score.count))

    def _remarks(self) -> list[str]:
        """Returns why scores are missing: each reason once, with the methods and metrics that it concerns."""
        metrics: dict[tuple[str, str], list[str]] = {}
        for metric, reasons in self.reasons.items():
            for method, reason in reasons.items():
                metrics.setdefault((method, reason), []).append(metric)
        methods: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for (method, reason), names in metrics.items():
            methods.setdefault((reason, tuple(names)), []).append(method)
        return [
            f"– {', '.join(several)}{'' if len(names) == len(self.scores) else ' by ' + ', '.join(names)}: {reason}"
            for (reason, names), several in methods.items()
        ]


def _cell(row: ComparisonRow) -> str:
    if row.reason or row.mean != row.mean:
        return "–"
    if row.low != row.low:
        return f"{row.mean:.3g}"
    return f"{row.mean:.3g} ± {(row.high - row.low) / 2:.2g}"


def _fields(score: Score) -> dict[str, Any]:
    own = {field.name: getattr(score, field.name) for field in dataclasses.fields(score)}
    return {"mean": score.mean, "interval": score.interval, "examples": score.count, **own}


def _write(path: str | os.PathLike[str], text: str) -> None:
    with atomic_file(path) as file:
        file.write(text.encode())

"""Do DeepLIFT's attributions add up on every kind of network?

    python examples/zoo.py --flagfile=configs/zoo_quick.cfg
    python examples/zoo.py --models=ResNet50,ViT --out=zoo
    python examples/zoo.py --part=all --out=zoo

This script builds one model after another with random weights, explains 16 inputs by DeepLIFT and prints a row for each
model:

  logits, probs   the largest gap of an example, |Σ attributions − ΔF| / |ΔF|, for a logit against zeros, and for a
                  probability against another input (trained models: zeros); ΔF = F(x) − F(baseline)
  moved           the smallest |ΔF| / max(|F(x)|, |F(baseline)|) of an example. Where ΔF is small, rounding alone makes
                  the gap large; so less than 0.1 % is an error for random weights
  forward         the largest difference between the outputs of the rewritten program and of the model, relative to the
                  largest output of the example, with TensorFlow's graph optimiser off
  optimised       the same with the optimiser on, as in ordinary use. It rounds each graph in its own way, also the
                  model's own, which then differs from the model run eagerly; no limit
  … 64            the gap of a probability and the difference "optimised" with the model built in float64
  first, again    the processor seconds of the first explanation of a logit, with tracing, and of the second

The target is the class whose logit changes most, or whose probability changes by the largest factor; for trained models
and at an embedding, the predicted class; for outputs with positions, one position or a mean.

The exit code is 1 where a figure is beyond its limit.
"""

from collections.abc import Iterator, Sequence
import contextlib
import dataclasses
import json
import pathlib
import time
from typing import Any

from absl import app, flags
import keras
import numpy as np
import tensorflow as tf

from choices import require_known
import deepexplain_tf as dx
from deepexplain_tf.writing.table import render, scientific
from keras_state import float64, forget
from results import markdown_table, versions, write, write_json
from zoo_models import MODELS, Entry, calibrate, faded

_MODELS = flags.DEFINE_list("models", None, "The names of the models; default: those of --part.")
_PART = flags.DEFINE_enum(
    "part", "main", ["quick", "main", "all"], "quick: small models; main: one or two of each kind; all: every model."
)
_FLOAT64 = flags.DEFINE_bool("float64", True, "Whether to build each model in float64 too.")
_OUT = flags.DEFINE_string("out", None, "A folder for zoo.json and zoo.md, to whose rows each new row is added.")

_COUNT = 16
_LEAST_MOVE = 1e-3
_LIMITS = {"logits": 1e-3, "probs": 1e-3, "forward": 1e-6, "gap_64": 1e-9, "forward_64": 1e-12}


@dataclasses.dataclass(frozen=True)
class Row:
    """The figures of one model; None where they were not measured, for which `missing` or `error` has the reason."""

    model: str
    ops: int | None = None
    active: int | None = None
    logits: float | None = None
    probs: float | None = None
    moved: float | None = None
    forward: float | None = None
    optimised: float | None = None
    gap_64: float | None = None
    forward_64: float | None = None
    first: float | None = None
    again: float | None = None
    missing: str = ""
    error: str = ""

    @property
    def failures(self) -> list[str]:
        """The names of the figures beyond their limits, or the error."""
        if self.error:
            return [self.error]
        figures = dataclasses.asdict(self)
        beyond = [name for name, limit in _LIMITS.items() if figures[name] is not None and not figures[name] <= limit]
        still = self.moved is not None and not self.moved >= _LEAST_MOVE and not MODELS[self.model].trained
        return beyond + ["moved"] * still

    def cells(self) -> list[str]:
        """Returns the row as text."""
        why = self.error or (self.missing and f"not installed: {self.missing}")
        figures = dataclasses.asdict(self)
        return [self.model + (why and f" ({why})"), *(_shown(figures[name]) for name in _HEADER[1:])]


_FIGURES = "ops active logits probs moved forward optimised gap_64 forward_64 first again"
_HEADER = ["model", *_FIGURES.split()]


def _shown(value: int | float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, int):
        return str(value)
    return f"{value:.2f}" if value >= 1e-2 else scientific(value)


def _cast(inputs: Any) -> Any:
    """Returns inputs with real numbers in Keras' float dtype."""
    return tf.nest.map_structure(lambda a: a.astype(keras.config.floatx()) if a.dtype.kind == "f" else a, inputs)


class _Subject:
    """A model with its inputs, in Keras' present float dtype."""

    def __init__(self, entry: Entry):
        self.entry = entry
        self.x = _cast(entry.draw(np.random.default_rng(1), _COUNT))
        others = _cast(entry.draw(np.random.default_rng(2), _COUNT))
        self.other = tf.nest.map_structure(lambda array: array[0], others)
        self.model = entry.build()
        if not entry.trained:
            calibrate(self.model, faded(self.x, others))
        self.graph = self._trace()
        self.outputs = self._run(self.graph, self.x)

    def _trace(self) -> Any:
        specs = tf.nest.map_structure(lambda a: tf.TensorSpec([None, *a.shape[1:]], a.dtype), self.x)
        return tf.function(self.model, autograph=False).get_concrete_function(specs)

    def _run(self, graph: Any, inputs: Any) -> np.ndarray:
        return np.asarray(graph(tf.nest.map_structure(tf.constant, inputs)), np.float64)

    def ops(self) -> int:
        """Returns the number of ops in the model's graph, including those inside loops."""
        graph = self.graph.graph.as_graph_def()
        return len(graph.node) + sum(len(function.node_def) for function in graph.library.function)

    def explain(self, output: str, calls: int = 1) -> dict[str, Any]:
        """Returns the figures of a logit (`"auto"`) or a probability (`"model"`)."""
        seconds = []
        started = time.process_time()
        with dx.DeepExplain(self.model, output=output, layer=self.entry.layer, jit_compile=False) as de:
            baseline = None if output == "auto" or self.entry.trained else self._baseline(de)
            target = self._target(output, baseline)
            for _ in range(calls):
                e = de.explain("deeplift", self.x, target=target, baseline=baseline)
                seconds.append(time.process_time() - started)
                started = time.process_time()
            found = {"active": len(de.coverage("deeplift")), "seconds": seconds}
            if output == "model":
                found["optimised"] = self._forward_error(de, self.outputs)
                with _unoptimised():
                    found["forward"] = self._forward_error(de, self._run(self._trace(), self.x))
        change = np.abs(e.outputs - e.baseline_outputs)
        found["gap"] = float((np.abs(e.completeness_gap) / change).max())
        found["moved"] = float((change / np.maximum(np.abs(e.outputs), np.abs(e.baseline_outputs))).min())
        return found

    def _target(self, output: str, baseline: Any) -> Any:
        if self.entry.target is not None:
            return self.entry.target
        if self.entry.trained or self.entry.layer is not None:
            return self.outputs.argmax(1)
        start = tf.nest.map_structure(np.zeros_like, self.x)
        if baseline is not None:
            start = tf.nest.map_structure(lambda a, b: np.broadcast_to(b, a.shape), self.x, baseline)
        ends = [np.log(np.maximum(outputs, 1e-30)) for outputs in (self.outputs, self._run(self.graph, start))]
        factors = ends[0] - ends[1]
        if output == "auto":  # log-probabilities are logits up to a common constant
            factors -= factors.mean(1, keepdims=True)
        return np.abs(factors).argmax(1)

    def _baseline(self, de: dx.DeepExplain) -> Any:
        if self.entry.layer is None:
            return self.other
        shape = de.explain("gradient_x_input", self.x, target=self.entry.target).attributions.shape[1:]
        return np.random.default_rng(2).normal(size=shape)

    def _forward_error(self, de: dx.DeepExplain, outputs: np.ndarray) -> float:
        """Returns the largest relative difference of the rewritten program's outputs from `outputs`."""
        found = np.asarray(de.rewrite("deeplift")(self.x), np.float64).reshape(_COUNT, -1)
        expected = outputs.reshape(_COUNT, -1)
        return float((np.abs(found - expected).max(1) / np.abs(expected).max(1)).max())


@contextlib.contextmanager
def _unoptimised() -> Iterator[None]:
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


def _measure(entry: Entry) -> Row:
    if entry.missing:
        return Row(entry.name, missing=", ".join(entry.missing))
    try:
        subject = _Subject(entry)
        logit, probability = subject.explain("auto", calls=2), subject.explain("model")
        row = Row(
            model=entry.name,
            ops=subject.ops(),
            active=probability["active"],
            logits=logit["gap"],
            probs=probability["gap"],
            moved=min(logit["moved"], probability["moved"]),
            forward=probability["forward"],
            optimised=probability["optimised"],
            first=logit["seconds"][0],
            again=logit["seconds"][1],
        )
        if not _FLOAT64.value or entry.trained:
            return row
        del subject
        forget()
        with float64():
            probability = _Subject(entry).explain("model")
        return dataclasses.replace(row, gap_64=probability["gap"], forward_64=probability["optimised"])
    except dx.DeepExplainError as error:
        return Row(entry.name, error=str(error))
    finally:
        forget()


def _chosen() -> list[Entry]:
    if _MODELS.value is None:
        parts = ["quick", "main", "all"]
        return [entry for entry in MODELS.values() if parts.index(entry.part) <= parts.index(_PART.value)]
    require_known(_MODELS, MODELS)
    return [MODELS[name] for name in _MODELS.value]


def _write(folder: pathlib.Path, row: Row) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "zoo.json"
    known = [Row(**kept) for kept in json.loads(file.read_text("utf-8"))["rows"]] if file.exists() else []
    current = {**{kept.model: kept for kept in known}, row.model: row}
    rows = [current[name] for name in MODELS if name in current]
    found = {"versions": versions(), "limits": _LIMITS, "rows": [dataclasses.asdict(row) for row in rows]}
    write_json(file, found)
    write(folder / "zoo.md", markdown_table(_HEADER, [row.cells() for row in rows]))


def main(argv: Sequence[str]) -> None:
    """Measures each model and prints the table."""
    del argv
    tf.get_logger().setLevel("ERROR")
    rows: list[Row] = []
    for entry in _chosen():
        rows.append(_measure(entry))
        print("  ".join(rows[-1].cells()), flush=True)
        if _OUT.value:
            _write(pathlib.Path(_OUT.value), rows[-1])
    print("\n" + render(_HEADER, [row.cells() for row in rows]))
    failures = {row.model: row.failures for row in rows if row.failures}
    for name, beyond in failures.items():
        print(f"{name}: beyond its limit: {', '.join(beyond)}")
    if failures:
        raise SystemExit(1)


if __name__ == "__main__":
    app.run(main)

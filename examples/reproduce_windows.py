"""Do Integrated Gradients show better than gradients what a network has seen in a photo?

    python examples/reproduce_windows.py --flagfile=configs/reproduce_windows.cfg
    python examples/reproduce_windows.py --flagfile=configs/reproduce_windows_quick.cfg

Sundararajan, Taly and Yan (ICML 2017, https://arxiv.org/abs/1703.01365, figure 2) show photos through windows that are
open where attributions are large, and find those of Integrated Gradients more like what is distinctive. The script
draws both for photos that EfficientNet-Lite0 recognises, and asks the network itself: which pixels does it miss first,
and which bring the class back? Needs pip install 'deepexplain_tf[demo,plots]' and scikit-learn.
"""

from collections.abc import Mapping
import dataclasses
from typing import Any

import numpy as np
from PIL import Image
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.demo.efficientnet_lite0 import preprocess
from reproductions import photos, script
from reproductions.findings import Finding
from reproductions.script import Experiment, Found, Setting

_DRAWN = ("coffee", "camera", "chelsea")  # photos that anyone may show
_METHODS = ("integrated_gradients", "saliency")
_SEED = 0


@dataclasses.dataclass(frozen=True)
class Areas:
    """The areas below the curves of a photo, for each method: of a probability, from 0 to 1.

    Attributes:
      deletion: while the most relevant pixels become black; low is good.
      insertion: while they come back to a black picture; high is good.
      random: both for pixels in a random order.
    """

    deletion: Mapping[str, float]
    insertion: Mapping[str, float]
    random: tuple[float, float]


def measure(setting: Setting) -> Found[Areas]:
    """Scores both methods on all photos."""
    steps = setting.pick(100, 20)
    areas: dict[str, Areas] = {}
    rows: list[Any] = []
    for name in setting.pick(tuple(photos.SEEN), _DRAWN[:1]):
        pixels = photos.photo(name)
        areas[name], windows = _one(pixels, steps)
        print(f"{name}: {areas[name]}", flush=True)
        if name in _DRAWN:
            rows.append([pixels, *windows])
    titles = ["photo", "Integrated Gradients", "gradients"]
    draw = lambda: dx.visualize.grid(rows, titles=titles)  # noqa: E731
    return Found({"photos": list(areas.values())}, draw, [_table(areas)])


def _one(pixels: np.ndarray, steps: int) -> tuple[Areas, list[Image.Image]]:
    model, x = photos.model(), preprocess(pixels)[np.newaxis]
    label = int(model.predict(x, verbose=0).argmax())
    with dx.DeepExplain(model, output="model") as de:
        found = {
            "integrated_gradients": de.explain(
                "integrated_gradients", x, target=label, baseline=photos.BLACK, n_steps=steps
            ).attributions,
            "saliency": de.explain("saliency", x, target=label).attributions,
        }
    found["random"] = np.random.default_rng(_SEED).random(x.shape)
    probability = lambda inputs, example: tf.gather(model(inputs), label, axis=1)  # noqa: E731
    options: dict[str, Any] = {"baseline": photos.BLACK, "groups": "positions", "chunk_size": 8}
    # The windows lose signs; so does the order of the pixels.
    sizes = {name: np.abs(array) for name, array in found.items()}
    metrics: tuple[Any, ...] = (dx.metrics.deletion, dx.metrics.insertion)
    deletion, insertion = (
        {name: float(score.mean) for name, score in metric(probability, x, sizes, **options).items()}
        for metric in metrics
    )
    windows = [dx.visualize.window(found[name][0], pixels) for name in _METHODS]
    return Areas(deletion, insertion, (deletion.pop("random"), insertion.pop("random"))), windows


def _table(areas: Mapping[str, Areas]) -> str:
    lines = [
        "The area below the curve of the probability, while the most relevant pixels are removed (deletion: lower is "
        "better) or come back (insertion: higher is better):\n",
        "| photo | deletion: IG | gradients | random | insertion: IG | gradients | random |",
        "| --- | --: | --: | --: | --: | --: | --: |",
    ]
    for name, found in areas.items():
        cells = [
            *(found.deletion[method] for method in _METHODS),
            found.random[0],
            *(found.insertion[method] for method in _METHODS),
            found.random[1],
        ]
        lines.append(f"| {name} | {' | '.join(f'{cell:.3f}' for cell in cells)} |")
    return "\n".join([*lines, ""])


EXPERIMENT: Experiment[Areas] = Experiment(
    title="Windows of Integrated Gradients and of gradients",
    introduction="""
Sundararajan, Taly and Yan ([ICML 2017](https://arxiv.org/abs/1703.01365), section 6.1) look at photos through windows
that are open where attributions are large: those of Integrated Gradients show more of what is distinctive, those of
gradients at the photo look like noise. Looking is no proof, so `examples/reproduce_windows.py` also takes the pixels
away from the network in the order of both, or gives them back to a black picture. It explains the probability of the
class that EfficientNet-Lite0 sees, from black, and wrote this page:
""",
    titles={"photos": "photos"},
    findings=(
        Finding(
            "1",
            "Integrated Gradients show better what is distinctive: the class comes back sooner",
            "the area below the insertion curve, of Integrated Gradients minus gradients",
            lambda areas: areas.insertion["integrated_gradients"] - areas.insertion["saliency"],
            ("photos",),
            least=0,
        ),
        Finding(
            "2",
            "Integrated Gradients show better what is distinctive: the class is lost sooner",
            "the area below the deletion curve, of gradients minus Integrated Gradients",
            lambda areas: areas.deletion["saliency"] - areas.deletion["integrated_gradients"],
            ("photos",),
            least=0,
        ),
    ),
    measure=measure,
    caption="Photos, seen through Integrated Gradients and through gradients.",
    units="photos",
)

if __name__ == "__main__":
    script.run(EXPERIMENT)

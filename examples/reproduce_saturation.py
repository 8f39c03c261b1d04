"""Where along the path does a network decide, and what do its gradients show there?

    python examples/reproduce_saturation.py --flagfile=configs/reproduce_saturation.cfg
    python examples/reproduce_saturation.py --flagfile=configs/reproduce_saturation_quick.cfg

A photo is scaled from black to itself in steps. At each, the script measures the probability of the class that
EfficientNet-Lite0 sees and its gradient. Sundararajan, Taly and Yan (ICML 2017, https://arxiv.org/abs/1703.01365) and
their post say that the probability saturates early on this path, and that gradients are small and tell little where it
has. Needs pip install 'deepexplain_tf[demo,plots]' and scikit-learn.
"""

from collections.abc import Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np
from PIL import Image

import deepexplain_tf as dx
from deepexplain_tf.demo.efficientnet_lite0 import preprocess
from deepexplain_tf.visualize.figure import new_figure, to_image
from reproductions import photos, script
from reproductions.findings import Finding
from reproductions.script import Experiment, Found, Setting

_HIDDEN = 0.1  # the share of the pixels that is hidden
_NEAR = 0.1  # of the probability, relatively
_DRAWN = ("coffee", "camera", "chelsea")  # photos that anyone may show
_SHOWN = (0.02, 0.1, 0.2, 0.4, 0.7, 1.0)


@dataclasses.dataclass(frozen=True)
class Path:
    """A photo on the path from black to itself.

    Attributes:
      alphas: `[points]`, from 0 to 1.
      probabilities: `[points]`, of the class that is seen in the photo.
      sizes: `[points]`, the mean over pixels and channels of |gradient| of the probability.
      hidden: the probability when the pixels with the largest gradients are black: at the steepest point, and at the
        photo itself.
    """

    alphas: np.ndarray
    probabilities: np.ndarray
    sizes: np.ndarray
    hidden: tuple[float, float]

    @property
    def settled(self) -> float:
        """The smallest α from which the probability stays within 10 % of that of the photo."""
        far = np.abs(self.probabilities / self.probabilities[-1] - 1) > _NEAR
        return float(self.alphas[min(len(far) - 1, 1 + np.flatnonzero(far)[-1])] if far.any() else 0.0)

    @property
    def remaining(self) -> float:
        """The size of the gradient at the photo, relative to the largest on the path."""
        return float(self.sizes[-1] / self.sizes.max())


def measure(setting: Setting) -> Found[Path]:
    """Walks the paths of all photos."""
    names = setting.pick(tuple(photos.SEEN), _DRAWN[:1])
    alphas = np.linspace(0, 1, setting.pick(51, 26))
    paths, windows = {}, {}
    for name in names:
        pixels = photos.photo(name)
        paths[name], windows[name] = _walk(preprocess(pixels), pixels, alphas)
        path = paths[name]
        print(
            f"{name}: settled at {path.settled:.2f}, remaining {path.remaining:.3f}, hidden {path.hidden}", flush=True
        )
    return Found({"photos": list(paths.values())}, lambda: _draw(paths, windows), [_table(paths)])


def _walk(x: np.ndarray, pixels: np.ndarray, alphas: np.ndarray) -> tuple[Path, list[Image.Image]]:
    """Returns the path of a photo, and windows of the gradients at some of its points."""
    model = photos.model()
    label = int(model.predict(x[np.newaxis], verbose=0).argmax())
    points = photos.BLACK + alphas[:, np.newaxis, np.newaxis, np.newaxis].astype(np.float32) * (x - photos.BLACK)
    with dx.DeepExplain(model, output="model") as de:
        e = de.explain("saliency", points, target=label, batch_size=8)
    sizes = e.attributions.mean((1, 2, 3))
    hidden = np.stack([_without(x, e.attributions[at]) for at in (int(sizes.argmax()), -1)])
    after = model.predict(hidden, verbose=0)[:, label]
    windows = [dx.visualize.window(e.attributions[np.abs(alphas - at).argmin()], pixels) for at in _SHOWN]
    return Path(alphas, e.outputs, sizes, (float(after[0]), float(after[1]))), windows


def _without(x: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Returns a photo whose pixels with the largest gradients are black."""
    totals = gradient.sum(-1)
    return np.where((totals > np.quantile(totals, 1 - _HIDDEN))[..., np.newaxis], photos.BLACK, x)


def _table(paths: Mapping[str, Path]) -> str:
    lines = [
        "| photo | probability | settled at α | gradient at the photo, of the largest "
        "| with the pixels of the steepest gradients hidden | with those of the gradients at the photo hidden |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    for name, path in paths.items():
        cells = [path.probabilities[-1], path.settled, path.remaining, *path.hidden]
        lines.append(f"| {name} | {' | '.join(f'{cell:.3f}' for cell in cells)} |")
    return "\n".join([*lines, ""])


def _draw(paths: Mapping[str, Path], windows: Mapping[str, Sequence[Image.Image]]) -> Image.Image:
    shown = [name for name in paths if name in _DRAWN]
    figure = new_figure(10, 3.2 + 1.75 * len(shown))
    grid = figure.add_gridspec(1 + len(shown), len(_SHOWN), height_ratios=[1.7, *[1] * len(shown)])
    curves: list[tuple[Any, str]] = [
        (lambda path: path.probabilities / path.probabilities[-1], "probability, of that of the photo"),
        (lambda path: path.sizes / path.sizes.max(), "mean |gradient|, of the largest"),
    ]
    for column, (curve, title) in enumerate(curves):
        axis = figure.add_subplot(grid[0, 3 * column : 3 * column + 3])
        for name, path in paths.items():
            axis.plot(path.alphas, curve(path), label=name)
        axis.set_xlabel("α: share of the way from black to the photo")
        axis.set_title(title, fontsize=10)
        axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    for row, name in enumerate(shown):
        for column, (alpha, window) in enumerate(zip(_SHOWN, windows[name], strict=True)):
            axis = figure.add_subplot(grid[1 + row, column])
            axis.imshow(window)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_title(f"α = {alpha:g}", fontsize=9)
    return to_image(figure, dpi=90)


EXPERIMENT: Experiment[Path] = Experiment(
    title="Saturation, and gradients along the path",
    introduction="""
Sundararajan, Taly and Yan ([ICML 2017](https://arxiv.org/abs/1703.01365)) and their post *Attributing a deep network's
prediction to its input features* explain why gradients at the input can tell little: on the straight path from black to
a photo the network is sure long before the photo is reached, and where it is sure, nothing that it sees changes much.
The gradients that matter are met on the way. `examples/reproduce_saturation.py` walks that path for photos that
EfficientNet-Lite0 recognises, with the probability of the class, and wrote this page:
""",
    titles={"photos": "photos"},
    findings=(
        Finding(
            "1",
            "the probability is near that of the photo long before the photo is reached",
            "the smallest α from which the probability stays within 10 % of that of the photo",
            lambda path: path.settled,
            ("photos",),
            most=0.8,
        ),
        Finding(
            "2",
            "the gradients at the photo are small beside those on the way",
            "the mean |gradient| at the photo, relative to the largest on the path",
            lambda path: path.remaining,
            ("photos",),
            most=0.5,
        ),
        Finding(
            "3",
            "the gradients where the probability rises show better what the network has seen",
            "how much lower the probability is with the 10 % of the pixels hidden that have the largest gradients "
            "there, than with those hidden that have the largest gradients at the photo",
            lambda path: path.hidden[1] - path.hidden[0],
            ("photos",),
            least=0,
        ),
    ),
    measure=measure,
    caption="The probability and the size of its gradient along the path, and photos seen through the gradients at six "
    "points of it.",
    units="photos",
)

if __name__ == "__main__":
    script.run(EXPERIMENT)

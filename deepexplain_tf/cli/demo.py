"""`deepexplain demo`: a real network, real photos, all methods."""

from collections.abc import Sequence
import dataclasses
import pathlib
import time
from typing import TYPE_CHECKING, Any

from absl import flags
import numpy as np
import numpy.typing as npt
from PIL import Image

from deepexplain_tf.cli import output, progress, quiet
from deepexplain_tf.cli.command import COMMANDS, Command
from deepexplain_tf.demo import packages, photos
import deepexplain_tf.visualize as visualize
import deepexplain_tf.writing.table as table

if TYPE_CHECKING:
    from deepexplain_tf.explanation import Explanation

_METHODS = (
    "saliency",
    "gradient_x_input",
    "integrated_gradients",
    "epsilon_lrp",
    "deeplift",
    "guided_backprop",
    "deconvnet",
    "occlusion",
    "shapley_sampling",
)
_SIZE = 224
_WINDOW, _STRIDE, _PATCH = 32, 16, 32
_COLUMNS = 5


@dataclasses.dataclass(frozen=True)
class _Run:
    """One method applied to all photos."""

    explanation: "Explanation"
    seconds: float


def patches(size: int, patch: int) -> npt.NDArray[np.int64]:
    """Returns ids `[size, size, 3]` of square patches, all channels together, as players of a game."""
    line = np.arange(size) // patch
    ids = line[:, None] * (line[-1] + 1) + line
    return np.broadcast_to(ids[..., None], (size, size, 3))


def _options(method: str) -> dict[str, Any]:
    """What fits the network: steps enough for it, and coarse windows where each costs an evaluation."""
    if method == "occlusion":
        return {"window_shape": (_WINDOW, _WINDOW, 3), "strides": (_STRIDE, _STRIDE, 3)}
    if method == "shapley_sampling":
        return {"groups": patches(_SIZE, _PATCH), "n_samples": 12}
    if method == "integrated_gradients":
        return {"n_steps": 128}
    return {}


@COMMANDS.register("demo")
class Demo(Command):
    """Explains two photos by all methods with a trained ImageNet network.

    Prints what EfficientNet-Lite0 sees in the photos chelsea and coffee, and a table of the methods. The table
    gives the seconds that both photos took together, compilation included, and the completeness gap of each
    photo, relative to the difference of the outputs at the photo and at the baseline (mid-grey). Writes one
    PNG file for each photo into the folder --out.

    Needs the packages of the demo: pip install 'deepexplain_tf[demo]'
    """

    required = ("out",)

    def define(self, values: flags.FlagValues) -> None:
        flags.DEFINE_string("out", None, "The folder to write to. It is made if it is missing.", flag_values=values)
        flags.DEFINE_list("methods", None, "The methods, separated by commas. Without it: all.", flag_values=values)

    def run(self, values: flags.FlagValues) -> None:
        packages.require()
        with output.staged(values.out) as stage:
            quiet.start_tensorflow()
            _demo(values.methods or _METHODS, stage)
        print("\n" + "\n".join(f"wrote {pathlib.Path(values.out, name)}.png" for name in photos.NAMES))


def _demo(methods: Sequence[str], stage: pathlib.Path) -> None:
    from deepexplain_tf.demo import efficientnet_lite0
    from deepexplain_tf.methods import make

    for method in methods:
        # A name that does not exist is known before minutes of work.
        make(method, _options(method))
    with progress.bar(1, "loading the network"):
        model = efficientnet_lite0.load()
    pixels = np.stack([photos.load(name, _SIZE) for name in photos.NAMES])
    inputs = efficientnet_lite0.preprocess(pixels)
    titles = _print_predictions(model.predict(inputs, verbose=0))
    runs = _explain(model, inputs, methods)
    print(_table(runs))
    with progress.bar(len(photos.NAMES), "drawing") as step:
        for index, name in enumerate(photos.NAMES):
            with step(name):
                picture = draw([run.explanation for run in runs], index, pixels[index], titles[index])
                visualize.save_png(picture, stage / f"{name}.png")


def _print_predictions(probabilities: npt.NDArray[Any]) -> list[str]:
    """Prints the top five of each photo, and returns a title with the first."""
    class_names = photos.class_names()
    best = probabilities.argsort()[:, ::-1][:, :5]
    for name, row, classes in zip(photos.NAMES, probabilities, best, strict=True):
        print(f"{name}: " + ", ".join(f"{class_names[index]} {row[index]:.3f}" for index in classes))
    return [f"{name}: {class_names[row[0]]}" for name, row in zip(photos.NAMES, best, strict=True)]


def _explain(model: Any, inputs: npt.NDArray[Any], methods: Sequence[str]) -> list[_Run]:
    import deepexplain_tf as dx

    runs = []
    with dx.DeepExplain(model) as de, progress.bar(len(methods), "explaining") as step:
        for method in methods:
            with step(method):
                start = time.perf_counter()
                explanation = de.explain(method, inputs, seed=0, **_options(method))
                runs.append(_Run(explanation, time.perf_counter() - start))
    return runs


def _gaps(explanation: "Explanation") -> list[str]:
    if explanation.completeness_gap is None:
        return ["–"] * len(photos.NAMES)
    differences = np.abs(explanation.outputs - explanation.baseline_outputs)
    return [table.scientific(gap) for gap in np.abs(explanation.completeness_gap) / differences]


def _table(runs: list[_Run]) -> str:
    rows = [[run.explanation.method, f"{run.seconds:.1f}", *_gaps(run.explanation)] for run in runs]
    return "\n" + table.render(["method", "seconds", *(f"gap ({name})" for name in photos.NAMES)], rows)


def draw(explanations: list["Explanation"], index: int, pixels: npt.NDArray[np.uint8], title: str) -> Image.Image:
    """Returns a grid of the heat maps of all methods, then of the overlays, then of the window views."""
    words: list[str | None] = [title, *(explanation.method for explanation in explanations)]
    rows: list[list[Any]] = []
    captions: list[list[str | None]] = []
    for view in (_heat_map, visualize.overlay, _window):
        views = [pixels, *(view(np.asarray(explanation)[index], pixels) for explanation in explanations)]
        for start in range(0, len(views), _COLUMNS):
            rows.append(views[start : start + _COLUMNS])
            captions.append(words[start : start + _COLUMNS])
    return visualize.grid(rows, captions)


def _window(attributions: npt.ArrayLike, pixels: npt.NDArray[np.uint8]) -> Image.Image:
    # One pixel in ten is seen in full; with fewer the picture of a pixel-wise method is all but black.
    return visualize.window(attributions, pixels, percentile=90)


def _heat_map(attributions: npt.ArrayLike, _: npt.ArrayLike) -> Image.Image:
    return visualize.heat_map(attributions)

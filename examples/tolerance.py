"""How many gradients does Integrated Gradients need for an error below 5 %, and for a gap below 1 %?

    python examples/tolerance.py
    python examples/tolerance.py --photos=chelsea.png,coffee.png --rules=gauss_legendre --json=tolerance.json

This script explains the class that EfficientNet-Lite0 predicts for six photos, against a grey baseline. For each photo
it prints the gradients that `tolerance=` takes, with the error against `--reference_steps`, the gap and the estimated
error; the smallest `n_steps` of each fixed rule with an error below the tolerance; and the same for `gap_tolerance=`
and the gap.

The search for the smallest `n_steps` tries a list that grows by a fifth until the figure is small enough. For an error,
which falls nearly steadily with n, it then bisects; a gap crosses zero by chance, so that the first hit counts.

Needs the packages of the demo: pip install 'deepexplain_tf[demo]'
"""

from collections.abc import Callable, Sequence
import functools
from typing import Any

from absl import app, flags
import numpy as np
from PIL import Image

import deepexplain_tf as dx
from deepexplain_tf.demo import efficientnet_lite0, packages, photos
import deepexplain_tf.writing.table as table
from results import write_json

_PHOTOS = flags.DEFINE_list(
    "photos",
    ["chelsea.png", "coffee.png", "camera.png", "astronaut.png", "rocket.jpg", "motorcycle_left.png"],
    "Picture files, or names of pictures that come with scikit-image.",
)
_TOLERANCE = flags.DEFINE_float("tolerance", 0.05, "The relative L2 error of the attributions.", 0, 1)
_GAP = flags.DEFINE_float("gap_tolerance", 0.01, "The gap relative to the change of the target.", 0, 1)
_REFERENCE = flags.DEFINE_integer("reference_steps", 4096, "Midpoints of the reference.", lower_bound=1)
_RULES = flags.DEFINE_list(
    "rules", ["gauss_legendre", "midpoint", "trapezoid", "left", "right"], "The fixed rules to compare with."
)
_MAX_STEPS = flags.DEFINE_integer("max_steps", 1024, "The largest n_steps in the search for a fixed rule.", 3)
_JSON = flags.DEFINE_string("json", None, "A JSON file to write with all figures.")

Figures = dict[str, float]  # n_steps, error, gap and estimated_error of an explanation


def _load(photo: str) -> np.ndarray:
    path = photo if "/" in photo else packages.file("skimage", f"data/{photo}")
    with Image.open(path) as image:
        return efficientnet_lite0.preprocess(np.asarray(photos.crop(image, efficientnet_lite0.IMAGE_SIZE)))[np.newaxis]


def _figures(e: dx.Explanation, reference: np.ndarray) -> Figures:
    delta = float((e.outputs - e.baseline_outputs)[0])
    return {
        "n_steps": int(np.max(e.n_steps)),
        "error": float(np.linalg.norm(e.attributions - reference) / np.linalg.norm(reference)),
        "gap": abs(float(e.completeness_gap[0]) / delta),
        "estimated_error": float("nan") if e.estimated_error is None else float(e.estimated_error[0]),
    }


def _smallest(fixed: Callable[[int], Figures], figure: str, bound: float) -> Figures | None:
    """Returns the figures of the smallest n_steps for which `figure` is within a bound; None beyond --max_steps."""
    low, high = 1, 2
    while fixed(high)[figure] > bound:
        low, high = high, max(high + 1, round(high * 1.2))
        if high > _MAX_STEPS.value:
            return None
    while figure == "error" and high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fixed(middle)[figure] <= bound else (middle, high)
    return fixed(high)


def measure(de: dx.DeepExplain, x: np.ndarray) -> dict[str, Figures | None]:
    """Returns the figures of one photo for both tolerances and for each fixed rule."""

    def explain(**options: Any) -> dx.Explanation:
        return de.explain("integrated_gradients", x, **options)

    reference = explain(n_steps=_REFERENCE.value, quadrature="midpoint").attributions.astype(np.float64)
    found: dict[str, Figures | None] = {
        "tolerance": _figures(explain(tolerance=_TOLERANCE.value), reference),
        "gap_tolerance": _figures(explain(gap_tolerance=_GAP.value), reference),
    }
    for rule in _RULES.value:
        fixed = functools.cache(lambda n, rule=rule: _figures(explain(n_steps=n, quadrature=rule), reference))
        found[f"tolerance, {rule}"] = _smallest(fixed, "error", _TOLERANCE.value)
        found[f"gap_tolerance, {rule}"] = _smallest(fixed, "gap", _GAP.value)
    return found


def _row(photo: str, name: str, figures: Figures | None) -> list[str]:
    if figures is None:
        return [photo, name, f"> {_MAX_STEPS.value}", "", "", ""]
    percent = [f"{figures[key]:.2%}" for key in ("error", "gap")]
    estimate = figures["estimated_error"]
    return [photo, name, str(figures["n_steps"]), *percent, "" if np.isnan(estimate) else f"{estimate:.2%}"]


def _sums(found: dict[str, dict[str, Figures | None]], option: str) -> list[list[str]]:
    """Returns rows with the sum of gradients over the photos, for a tolerance and for each fixed rule."""

    def total(name: str) -> float:
        figures = [each[name] for each in found.values()]
        return sum(np.inf if each is None else each["n_steps"] for each in figures)

    ours = total(option)
    names = [f"{option}, {rule}" for rule in _RULES.value]
    rows = [[name, f"{total(name):g}", f"{ours / total(name):.2f}"] for name in names]
    return [[option, f"{ours:g}", ""], *rows]


def main(argv: Sequence[str]) -> None:
    """Prints the tables."""
    del argv
    found: dict[str, dict[str, Figures | None]] = {}
    header = ["photo", "options", "gradients", "error", "gap", "estimated error"]
    with dx.DeepExplain(efficientnet_lite0.load()) as de:
        for photo in _PHOTOS.value:
            found[photo] = measure(de, _load(photo))
            rows = [_row(photo, name, figures) for name, figures in found[photo].items()]
            print(table.render(header, rows, left=2), flush=True)
    rows = [row for option in ("tolerance", "gap_tolerance") for row in _sums(found, option)]
    print(table.render(["sum over the photos", "gradients", "ours / this"], rows))
    if _JSON.value:
        write_json(_JSON.value, found)


if __name__ == "__main__":
    app.run(main)

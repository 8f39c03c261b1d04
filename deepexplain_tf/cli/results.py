"""What `deepexplain explain` prints and draws."""

import pathlib
from typing import Any

import numpy as np
from PIL import Image

from deepexplain_tf.cli import pictures
from deepexplain_tf.cli.inputs import Examples
from deepexplain_tf.cli.progress import Step
from deepexplain_tf.errors import DeepExplainError
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.explanation.pictures import kind_of
from deepexplain_tf.explanation.views import views_of
import deepexplain_tf.visualize as visualize
import deepexplain_tf.writing.table as table


def names(explanation: Explanation, examples: Examples) -> list[str]:
    """Returns one name for each example."""
    return examples.names or [f"example_{index:03d}" for index in range(len(explanation.outputs))]


def _targets(explanation: Explanation) -> list[str]:
    target, count = explanation.target, len(explanation.outputs)
    if isinstance(target, np.ndarray) and target.shape == (count,):
        return [str(one) for one in target]
    return [str(target)] * count


def text(explanation: Explanation, named: list[str]) -> str:
    """Returns a table of the examples, and the notes of the explanation."""
    columns: dict[str, Any] = {
        "outputs": explanation.outputs,
        "baseline outputs": explanation.baseline_outputs,
        "gap": explanation.completeness_gap,
    }
    given = {title: column for title, column in columns.items() if column is not None}
    rows = [
        [name, target, *(f"{float(column[index]):.5g}" for column in given.values())]
        for index, (name, target) in enumerate(zip(named, _targets(explanation), strict=True))
    ]
    notes = [f"note: {note}" for note in explanation.notes]
    return "\n".join([table.render([explanation.method, "target", *given], rows), *notes])


def _plotted(explanation: Explanation, index: int) -> Image.Image | None:
    """Returns the picture of a table, series, text or sequence; None for maps, and where matplotlib is missing."""
    try:
        if any(kind_of(view) in ("overlay", "heat_map") for view in views_of(explanation, example=index)):
            return None
        return explanation.plot(example=index)
    except DeepExplainError:
        return None


def draw(
    explanation: Explanation,
    examples: Examples,
    named: list[str],
    folder: pathlib.Path,
    step: Step,
    *,
    sequence: bool,
) -> list[str]:
    """Writes a PNG file for each example that can be drawn, and returns the names of the files."""
    written = []
    for index, (name, target) in enumerate(zip(named, _targets(explanation), strict=True)):
        picture = None if examples.pictures is None else examples.pictures[index]
        caption = f"{name}: {explanation.method}, target {target}"
        with step(""):
            drawn = _plotted(explanation, index)
            if drawn is None:
                drawn = pictures.draw(explanation.attributions, index, picture, caption, sequence=sequence)
            if drawn is not None:
                visualize.save_png(drawn, folder / f"{name}.png")
                written.append(f"{name}.png")
    return written

"""The file of a report: what is shown of each example, filled into a template."""

from collections.abc import Mapping, Sequence
import dataclasses
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from deepexplain_tf import __version__
from deepexplain_tf.errors import DeepExplainError, InputError, imported, shortened
from deepexplain_tf.explanation.html import picture
from deepexplain_tf.explanation.pictures import kind_of
from deepexplain_tf.explanation.report import sentences
from deepexplain_tf.explanation.report.maps import Map, encode_map, encode_picture
from deepexplain_tf.explanation.views import View, first_unit, target_of, views_of
from deepexplain_tf.visualize import colours
from deepexplain_tf.writing.atomic import atomic_file

if TYPE_CHECKING:
    from deepexplain_tf.explanation.explanation import Explanation

_TOP = 5  # predictions
_MAPS = ("overlay", "heat_map")


@dataclasses.dataclass(frozen=True)
class Panel:
    """What one method shows of one example: maps over the picture, or HTML.

    Attributes:
      method: the name of the tab.
      parts: a map, or HTML as a string, for each array of attributions, after its name.
      told: sentences about the numbers.
      notes: the notes of the explanation.
    """

    method: str
    parts: Sequence[tuple[str, Map | str]]
    told: Sequence[str]
    notes: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Example:
    """One example of a report.

    Attributes:
      name: its name.
      target: the name of the explained output.
      output: its value.
      source: the picture of the input as a data URI, if it is one.
      predictions: names and values of the largest outputs of the model, if they were given.
      panels: what each method shows.
    """

    name: str
    target: str
    output: float
    source: str | None
    predictions: Sequence[tuple[str, float]]
    panels: Sequence[Panel]


def write_report(
    explanations: Mapping[str, "Explanation"],
    path: str | os.PathLike[str],
    *,
    title: str = "What made the model say that?",
    images: Any = None,
    predictions: Any = None,
    scores: Sequence[Sequence[str]] = (),
    provenance: Mapping[str, Any] | None = None,
    most: int = 50,
) -> None:
    """Writes one HTML file about the same examples explained by one or several methods; it fetches nothing.

    Args:
      explanations: name → explanation; each is a tab of every example.
      path: the file, which appears whole or not at all.
      title: the title of the page.
      images: what pictures show in the place of the inputs, `[batch, ...]`.
      predictions: all outputs of the model `[batch, classes]`, of which the largest are listed.
      scores: a table with its header first, as rows of texts, such as a comparison's.
      provenance: names and values for the end of the page, such as the file of the model and its checksum.
      most: the number of examples that are shown at most, the first ones.

    Raises:
      DeepExplainError: Jinja2 is missing; `pip install 'deepexplain_tf[report]'` installs it.
      InputError: no explanation, explanations of other numbers of examples, or predictions that do not fit.
      OSError: the file cannot be written.
    """
    batches = {str(name): e.batch() for name, e in explanations.items()}
    counts = {len(e) for e in batches.values()}
    if len(counts) != 1 or counts == {0}:
        raise InputError(f"a report is of explanations of the same examples. Got {sorted(counts) or 'none'} of them.")
    (count,) = counts
    if predictions is not None and np.shape(predictions)[:1] != (count,):
        raise InputError(f"predictions must be [{count}, classes]. Got shape {list(np.shape(predictions))}.")
    template = _template()
    shown = [_example(batches, number, images, predictions) for number in range(min(count, most))]
    told = {"deepexplain_tf": __version__, **(provenance or {})}
    page = template.render(
        title=title,
        examples=shown,
        count=count,
        scores=[list(map(str, row)) for row in scores],
        provenance={str(name): str(value) for name, value in told.items()},
        stops=colours.diverging(np.linspace(-1, 1, 9)).tolist(),
    )
    with atomic_file(path) as file:
        file.write(page.encode())


def _template() -> Any:
    jinja2 = imported("jinja2", "a report needs Jinja2: pip install 'deepexplain_tf[report]'")
    loader = jinja2.PackageLoader("deepexplain_tf.explanation.report", ".")
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined).get_template(
        "page.html"
    )


def _example(batches: Mapping[str, "Explanation"], number: int, images: Any, predictions: Any) -> Example:
    first = next(iter(batches.values()))
    index = (number, *first_unit(first))
    name = f"Example {number}" if first.example_names is None else str(first.example_names[number])
    panels = [_panel(method, e, number, images) for method, e in batches.items()]
    return Example(
        name=name,
        target=target_of(first, index),
        output=float(np.asarray(first.outputs)[index]),
        source=_source(first, number, images),
        predictions=[] if predictions is None else _largest(np.asarray(predictions)[number], first.class_names),
        panels=panels,
    )


def _panel(method: str, e: "Explanation", number: int, images: Any) -> Panel:
    unit = first_unit(e)
    index = (number, *unit)
    told = [sentences.of_sum(e, index), sentences.of_error(e, index)]
    try:
        views = views_of(e, example=number, unit=unit, inputs=images)
        parts: list[tuple[str, Map | str]] = [("", _part(view)) for view in views]
    except DeepExplainError as error:
        parts, told = [], [str(error), *told]
    return Panel(method, parts, [text for text in told if text], e.notes)


def _part(view: View) -> Map | str:
    return encode_map(view.values) if kind_of(view) in _MAPS else picture(dataclasses.replace(view, title=None))


def _source(e: "Explanation", number: int, images: Any) -> str | None:
    """Returns the picture of an example, None where its input is none."""
    for view in views_of(e, example=number, unit=first_unit(e), inputs=images):
        if view.inputs is not None and kind_of(view) in _MAPS:
            return encode_picture(view.inputs)
    return None


def _largest(outputs: np.ndarray, names: Sequence[str] | None) -> list[tuple[str, float]]:
    if outputs.ndim != 1:
        raise InputError(f"predictions must be [batch, classes]. Got {shortened(list(outputs.shape))} for an example.")
    order = np.argsort(-outputs, kind="stable")[:_TOP]
    return [(names[at] if names and at < len(names) else str(at), float(outputs[at])) for at in order]

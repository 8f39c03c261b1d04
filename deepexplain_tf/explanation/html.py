"""An explanation as HTML, for notebooks."""

import base64
import html
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from deepexplain_tf.errors import DeepExplainError
from deepexplain_tf.explanation.pictures import kind_of, paint, words_of
from deepexplain_tf.explanation.views import View, first_unit, views_of
import deepexplain_tf.visualize as visualize
from deepexplain_tf.visualize.figure import require_figure
from deepexplain_tf.visualize.grid import grid

if TYPE_CHECKING:
    from deepexplain_tf.explanation.explanation import Explanation

_MOST = 5  # examples
_PLAIN = ("heat_map", "overlay")  # drawn without matplotlib


def page(e: "Explanation") -> str:
    """Returns the first examples of an explanation, each with its target, output and gap, and the notes.

    A picture is part of the text, so that nothing is fetched; words and bars are text.
    """
    batch = e.batch()
    if not isinstance(batch.outputs, np.ndarray):
        return f"<pre>{html.escape(repr(e))}</pre>"
    units = batch.outputs.shape[1:]
    shown = [_example(batch, number) for number in range(min(len(batch), _MOST))]
    more = len(batch) - len(shown)
    rest = [f"<p>… and {more} more examples; e[{len(shown)}:] has them.</p>"] if more else []
    if units:
        rest.append(f"<p>Unit 0 of {list(units)} units is shown; e.plot(unit=…) shows others.</p>")
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in batch.notes)
    listed = f"<ul>{notes}</ul>" if notes else ""
    return f'<div class="dx-explanation">{"".join(shown)}{"".join(rest)}{listed}</div>'


def _example(e: "Explanation", number: int) -> str:
    unit = first_unit(e)
    index = (number, *unit)
    gap = e.completeness_gap
    lost = f"<p>Gap {float(np.asarray(gap)[index]):.2g}.</p>" if isinstance(gap, np.ndarray) else ""
    try:
        views = views_of(e, example=number, unit=unit)
        return "".join(map(picture, views)) + lost
    except DeepExplainError as error:
        return f"<p>{html.escape(str(error))}</p>{lost}"


def picture(view: View) -> str:
    """Returns a view as HTML: words, bars, or an image with a text for those who do not see it."""
    kind, title = kind_of(view), view.title or ""
    if kind == "words":
        return visualize.words_html(*words_of(view), title=title)
    if kind == "bars":
        shown = None if view.inputs is None else np.ravel(view.inputs)
        return visualize.bars_html(np.ravel(view.values), view.feature_names, inputs=shown, title=title)
    if kind not in _PLAIN:
        kind = kind if _has_axes() else "heat_map"
    image = paint(view, kind, {})
    if kind in _PLAIN:
        image = grid([[image]])  # enlarged
    alt = html.escape(f"{kind.replace('_', ' ')} of {title}", quote=True)
    caption = f"<figcaption>{html.escape(title)}</figcaption>"
    return f'<figure style="margin:0"><img alt="{alt}" src="{data_uri(image)}">{caption}</figure>'


def _has_axes() -> bool:
    """Whether matplotlib is installed."""
    try:
        require_figure()
    except DeepExplainError:
        return False
    return True


def data_uri(image: Image.Image, kind: str = "PNG", **options: Any) -> str:
    """Returns an image as a data URI of the kind `"PNG"` or `"JPEG"`."""
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"

"""The picture that fits what was explained: a painter for each kind of data."""

from collections.abc import Callable, Mapping
import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from deepexplain_tf.errors import InputError, OptionError, UnknownNameError, closest
from deepexplain_tf.explanation.views import View, table_of, views_of
import deepexplain_tf.visualize as visualize
from deepexplain_tf.visualize.stack import stack

if TYPE_CHECKING:
    from deepexplain_tf.explanation.explanation import Explanation

_FEW_CHANNELS = 24


def plot(
    e: "Explanation", kind: str | None, *, example: int, unit: Any, inputs: Any, options: Mapping[str, Any]
) -> Image.Image:
    """Returns a picture of a batch, or of one of its examples; see `Explanation.plot`."""
    if kind is not None and kind not in PAINTERS:
        raise UnknownNameError(f"unknown kind {kind!r}; {closest(str(kind), PAINTERS)}.")
    if kind is not None and PAINTERS[kind].of_many:
        return paint(table_of(e, unit, inputs), kind, options)
    drawn = [paint(view, kind, options) for view in views_of(e, example=example, unit=unit, inputs=inputs)]
    return drawn[0] if len(drawn) == 1 else stack(drawn)


def kind_of(view: View) -> str:
    """Returns the kind of picture that fits one example; see `Explanation.plot`.

    Raises:
      InputError: attributions of more axes than a picture has.
    """
    rank = view.values.ndim
    if view.pairs:
        return "interactions"
    if view.tokens is not None and rank in (1, 2):
        return "words"
    if rank <= 1:
        return "bars"
    if rank == 2:
        letters = view.feature_names or ()
        if letters and all(len(name) == 1 and name.isalpha() for name in letters):
            return "letters"
        length, channels = view.values.shape
        series = (
            view.feature_names is not None or channels == 1 or (channels <= _FEW_CHANNELS and length > 2 * channels)
        )
        return "series" if series and _same_shape(view) and channels <= _FEW_CHANNELS else "heat_map"
    if rank == 3:
        return "overlay" if _is_picture(view.inputs) else "heat_map"
    raise InputError(
        f"a picture shows at most 3 axes of an example: sum others up with e.sum(axis) first. Got {view.values.shape}."
    )


def paint(view: View, kind: str | None, options: Mapping[str, Any]) -> Image.Image:
    """Returns the picture of a view, of the kind that fits or of the given one.

    Raises:
      OptionError: an option that the kind does not have.
      InputError: attributions or inputs that the kind cannot draw.
    """
    kind = kind or kind_of(view)
    painter = PAINTERS[kind]
    known = set(inspect.signature(painter.function).parameters)
    if "title" in known:
        options = {"title": view.title, **options}
    for name in options:
        if name not in known:
            raise OptionError(f"{name!r} is no option of the picture {kind!r}; {closest(name, known)}.")
    return painter.paint(view, options)


@dataclasses.dataclass(frozen=True)
class Painter:
    """How one kind of picture is painted.

    Attributes:
      function: the function of `visualize`.
      paint: view and options of that function → the picture.
      of_many: whether it shows all examples at once.
    """

    function: Callable[..., Image.Image]
    paint: Callable[[View, Mapping[str, Any]], Image.Image]
    of_many: bool = False


def _bars(view: View, options: Mapping[str, Any]) -> Image.Image:
    shown = None if view.inputs is None else np.ravel(view.inputs)
    return visualize.bars(np.ravel(view.values), view.feature_names, **{"inputs": shown, **options})


def _summary(view: View, options: Mapping[str, Any]) -> Image.Image:
    return visualize.summary(view.values, view.feature_names, **options)


def _beeswarm(view: View, options: Mapping[str, Any]) -> Image.Image:
    return visualize.beeswarm(view.values, view.feature_names, **{"inputs": view.inputs, **options})


def _series(view: View, options: Mapping[str, Any]) -> Image.Image:
    return visualize.series(view.values, _needed(view, "series"), view.feature_names, **options)


def _letters(view: View, options: Mapping[str, Any]) -> Image.Image:
    return visualize.letters(view.values, **{"alphabet": view.feature_names or "ACGT", **options})


def _words(view: View, options: Mapping[str, Any]) -> Image.Image:
    texts, scores = words_of(view)
    return visualize.words(texts, scores, **options)


def _interactions(view: View, options: Mapping[str, Any]) -> Image.Image:
    return visualize.interactions(view.values, view.feature_names or view.tokens, **options)


def _heat_map(view: View, options: Mapping[str, Any]) -> Image.Image:
    return visualize.heat_map(view.values, **options)


def _on_picture(function: Callable[..., Image.Image]) -> Callable[[View, Mapping[str, Any]], Image.Image]:
    def paint_on(view: View, options: Mapping[str, Any]) -> Image.Image:
        return function(view.values, _needed(view, function.__name__), **options)

    return paint_on


PAINTERS: dict[str, Painter] = {
    "bars": Painter(visualize.bars, _bars),
    "beeswarm": Painter(visualize.beeswarm, _beeswarm, of_many=True),
    "contour": Painter(visualize.contour, _on_picture(visualize.contour)),
    "heat_map": Painter(visualize.heat_map, _heat_map),
    "interactions": Painter(visualize.interactions, _interactions),
    "letters": Painter(visualize.letters, _letters),
    "overlay": Painter(visualize.overlay, _on_picture(visualize.overlay)),
    "series": Painter(visualize.series, _series),
    "summary": Painter(visualize.summary, _summary, of_many=True),
    "window": Painter(visualize.window, _on_picture(visualize.window)),
    "words": Painter(visualize.words, _words),
}


def words_of(view: View) -> tuple[tuple[str, ...], np.ndarray]:
    """Returns the tokens of a view and the score of each, summed over its dimensions.

    Raises:
      InputError: a view without tokens.
    """
    if view.tokens is None:
        raise InputError("words need their texts: give tokens= to the call. Got an explanation without them.")
    scores = view.values.reshape(len(view.values), -1).sum(-1, dtype=np.float64)
    return view.tokens[: len(scores)], scores


def _needed(view: View, kind: str) -> Any:
    if view.inputs is None:
        raise InputError(f"{kind!r} shows the inputs: pass them as inputs=. Got none that fit the attributions.")
    return view.inputs


def _same_shape(view: View) -> bool:
    return view.inputs is not None and np.shape(view.inputs) == view.values.shape


def _is_picture(inputs: Any) -> bool:
    return isinstance(inputs, Image.Image) or (inputs is not None and np.shape(inputs)[-1:] in ((1,), (3,)))

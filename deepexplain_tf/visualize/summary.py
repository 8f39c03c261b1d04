"""The summary of many examples: how much each feature matters on average."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepexplain_tf.visualize import features
from deepexplain_tf.visualize.figure import UNITS, new_figure, read_names, set_title, to_image

_ROW, _WIDTH, _GREY = 0.28, 6.4, "#525252"


def summary(
    values: npt.ArrayLike, names: Sequence[object] | None = None, *, top: int = 20, title: str | None = None
) -> Image.Image:
    """Draws the mean over examples of |attribution| as a bar for each feature, largest first, with its standard error.

    Args:
      values: attributions `[examples, features]`; NaN is left out.
      names: a name for each feature; None numbers them from 0.
      top: the number of bars, ≥ 1.
      title: a line above the bars.

    Returns:
      An RGB image.

    Raises:
      DeepExplainError: matplotlib is missing; `pip install 'deepexplain_tf[plots]'` installs it.
      InputError: values of another rank, infinite or not real, or another number of names.
      OptionError: `top` out of range.
    """
    sizes = np.ma.masked_invalid(np.abs(features.of_examples(values)))
    labels = read_names(names, sizes.shape[1])
    means = sizes.mean(0).filled(0.0)
    errors = (sizes.std(0) / np.sqrt(np.maximum(sizes.count(0), 1))).filled(0.0)
    first, others = features.ranked(means, top)
    figure = new_figure(_WIDTH, 1.0 + _ROW * len(first))
    axis = figure.subplots()
    axis.barh(range(len(first)), means[first], xerr=errors[first], color=_GREY, ecolor="#bdbdbd")
    axis.set_yticks(range(len(first)), labels=[labels[place] for place in first], fontsize=9, parse_math=False)
    axis.invert_yaxis()
    axis.spines[["top", "right"]].set_visible(False)
    left_out = f"; {len(others)} smaller ones are left out" if len(others) else ""
    axis.set_xlabel(f"mean |attribution| over {len(sizes)} examples, {UNITS}{left_out}", fontsize=9)
    set_title(axis, title)
    return to_image(figure)

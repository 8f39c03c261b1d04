"""Data randomisation: do attributions change when a model has learned permuted labels?"""

import dataclasses
from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import require_bool
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.errors import OptionError
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.explainers import Explainers
from deepexplain_tf.metrics.similarity import read_similarity


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DataRandomisation(Score):
    """How alike the attributions of both models are for each example, `per_example` `[batch]`."""

    @property
    def summary(self) -> Score:
        """The absolute similarity of each example."""
        return Score(per_example=np.abs(self.per_example))


@metric("data_randomisation", better="lower")
def data_randomisation(
    explain: Any,
    model: Any,
    inputs: Structure,
    *,
    permuted: Any,
    similarity: str = "spearman",
    absolute: bool = False,
) -> DataRandomisation | dict[str, DataRandomisation]:
    """How alike Φ(model, x) and Φ(permuted, x) are, of models that learned the labels and permuted labels.

    Attributions that depend on what the labels have to do with the inputs differ. Both models are the user's: of one
    architecture, trained alike until they fit their labels, the second after a permutation of the labels. One that has
    not learned its labels tells nothing. For constant attributions of an example the score is NaN.

    Args:
      explain: a function `(model, inputs)` → attributions; or several by name.
      model: the model that learned the labels; any value that `explain` takes.
      inputs: the examples.
      permuted: the model that learned permuted labels.
      similarity: `"spearman"`, `"ssim"` or `"hog"`, see `deepexplain_tf.metrics.similarity`.
      absolute: whether attributions are compared without their signs.

    Returns:
      A `DataRandomisation`, or a dict of them by the names of `explain`.

    Raises:
      TypeError: `explain` is not a function.
      DeepExplainError: another argument does not fit, or `explain` does not return finite attributions of the examples.

    References:
      Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, *Sanity Checks for Saliency Maps*, NeurIPS 2018,
      https://arxiv.org/abs/1810.03292, section 3.2.
    """
    require_bool("absolute", absolute)
    if permuted is model:
        raise OptionError("permuted must be another model than the first. Got the same one.")
    examples, explainers = Examples.read(inputs), Explainers.read(explain)
    alike = read_similarity(similarity, examples, absolute)
    originals = explainers(examples.batch, model, examples.pack(examples.inputs))
    others = explainers.repeat(originals, permuted, examples.pack(examples.inputs))
    pairs = zip(originals, others, strict=True)
    return explainers.by_name([DataRandomisation(per_example=alike(*pair)) for pair in pairs])

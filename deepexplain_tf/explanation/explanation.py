"""The result of every explain call."""

from collections.abc import Iterator
import dataclasses
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from deepexplain_tf.explanation import columns, examples, html, pictures
from deepexplain_tf.explanation.report import write_report
from deepexplain_tf.explanation.storage import read_fields, refusal, write_fields
from deepexplain_tf.explanation.structure import describe, same, single_array
from deepexplain_tf.explanation.sums import summed

if TYPE_CHECKING:
    import pandas


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Explanation:
    """The attributions of a batch of inputs, with the numbers needed to judge them.

    Where the method promises completeness, Σ attributions = outputs − baseline_outputs + completeness_gap for
    each example, in units of the target; a group of features counts once. With noise, the mean output at the noisy
    inputs stands there in the place of `outputs`, which are those without noise; of a random model, all are means over
    its draws. Inside a `tf.function` the arrays are symbolic tensors, which nothing converts to NumPy on its own.

    It is also a sequence of its examples: `len(e)`, `e[2:5]`, `e[[0, 3]]` and masks are explanations of fewer examples,
    and `e[3]`, as well as each item of a loop, is that of one example, whose arrays have no axis of the batch.

    Attributes:
      attributions: An array, or a list, tuple or dict of arrays, shaped like the explained tensors `[batch, ...]`.
      outputs: `[batch]`, the target at the inputs; of several units `[batch, units]`, and all other arrays likewise.
      baseline_outputs: `[batch]`, the target at the baseline, or its mean over the background; None for methods
        without a baseline.
      completeness_gap: `[batch]`, in units of the target; None where the method does not promise completeness.
      n_steps: The number of gradients along the path, one int or one per example; None for methods without a path.
      standard_error: The standard error of sampled attributions, in their structure, with noise that of the mean over
        its samples; None for other methods.
      estimated_error: `[batch]`, the bound on the relative L2 error that an adaptive integral estimates; else None.
      method: The registered name of the method.
      target: An int, a tuple of ints, an array, or the name of a callable.
      notes: Notes on outputs that were stripped, on programs that XLA did not compile, on ops without a rule or with a
        convention for a rule, and on sums that are off.
      inputs: A copy of the model's inputs, an array `[batch, ...]` or a structure; tensors as they were given.
      groups: The group of each element of an example, in the structure of the attributions, where the method explained
        groups: each element carries the value of its whole group. Else None.
      pairwise: Whether the attributions are those of pairs of features, `[batch, features, features]`.
      feature_names: Names along the last axis of the attributions, in their structure; None where none were given.
      tokens: For each example the texts along the next axis, "" for padding; likewise.
      class_names: Names of the model's units; None where none were given.
      example_names: Names of the examples; likewise. Of one example, its name.
      batched: Whether the arrays have an axis of the batch; not those of a single example, `e[3]`.
    """

    attributions: Any
    outputs: Any
    baseline_outputs: Any = None
    completeness_gap: Any = None
    n_steps: Any = None
    standard_error: Any = None
    estimated_error: Any = None
    method: str
    target: Any = None
    notes: tuple[str, ...] = ()
    inputs: Any = None
    groups: Any = None
    pairwise: bool = False
    feature_names: Any = None
    tokens: Any = None
    class_names: tuple[str, ...] | None = None
    example_names: Any = None
    batched: bool = True

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(single_array(self.attributions), dtype=dtype, copy=copy)

    def __eq__(self, other: object) -> bool:
        """Returns whether every field has the same structure, dtypes and values; NaN equals NaN."""
        if not isinstance(other, Explanation):
            return NotImplemented
        return same(vars(self), vars(other))

    def __len__(self) -> int:
        if not self.batched:
            raise TypeError("an explanation of one example has no length.")
        return len(self.outputs)

    def __iter__(self) -> Iterator["Explanation"]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, rows: Any) -> "Explanation":
        """Returns the explanation of some examples, or for an int that of one, without the axis of the batch.

        Args:
          rows: An int, a slice, or an array or list of numbers or of bools, as NumPy takes them.

        Raises:
          IndexError: There is no such example.
          TypeError: An explanation of one example.
        """
        return examples.chosen(self, rows)

    def __repr__(self) -> str:
        lines = [f"Explanation({self.method}, target={describe(self.target)})"]
        lines.append(f"  attributions: {describe(self.attributions)}")
        lines.append(f"  outputs: {_numbers(self.outputs)}")
        if isinstance(self.completeness_gap, np.ndarray | np.generic):
            gap = np.abs(np.asarray(self.completeness_gap, np.float64)).max(initial=0.0)
            lines[-1] += f", largest |gap|: {gap:.2g}"
        if self.notes:
            lines.append(f"  notes: {len(self.notes)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html.page(self)

    def sum(self, over: Any) -> "Explanation":
        """Returns the explanation with attributions added up; outputs and gap stay, standard errors have no sum.

        Attributions of groups count once: within a group they stay, and over whole groups each is one term.

        Args:
          over: `"channels"`, the last axis; `"words"`, the pieces of each word of `tokens` and their dimensions, with
            words in the place of tokens, zeros behind the last, and all padding as a last word `[padding]`, unless that
            has no attribution; an axis or a tuple of axes, as NumPy counts those
            of `attributions`, but not that of the batch; whole numbers shaped like one example, for one sum of each
            number, in ascending order; or, for tables, a dict: name → features that are one group, by names or
            numbers, where all others stay by themselves. All but a dict of groups may be a list, tuple or dict for
            several arrays, with None for those that stay.

        Raises:
          OptionError: A sum that the attributions do not have.
        """
        found = summed(self.batch(), over)
        return found if self.batched else found[0]

    def to_frame(self) -> "pandas.DataFrame":
        """Returns the attributions as a pandas DataFrame with a row for each example and a column for each feature.

        Where the explanation has tokens, there is a row for each token instead, with the columns `example`,
        `position`, `token` and `attribution`, summed over the dimensions of a token; of several units, a row for each
        unit of each example.

        Raises:
          DeepExplainError: pandas is missing; `pip install 'deepexplain_tf[pandas]'` installs it.
        """
        return columns.frame(self.batch())

    def batch(self) -> "Explanation":
        """Returns the explanation of one example as that of a batch of one; any other as it is."""
        return examples.as_batch(self)

    def plot(
        self,
        kind: str | None = None,
        *,
        example: int = 0,
        unit: int | tuple[int, ...] | None = None,
        inputs: Any = None,
        **options: Any,
    ) -> Image.Image:
        """Returns the picture that fits what was explained.

        Of one example: coloured `words` where there are tokens, `bars` for features of a table, `series` over time,
        `letters` where the features are named by single letters, as those of DNA, an `overlay` on a picture, the matrix
        of `interactions` of pairs, and a `heat_map` of anything else with two or three axes. Several arrays stand below
        each other, or are one table where each has few elements.

        Args:
          kind: One of these names, or `"contour"` or `"window"` for pictures, or `"summary"` or `"beeswarm"` for all
            examples of a table at once; None takes the one that fits.
          example: The index of the example in the batch.
          unit: The index of one of several explained units, a tuple where they have several axes.
          inputs: What the picture shows in the place of the inputs that were explained, such as a photo before it was
            preprocessed: a batch `[batch, ...]`.
          **options: Options of the function of that name in `deepexplain_tf.visualize`, such as `title` or `top`.

        Raises:
          DeepExplainError: matplotlib is missing, which all but pictures and words need;
            `pip install 'deepexplain_tf[plots]'` installs it.
          UnknownNameError: An unknown kind.
          OptionError: An option that the kind does not have, or a value out of range.
          InputError: There is no such example or unit, or the kind cannot draw it.
        """
        return pictures.plot(self.batch(), kind, example=example, unit=unit, inputs=inputs, options=options)

    def image(self, inputs: Any = None, *, example: int = 0, kind: str | None = None, **options: Any) -> Image.Image:
        """Returns a heat map or an overlay of one example; `plot` takes the explained inputs by itself.

        Args:
          inputs: The batch of pictures for kinds that show the picture.
          example: The index of the example in the batch.
          kind: `"heat_map"`, `"overlay"`, `"contour"` or `"window"`, as in `deepexplain_tf.visualize`; None draws an
            overlay where `inputs` are given, else a heat map.
          **options: Options of the function of that name, such as `percentile`.

        Raises:
          InputError: The attributions are not a picture, the inputs are missing, or there is no such example.
          TypeError: The attributions hold several arrays.
          UnknownNameError: An unknown kind.
        """
        kind = kind or ("heat_map" if inputs is None else "overlay")
        single_array(self.attributions)
        return self.plot(kind, example=example, inputs=inputs, **options)

    def report(self, path: str | os.PathLike[str], **options: Any) -> None:
        """Writes one HTML file about the examples, for a browser without a network; see `report.write_report`.

        Args:
          path: The file, which appears whole or not at all.
          **options: `title=`, `images=` (shown in the place of the inputs), `predictions=` (all outputs of the model
            `[batch, classes]`), `provenance=` (names and values for the end of the page) and `most=` (examples).

        Raises:
          DeepExplainError: Jinja2 is missing; `pip install 'deepexplain_tf[report]'` installs it.
          InputError: Predictions that do not fit.
          OSError: The file cannot be written.
        """
        write_report({self.method: self}, path, **options)

    def save(self, path: str | os.PathLike[str], *, inputs: bool = True) -> None:
        """Writes one file in the `.npz` format at exactly `path`; no suffix is added.

        A temporary file beside `path` is renamed to `path` once it is complete; a failure leaves an old file alone.

        Args:
          path: The file.
          inputs: Whether the file holds the inputs too, for pictures of what is loaded.

        Raises:
          TypeError: A field holds a value that is not an array, a number, a string or a structure of these.
          OSError: The file cannot be written.
        """
        write_fields({**vars(self), **({} if inputs else {"inputs": None})}, path)


def load(path: str | os.PathLike[str]) -> Explanation:
    """Reads an `Explanation` that `Explanation.save` wrote; nothing in the file is executed.

    Raises:
      FileNotFoundError: There is no such file.
      InputError: The file is damaged, or is not an explanation.
    """
    fields = read_fields(path)
    try:
        return Explanation(**fields)
    except TypeError as error:
        raise refusal(path, error) from None


def _numbers(values: Any) -> str:
    if not isinstance(values, np.ndarray | np.generic):
        return describe(values)
    return np.array2string(np.asarray(values, np.float64), precision=4, threshold=6, edgeitems=3)

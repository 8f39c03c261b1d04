"""Callbacks of Keras' training: how explanations change while a model learns."""

from collections.abc import Sequence
import os
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import is_int
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.errors import OptionError, shortened
from deepexplain_tf.explain import DeepExplain, Explainer, split_settings
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.explanation.structure import leaves
from deepexplain_tf.explanation.views import first_unit
from deepexplain_tf.methods.base import METHODS

_PICTURES = 8  # examples that are drawn


class Explain(keras.callbacks.Callback):
    """Writes explanations of fixed examples for TensorBoard while a model is trained: before, and each k epochs.

    The events stand under the name of the method: a picture of each of the first examples, the histogram of the
    attributions, the mean output, and where attributions add up the mean |gap| and the mean |change| of the output that
    it is a part of. Of several units the first is drawn. The step is the number of epochs that are done, 0 before the
    first.

    The program reads the weights as they are, so that later epochs trace nothing again. The weights, the optimizer and
    Keras' random state are left alone.

    Example:
      >>> import deepexplain_tf as dx, keras, tempfile
      >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
      >>> model.compile("sgd", "mse")
      >>> x = np.eye(2, dtype=np.float32)
      >>> why = dx.callbacks.Explain(x, "gradient_x_input", every=2, log_dir=tempfile.mkdtemp())
      >>> _ = model.fit(x, x[:, :1], epochs=4, verbose=0, callbacks=[why])
      >>> why.explanation.outputs.shape
      (2,)

    Attributes:
      explanation: the last explanation, None before the first.
    """

    def __init__(
        self,
        x: Structure,
        method: str = "integrated_gradients",
        *,
        every: int = 1,
        log_dir: str | os.PathLike[str],
        images: Sequence[Any] | np.ndarray | None = None,
        **options: Any,
    ):
        """Checks the arguments that need no model; the first explanation, before the first epoch, checks the others.

        Args:
          x: the examples, as for `DeepExplain.explain`; a few are enough.
          method: a name of `list_methods()` or an alias.
          every: the number of epochs from one explanation to the next, ≥ 1.
          log_dir: the folder of TensorBoard's events; a run of its own in it is `os.path.join(folder, "why")`.
          images: what pictures show in the place of `x`, such as photos before they were preprocessed.
          **options: arguments of `DeepExplain`, such as `layer=`, and of its `explain`, such as `target=`.

        Raises:
          UnknownNameError: an unknown method.
          OptionError: `every` is no whole number ≥ 1.
        """
        super().__init__()
        self._method = METHODS.resolve(method)
        if not is_int(every) or every < 1:
            raise OptionError(f"every must be a whole number ≥ 1. Got {shortened(every)}.")
        self._x, self._images, self._every = x, images, int(every)
        self._log_dir = os.fspath(log_dir)
        self._settings, self._fixed = split_settings(options)
        self._explainer: Explainer | None = None
        self._writer: Any = None
        self.explanation: Explanation | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Explains the model as it is before the first epoch.

        Raises:
          DeepExplainError: an argument that does not fit the model.
          OSError: the folder cannot be written to.
        """
        with DeepExplain(self.model, **self._settings) as de:
            self._explainer = de.explainer(self._method, **self._fixed)
        e = self._explainer(self._x)
        os.makedirs(self._log_dir, exist_ok=True)
        self._writer = tf.summary.create_file_writer(self._log_dir)
        self._write(e, 0)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Explains the model after every k-th epoch."""
        done = epoch + 1
        if done % self._every == 0 and self._explainer is not None:
            self._write(self._explainer(self._x), done)

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the file of events."""
        if self._writer is not None:
            self._writer.close()

    def _write(self, e: Explanation, step: int) -> None:
        self.explanation = e
        with self._writer.as_default(step):
            for number in range(min(len(e), _PICTURES)):
                picture = e.plot(example=number, unit=first_unit(e), inputs=self._images)
                tf.summary.image(f"{self._method}/{number}", np.asarray(picture)[np.newaxis])
            for name, array in leaves(e.attributions):
                title = f"{self._method}/attributions" + (f"/{name}" if name else "")
                tf.summary.histogram(title, np.asarray(array, np.float64))
            for name, value in _scalars(e).items():
                tf.summary.scalar(f"{self._method}/{name}", value)
        self._writer.flush()


def _scalars(e: Explanation) -> dict[str, float]:
    """Returns means over the examples: of the output, and where attributions add up, of their gap and of the change."""
    outputs = np.asarray(e.outputs, np.float64)
    found = {"output": outputs.mean()}
    if e.completeness_gap is not None:
        start = 0.0 if e.baseline_outputs is None else np.asarray(e.baseline_outputs, np.float64)
        found["gap"] = np.abs(np.asarray(e.completeness_gap, np.float64)).mean()
        found["change"] = np.abs(outputs - start).mean()
    return {name: float(value) for name, value in found.items()}

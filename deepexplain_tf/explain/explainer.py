"""`Explainer`, a method bound to a model."""

from collections.abc import Mapping
import os
from typing import Any

from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.preparation import check_call
from deepexplain_tf.engine.repetition import Repetition
from deepexplain_tf.engine.run import run
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.export import ExplainerProgram, make_format, save
from deepexplain_tf.graph.autograph import unconverted
from deepexplain_tf.methods.base import CALL_ARGUMENTS, METHODS
from deepexplain_tf.methods.make import make


class Explainer:
    """A method bound to a model; a call with inputs returns an `Explanation`."""

    def __init__(self, engine: Engine, method: str, fixed: Mapping[str, Any]):
        self._engine = engine
        self._name = METHODS.resolve(method)
        self._fixed = dict(fixed)
        self._calls = self._with({})

    @property
    def engine(self) -> Engine:
        """The engine that traces and compiles, for the rest of the library."""
        return self._engine

    @property
    def method(self) -> str:
        """The registered name of the method."""
        return self._name

    @property
    def fixed(self) -> dict[str, Any]:
        """The arguments that are the same for every call."""
        return dict(self._fixed)

    def bind(self, **arguments: Any) -> "Explainer":
        """Returns this explainer with more arguments of `DeepExplain.explain` that are the same for every call."""
        return Explainer(self._engine, self._name, {**self._fixed, **arguments})

    @property
    def n_traces(self) -> int:
        """The number of graphs traced for this model so far; a repeated call adds none."""
        return self._engine.n_traces

    @unconverted
    def __call__(self, inputs: Structure, **late: Any) -> Explanation:
        """Explains a batch; `late` arguments of `DeepExplain.explain` replace the fixed ones."""
        calls = self._with(late) if late else self._calls
        return run(self._name, calls.prepare(inputs))

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        format: str = "saved_model",
        version: int | None = None,
        overwrite: bool = False,
        **options: Any,
    ) -> None:
        """Writes a folder that explains without this library and without Keras.

        A SavedModel has the signatures `explain` (also as `serving_default`) and `predict`. `explain` takes the model's
        inputs by name, with any number of examples, and `target` and `baseline` unless they are fixed (`target=None`
        fixes the predicted class, `baseline=None` zeros). It returns `attributions` and `outputs`, and where the method
        has them `baseline_outputs`, `completeness_gap` and `standard_error`; with several inputs, `baseline_NAME` and
        `attributions_NAME` for each. `predict` returns the model's own outputs, or of a random model their means over
        its draws. `assets/explainer.json` describes the method, its options and the model.

        A StableHLO program does the same for fixed shapes in any runtime of XLA; `explainer.json` beside it names the
        program's parameters and results in order.

        Args:
          path: the folder to write; it appears whole or not at all.
          format: `"saved_model"` or `"stablehlo"`.
          version: writes `path/version/`, the layout of TensorFlow Serving.
          overwrite: whether to replace an older export.
          **options: for `"stablehlo"`: `inputs=`, arrays or `tf.TensorSpec`s that fix the shapes of the program, and
            `weights=`, either `"constants"` of the program or `"arguments"`, stored in `weights.npz`.

        Raises:
          PathError: `path` exists, or cannot be written to.
          OptionError: a path integral to a tolerance, which is no single graph.
          ModelError: `jit_compile=True` or `format="stablehlo"`, and XLA cannot compile the program.
          DeepExplainError: any other argument that does not fit, before anything is written.
        """
        save(self.program, path, make_format(format, options), version=version, overwrite=overwrite)

    def program(self) -> ExplainerProgram:
        """Returns the program to export: functions of named tensors, to be called inside a `tf.function`."""
        return ExplainerProgram(self._engine, self._name, self._fixed)

    def _with(self, late: Mapping[str, Any]) -> Repetition:
        given = {**self._fixed, **late}
        call = {name: given.pop(name) for name in CALL_ARGUMENTS if name in given}
        method = make(self._name, given)
        check_call(self._name, method, **call)
        return Repetition(self._engine, method, call)

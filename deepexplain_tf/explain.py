"""`DeepExplain`, the with-block around a model, and the explainers made in it."""

from collections.abc import Callable, Mapping
import os
from typing import Any

from deepexplain_tf.arguments.options import require_bool
from deepexplain_tf.arguments.types import Overrides, Structure, Target
from deepexplain_tf.engine.audit import Audit, audit
from deepexplain_tf.engine.engine import Engine, Settings
from deepexplain_tf.engine.preparation import check_call
from deepexplain_tf.engine.rewrite import rewritten_model
from deepexplain_tf.engine.run import run
from deepexplain_tf.errors import ClosedError, OptionError, shortened
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.export import ExplainerProgram, make_format, save
from deepexplain_tf.graph.sources.source import source_of
from deepexplain_tf.methods.base import CALL_ARGUMENTS, METHODS, make
from deepexplain_tf.rules.composites import Composite
from deepexplain_tf.rules.coverage import Coverage
from deepexplain_tf.rules.overrides import read_overrides


class DeepExplain:
    """Explains a model inside a with-block; the model itself is never changed.

    Example:
      >>> import deepexplain_tf as dx
      >>> with dx.DeepExplain(lambda x: x[:, 0] * x[:, 1]) as de:
      ...     e = de.explain("integrated_gradients", np.array([[2.0, 3.0]]))
      >>> e.attributions.round(3)
      array([[3., 3.]])
    """

    def __init__(
        self,
        model: Any,
        *,
        output: str | int = "auto",
        layer: str | None = None,
        overrides: Overrides | None = None,
        jit_compile: bool | str = "auto",
        signature: str | None = None,
        input_signature: Any = None,
        strict: bool = True,
    ):
        """Checks what can be checked without inputs; entering the with-block traces the model where it can.

        Args:
          model: a Keras model or layer, the path of a `.keras` or `.h5` file, a tf.Module, a tf.function, or a
            callable of tensors.
          output: `"auto"` takes a trailing Softmax or Sigmoid off each output, so that the target is a logit;
            `"model"` takes outputs as they are; a name or index chooses one of several (and strips it).
          layer: the name of a Keras layer whose output is explained instead of the inputs; `"name:i"` picks
            one of several calls.
          overrides: op type or kind → `rule(op, inputs) -> outputs`, which emits the op under
            `tf.custom_gradient`; merged over every method's own map.
          jit_compile: True, False, or `"auto"`: XLA where there is a GPU or TPU; on a CPU for path integrals through
            loops (recurrent networks) or dense layers, where it pays.
          signature: the signature of a SavedModel; not used by other models.
          input_signature: a list of `tf.TensorSpec`, batch axis None, for a callable; without it shapes come
            from the first call.
          strict: False lets ops without a rule pass by plain gradient, listed in `notes`.

        Raises:
          TypeError: an argument of the wrong type, or something that is no model.
          FileNotFoundError: there is no such file.
          ModelError: the file holds no model.
          OptionError: an argument out of range.
        """
        if not isinstance(output, str | int) or isinstance(output, bool):
            raise TypeError(f"output is 'auto', 'model', a name or an index. Got {type(output).__name__}.")
        if layer is not None and not isinstance(layer, str):
            raise TypeError(f"layer is the name of a layer. Got {type(layer).__name__}.")
        if not (isinstance(jit_compile, bool) or jit_compile == "auto"):
            raise OptionError(f"jit_compile must be True, False or 'auto'. Got {jit_compile!r}.")
        require_bool("strict", strict)
        source = source_of(model, input_signature, signature=signature, output=output)
        self._engine = Engine(source, Settings(output, layer, dict(read_overrides(overrides)), jit_compile, strict))
        self._open = False

    @property
    def engine(self) -> Engine:
        """What stands behind it, for the rest of the library."""
        return self._engine

    def __enter__(self) -> "DeepExplain":
        if self._engine.specs is not None:
            self._engine.model()
        self._open = True
        return self

    def __exit__(self, *exception: object) -> None:
        self._open = False

    def explain(
        self,
        method: str,
        inputs: Structure,
        *,
        target: Target = None,
        baseline: Structure = None,
        batch_size: int | None = None,
        chunk_size: int | None = None,
        max_memory: int | str | None = None,
        seed: int | None = None,
        progress: bool = False,
        **options: Any,
    ) -> Explanation:
        """Explains a batch of inputs.

        Args:
          method: a name of `list_methods()` or an alias.
          inputs: an array `[batch, ...]`, or a list, tuple or dict of arrays as the model takes them.
          target: None (the only unit, else the predicted class), an int, an int per example, a tuple (index
            into the non-batch axes), float weights in the output's shape, or a function of the outputs.
          baseline: None (zeros), a number, one example or one per example, in the structure of `inputs`.
          batch_size: examples per call of the compiled program; default 32, of methods that evaluate the model many
            times as many as need 32 MiB, 1 … 1024.
          chunk_size: model evaluations at once inside it, 1 … 1024; default: as many as have 256 MiB of
            activations, or 2 GiB on a GPU or TPU, 10 … 1024.
          max_memory: bytes, or a text such as `"2GiB"`, that the call may take beside the model and its inputs, by an
            estimate; chooses `chunk_size`, and `batch_size` where that is not given.
          seed: of methods that sample.
          progress: whether to show a progress bar over the batches.
          **options: the method's own; see its docstring.

        Returns:
          An `Explanation`; its arrays are NumPy, or symbolic tensors where `inputs` are.

        Raises:
          DeepExplainError: any argument that does not fit, before any work is done.
          UnsupportedOpError: an op that no rule covers.
        """
        call = {"target": target, "baseline": baseline, "batch_size": batch_size, "chunk_size": chunk_size}
        call |= {"max_memory": max_memory, "seed": seed, "progress": progress}
        return self.explainer(method, **call, **options)(inputs)

    def explainer(self, method: str, *, freeze: bool = False, **fixed: Any) -> "Explainer":
        """Returns a compiled, reusable callable; it lives on after the block.

        Args:
          method: a name of `list_methods()` or an alias.
          freeze: whether the weights become constants of the program, as they are at the first call: faster, but it
            does not follow training.
          **fixed: arguments of `explain` that are the same for every call.
        """
        self._require_open()
        if not isinstance(freeze, bool):
            raise OptionError(f"freeze must be True or False. Got {shortened(freeze)}.")
        return Explainer(self._engine.frozen() if freeze else self._engine, method, fixed)

    def rewrite(self, method_or_map: str | Mapping[str, Any], baseline: Structure = None) -> Callable[..., Any]:
        """Returns a callable with the model's outputs whose gradient is the replaced one.

        Its values are the model's (nothing is stripped); under `tf.GradientTape` it has the gradient of the
        method's rules, or of the given override map.

        Args:
          method_or_map: a method that replaces gradients, or op type or kind → rule.
          baseline: for DeepLIFT: None (zeros), a number, or one example in the structure of the inputs.
        """
        self._require_open()
        if isinstance(method_or_map, Mapping):
            composite = Composite(overrides=read_overrides(method_or_map))
        else:
            method = make(method_or_map, {})
            if not method.differentiates:
                raise OptionError(
                    f"rewrite takes a method that replaces gradients. Got {method_or_map!r}, which has none."
                )
            composite = self._engine.composite(method)
        if baseline is not None and not composite.twin:
            raise OptionError("baseline belongs to methods that compare with one. Got it for one that has none.")
        return rewritten_model(self._engine, composite, baseline)

    def coverage(self, method: str) -> Coverage:
        """Returns what a method does at each op between what is explained and the outputs.

        Args:
          method: a name of `list_methods()`; a method that only evaluates the model covers every op.

        Raises:
          ModelError: a model whose input shapes are not known yet.
        """
        self._require_open()
        return self._engine.coverage(make(method, {}))

    def audit(
        self,
        method: str,
        inputs: Structure,
        *,
        target: Target = None,
        baseline: Structure = None,
        **options: Any,
    ) -> Audit:
        """Runs a method once and returns what each op loses of the sum: Σ multiplier·Δin − Σ multiplier·Δout.

        Where every rule is exact, each row is rounding; the largest row names the op whose rule is not.

        Args:
          method: a method that is one backward pass, as `"deeplift"`.
          inputs: an array `[batch, ...]`, or a structure of arrays as the model takes them; few examples are enough.
          target: what is explained, as for `explain`.
          baseline: for DeepLIFT, as for `explain`.
          **options: the method's own.

        Raises:
          OptionError: a method that integrates or perturbs.
          DeepExplainError: any argument that does not fit, as for `explain`.
        """
        self._require_open()
        name, made = METHODS.resolve(method), make(method, options)
        check_call(name, made, target=target, baseline=baseline)
        return audit(self._engine, name, made, inputs, target=target, baseline=baseline)

    def _require_open(self) -> None:
        if not self._open:
            raise ClosedError("a DeepExplain is used inside its with-block. Got a call outside of it.")


class Explainer:
    """A method bound to a model: called with inputs, it returns an `Explanation`."""

    def __init__(self, engine: Engine, method: str, fixed: Mapping[str, Any]):
        self._engine = engine
        self._name = METHODS.resolve(method)
        self._fixed = dict(fixed)
        self._split(self._fixed)

    @property
    def n_traces(self) -> int:
        """How often a graph has been traced for this model; a repeated call leaves it as it is."""
        return self._engine.n_traces

    def __call__(self, inputs: Structure, **late: Any) -> Explanation:
        """Explains a batch; `late` are arguments of `DeepExplain.explain`, which replace the fixed ones."""
        call, options = self._split({**self._fixed, **late})
        return run(self._engine, self._name, make(self._name, options), inputs, **call)

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

        A SavedModel has a signature `explain`, also `serving_default`, which takes the model's inputs by name, any
        number of examples, and `target` and `baseline` where they are not fixed (`target=None` fixes the predicted
        class, `baseline=None` zeros); it returns `attributions`, `outputs`, and `baseline_outputs`, `completeness_gap`
        and `standard_error` where the method has them. Several inputs have `baseline_NAME` and `attributions_NAME`
        each. `predict` returns the model's own outputs. `assets/explainer.json` tells what was exported.

        A StableHLO program is the same for fixed shapes, for any runtime of XLA; `explainer.json` beside it names its
        parameters and results in their order.

        Args:
          path: the folder to write; it appears whole or not at all.
          format: `"saved_model"` or `"stablehlo"`.
          version: writes `path/version/`, as TensorFlow Serving reads it.
          overwrite: whether an older export is replaced.
          **options: of `"stablehlo"`: `inputs=`, arrays or `tf.TensorSpec`s whose shapes the program is for, and
            `weights=`, `"constants"` of the program or `"arguments"`, which `weights.npz` holds then.

        Raises:
          PathError: there is something at `path`, or it cannot be written to.
          OptionError: a method that is no graph: integrated_gradients to a tolerance.
          ModelError: XLA was asked for and cannot compile it.
          DeepExplainError: any other argument that does not fit, before anything is written.
        """
        save(self.program, path, make_format(format, options), version=version, overwrite=overwrite)

    def program(self) -> ExplainerProgram:
        """Returns what is exported: functions of named tensors, to be called inside a `tf.function`."""
        return ExplainerProgram(self._engine, self._name, self._fixed)

    def _split(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        options = {name: value for name, value in given.items() if name not in CALL_ARGUMENTS}
        call = {name: value for name, value in given.items() if name in CALL_ARGUMENTS}
        check_call(self._name, make(self._name, options), **call)
        return call, options

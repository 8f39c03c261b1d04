"""`DeepExplain`, the with-block around a model."""

from collections.abc import Callable, Mapping, Sequence
import inspect
from typing import Any, Unpack

from deepexplain_tf.arguments.layer import read_layer
from deepexplain_tf.arguments.noise import Noise
from deepexplain_tf.arguments.options import require_bool
from deepexplain_tf.arguments.types import Overrides, Structure, Target
from deepexplain_tf.engine.audit import Audit, audit
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.overview import overview
from deepexplain_tf.engine.preparation import check_call
from deepexplain_tf.engine.rewrite import rewritten_model
from deepexplain_tf.engine.settings import Settings
from deepexplain_tf.errors import ClosedError, OptionError, shortened
from deepexplain_tf.explain.explainer import Explainer
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.graph.autograph import unconverted
from deepexplain_tf.graph.sources.source import source_of
from deepexplain_tf.methods.base import METHODS
from deepexplain_tf.methods.make import make
from deepexplain_tf.methods.options import Options
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
        layer: str | Sequence[str] | None = None,
        overrides: Overrides | None = None,
        jit_compile: bool | str = "auto",
        signature: str | None = None,
        input_signature: Any = None,
        strict: bool = True,
        custom_objects: Mapping[str, Any] | None = None,
    ):
        """Checks the arguments; entering the with-block traces the model if the shapes of its inputs are known.

        Args:
          model: a Keras or tf_keras model or layer; the path of a `.keras`, `.h5` or `.pb` file or of a SavedModel
            folder; a GraphDef, ConcreteFunction, tf.function, tf.Module or callable of tensors.
          output: `"auto"` strips a final softmax or sigmoid from each output, so that the target is a logit;
            `"model"` strips nothing; a name or index chooses one of several outputs, and strips it too. The name of
            a Keras layer (`"name:i"`: one of its calls) explains neurons: units of that layer's output, as it is.
          layer: the name of a Keras layer whose output is explained instead of the inputs (`"name:i"`: one of its
            calls), or a list of such names and of inputs, which are explained together.
          overrides: op type or kind → `rule(op, inputs) -> outputs`, which emits the op under
            `tf.custom_gradient`; these rules take precedence over those of the method.
          jit_compile: True, False, or `"auto"`: XLA compiles on a GPU or TPU; on a CPU path integrals through loops
            (recurrent networks) or dense layers, and any gradient through a loop of at least 64 fixed steps.
          signature: the name of a signature of a SavedModel; an error for any other model.
          input_signature: a list of `tf.TensorSpec`, batch axis None, for a callable (else the first call gives the
            shapes); for a GraphDef, also the names of its input tensors.
          strict: False lets an op without a rule keep its plain gradient, with a note in `notes`.
          custom_objects: your own classes and functions by name, for a Keras file that uses them.

        Raises:
          TypeError: an argument of the wrong type, or an object that is not a model.
          FileNotFoundError, ModelError: there is no such file, or it holds no model.
          OptionError: an argument out of range.
          UnknownNameError: an unknown signature of a SavedModel.
        """
        if not isinstance(output, str | int) or isinstance(output, bool):
            raise TypeError(f"output is 'auto', 'model', a name or an index. Got {type(output).__name__}.")
        if not (isinstance(jit_compile, bool) or jit_compile == "auto"):
            raise OptionError(f"jit_compile must be True, False or 'auto'. Got {jit_compile!r}.")
        require_bool("strict", strict)
        places = read_layer(layer)
        source = source_of(model, input_signature, signature=signature, output=output, custom_objects=custom_objects)
        self._engine = Engine(source, Settings(output, places, dict(read_overrides(overrides)), jit_compile, strict))
        self._open = False

    @property
    def engine(self) -> Engine:
        """The engine that traces and compiles, for the rest of the library."""
        return self._engine

    @unconverted
    def __enter__(self) -> "DeepExplain":
        if self._engine.specs is not None:
            self._engine.model()
        self._open = True
        return self

    def __exit__(self, *exception: object) -> None:
        self._open = False

    def __repr__(self) -> str:
        return overview(self._engine)

    @unconverted
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
        noise: Noise | None = None,
        progress: bool = False,
        tensors: bool | None = None,
        feature_names: Any = None,
        tokens: Any = None,
        class_names: Sequence[str] | None = None,
        example_names: Sequence[str] | None = None,
        **options: Unpack[Options],
    ) -> Explanation:
        """Explains a batch of inputs; returns an `Explanation` of NumPy arrays, or of tensors.

        Args:
          method: a name of `list_methods()` or an alias.
          inputs: an array `[batch, ...]` (of strings, also a list), or a list, tuple or dict in the model's structure;
            or a container of examples, see `arguments.containers`.
          target: None (the only unit, else the predicted class), an int, an int per example, a tuple (index into the
            non-batch axes), float weights in the output's shape, a function of the outputs (and `inputs`), or
            `(function, arrays)`, called `function(outputs, *rows)`; `"all"` or ranges: see `arguments.units`.
          baseline: None (zeros), a number or string, one example or one for each, in the explained tensors' structure.
          batch_size: examples per call of the program, for each replica in the scope of a `tf.distribute` strategy;
            default 32; with many evaluations, what 32 MiB hold or a chunk.
          chunk_size: model evaluations at once inside the program, at most 1024 of them; default: as many as have
            256 MiB of activations, or 2 GiB on a GPU or TPU, 10 … 1024.
          max_memory: bytes, or a text such as `"2GiB"`: an estimated limit on the memory of the call (on each device),
            without the model and its inputs; sets `chunk_size`, and `batch_size` unless that is given.
          seed: a whole number ≥ 0, for methods that draw random numbers.
          noise: `dx.noise(kind, …)`: attributions are the mean or variance over noisy inputs, or over a model's draws.
          progress: whether to show a progress bar over the batches.
          tensors: whether to return tensors with derivatives with respect to variables, inputs and baseline; default:
            inside a `tf.function`, and for tensors that a `tf.GradientTape` watches.
          feature_names: names along the last axis of what is explained, such as those of columns or channels; of
            several arrays in their structure; default: the columns of a DataFrame.
          tokens: for each example the texts along the next axis, such as words; likewise.
          class_names: names of the model's units.
          example_names: names of the examples; default: the index of a DataFrame, unless it only numbers the rows.
          **options: the options of the method; `dx.describe(method)` tells what they mean.

        Raises:
          ClosedError: a call outside the with-block.
          DeepExplainError: an argument that does not fit, before any work is done; the subclass says which.
          TypeError: a method name that is not a string.
          UnsupportedOpError: an op that no rule covers.
        """
        call = {"target": target, "baseline": baseline, "batch_size": batch_size, "chunk_size": chunk_size}
        call |= {"max_memory": max_memory, "seed": seed, "noise": noise, "progress": progress, "tensors": tensors}
        call |= {"feature_names": feature_names, "tokens": tokens}
        call |= {"class_names": class_names, "example_names": example_names}
        return self.explainer(method, **call, **options)(inputs)

    @unconverted
    def explainer(self, method: str, *, freeze: bool = False, **fixed: Any) -> Explainer:
        """Returns a compiled, reusable callable that outlives the with-block.

        Args:
          method: a name of `list_methods()` or an alias.
          freeze: whether the program keeps the weights of its first call as constants: faster, but later training
            does not change it, and attributions have no derivative with respect to weights.
          **fixed: arguments of `explain` that are the same for every call.

        Raises:
          ClosedError: a call outside the with-block.
          UnknownNameError: an unknown method.
          OptionError: an unknown option, or a value out of range.
        """
        self._require_open()
        if not isinstance(freeze, bool):
            raise OptionError(f"freeze must be True or False. Got {shortened(freeze)}.")
        return Explainer(self._engine.frozen() if freeze else self._engine, method, fixed)

    @unconverted
    def rewrite(self, method_or_map: str | Mapping[str, Any], baseline: Structure = None) -> Callable[..., Any]:
        """Returns a callable with the outputs of the model but with replaced gradients.

        No softmax or sigmoid is stripped. Under `tf.GradientTape` the callable has the gradient of the method's
        rules, or of the given override map.

        Args:
          method_or_map: the name of a method that replaces gradients, or a map: op type or kind → rule.
          baseline: for DeepLIFT: None (zeros), a number, or one example in the structure of the explained tensors.

        Raises:
          ClosedError: a call outside the with-block.
          OptionError: a method without gradients, or a baseline for rules that use none.
        """
        self._require_open()
        return rewritten_model(self._engine, method_or_map, baseline)

    @unconverted
    def coverage(self, method: str, **options: Unpack[Options]) -> Coverage:
        """Returns the verdict of a method on each op between the explained tensors and the outputs.

        Args:
          method: a name of `list_methods()`; a method that only evaluates the model covers every op.
          **options: the options of the method, such as `rule="reveal_cancel"`.

        Raises:
          ClosedError: a call outside the with-block.
          OptionError: an option that the method does not have, or a value out of range.
          ModelError: a model whose input shapes are not known yet.
        """
        self._require_open()
        return self._engine.coverage(make(method, options))

    def audit(
        self,
        method: str,
        inputs: Structure,
        *,
        target: Target = None,
        baseline: Structure = None,
        **options: Unpack[Options],
    ) -> Audit:
        """Runs a method once and returns the loss of each op: Σ multiplier·Δin − Σ multiplier·Δout.

        Where every rule is exact, each loss is rounding; else the largest names the op whose rule is not exact.

        Args:
          method: a method that is one backward pass, such as `"deeplift"`.
          inputs: an array `[batch, ...]`, or a structure of arrays, as for `explain`; a few examples are enough.
          target: the target, as for `explain`.
          baseline: the baseline, as for `explain`; only for DeepLIFT.
          **options: the options of the method.

        Raises:
          ClosedError: a call outside the with-block.
          OptionError: a method that integrates or perturbs.
          DeepExplainError: an argument that does not fit, as for `explain`.
        """
        self._require_open()
        name, instance = METHODS.resolve(method), make(method, options)
        check_call(name, instance, target=target, baseline=baseline)
        return audit(self._engine, name, instance, inputs, target=target, baseline=baseline)

    def _require_open(self) -> None:
        if not self._open:
            raise ClosedError("a DeepExplain must be used inside its with-block. Got a call outside of it.")


def split_settings(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the arguments of `DeepExplain` among those of one call that makes and uses it, and all others."""
    of_model = set(inspect.signature(DeepExplain).parameters) - {"model"}
    settings = {name: value for name, value in arguments.items() if name in of_model}
    return settings, {name: value for name, value in arguments.items() if name not in of_model}

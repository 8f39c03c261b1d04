"""An explainer as functions of named tensors, which every format exports."""

from collections.abc import Callable, Mapping, Sequence
import keyword
import re
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.names import NAMES
from deepexplain_tf.arguments.structure import names_of
from deepexplain_tf.arguments.target import in_range
from deepexplain_tf.engine.compiled import lower_to_ir
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.preparation import prepare
from deepexplain_tf.engine.run import run
from deepexplain_tf.errors import InputError, ModelError
from deepexplain_tf.export import provenance
from deepexplain_tf.export.resources import Resources
from deepexplain_tf.graph.emit import emit
from deepexplain_tf.methods.base import CALL_ARGUMENTS
from deepexplain_tf.methods.make import make
from deepexplain_tf.methods.model_draws import ModelDraws, mean_outputs
from deepexplain_tf.writing.json_values import versions

Specs = dict[str, tf.TensorSpec]
_OF_PYTHON = ("progress", "tensors", *NAMES)  # arguments of a call that a program has no use for
_STAGE = "hlo_serialized"  # before XLA optimises for the machine: enough to know whether it compiles


class ExplainerProgram:
    """The functions `explain` and `predict` of an explainer, with names for their arguments and results.

    Arguments that the explainer fixed are part of the program, also where they are None: `target=None` is the predicted
    class and `baseline=None` zeros. A target or baseline that it did not fix is an argument of `explain`. The functions
    are called inside a `tf.function`.

    Attributes:
      inputs: the specs of the model's inputs by name.
      resources: the variables and tables that the model reads.
      free_specs: specs of the target (`[batch]` indices, `[batch, axes]` where the output has several axes) and of the
        baselines (`[1 or batch, ...]`) that are arguments, by name. A name that a model's input has already gets the
        prefix `explained_`.
      notes: the notes of the explanation for the user; complete once `explain` was traced.
    """

    def __init__(self, engine: Engine, name: str, fixed: Mapping[str, Any]):
        self._engine, self._name, self._fixed = engine, name, dict(fixed)
        self._call = {key: value for key, value in fixed.items() if key in CALL_ARGUMENTS and key not in _OF_PYTHON}
        self._method = make(name, {key: value for key, value in fixed.items() if key not in CALL_ARGUMENTS})
        self._model = engine.model(inside=self._method.inside)
        specs = self._model.traced.specs
        names = _identifiers(names_of(specs), "input")
        self.inputs: Specs = dict(zip(names, tf.nest.flatten(specs), strict=True))
        if self._model.prefix is not None or len(names) == 1:
            names = _identifiers(self._model.places, "place")
        self._explained = [f"_{name}" for name in names] or [""]
        output = engine.objective(self._model, None, "index").program.outputs[0]
        self._axes = output.shape[1:].as_list() if output.shape.rank else []
        self._target, self._baselines = self._target_spec(), self._baseline_specs()
        self.resources = Resources(*self._model.traced.owner)
        self.free_specs: Specs = {**self._target, **self._baselines}
        self._own_notes: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()

    def explain(self, **tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the explanation's arrays by name, for tensors that are named as `specs`.

        They are `attributions` and `outputs`, and where the method has them `baseline_outputs`, `completeness_gap` and
        `standard_error`. Several explained inputs have `attributions_NAME` and `standard_error_NAME` each.
        """
        late: dict[str, Any] = {}
        if self._target:
            (late["target"],) = (tensors[name] for name in self._target)
        given = self._ordered(tensors)
        if self._baselines:
            count = tf.shape(given[0])[0]
            baselines = [_checked_baseline(tensors[name], count, name) for name in self._baselines]
            late["baseline"] = baselines[0] if len(baselines) == 1 else baselines
        inputs = tf.nest.pack_sequence_as(self._model.traced.specs, given)
        arguments = {**self._call, **late, "tensors": False}
        e = run(self._name, prepare(self._engine, self._method, inputs, **arguments))
        self.notes = (*e.notes, *self._own_notes)
        arrays = {"outputs": e.outputs, "baseline_outputs": e.baseline_outputs, "completeness_gap": e.completeness_gap}
        for field in ("attributions", "standard_error"):
            leaves = [] if getattr(e, field) is None else self._leaves(getattr(e, field))
            suffixes = [""] if self._method.pairwise else self._explained
            arrays |= {f"{field}{suffix}": leaf for suffix, leaf in zip(suffixes, leaves, strict=False)}
        return {name: tensor for name, tensor in arrays.items() if tensor is not None}

    def predict(self, **tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the model's own outputs by name, their means over the draws of `dx.noise("model")`.

        Args:
          **tensors: the inputs, named as `inputs`.
        """
        program, inputs = self._model.traced.program, self._ordered(tensors)
        if isinstance(self._method, ModelDraws):
            draws = map(tf.constant, self._method.samples(self._call.get("seed")).values())
            outputs = mean_outputs(self._engine.model_for(self._method).traced, inputs, *draws)
        else:
            outputs = emit(program, dict(zip(program.inputs, inputs, strict=True)))
        return dict(zip(self._model.output_names, outputs, strict=True))

    def predict_and_explain(self, **tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns both by name; an output that is named like an array of the explanation is `predicted_NAME`."""
        explained = self.explain(**tensors)
        predicted = self.predict(**tensors)
        return {**{f"predicted_{n}" if n in explained else n: t for n, t in predicted.items()}, **explained}

    @property
    def specs(self) -> Specs:
        """The specs of all arguments of `explain` by name."""
        return {**self.inputs, **self.free_specs}

    @property
    def structure(self) -> Any:
        """The specs of the model's inputs, in its structure."""
        return self._model.traced.specs

    def fixed_specs(self, shapes: Mapping[str, tf.TensorShape]) -> Specs:
        """Returns the specs of `explain` for inputs of these shapes, with a target for each example and one baseline.

        Raises:
          InputError: the shapes leave the shape of the explained layer's output open.
        """
        fixed = {name: tf.TensorSpec(shapes[name], spec.dtype, name) for name, spec in self.inputs.items()}
        count = next(iter(fixed.values())).shape[0]
        fixed |= {
            name: tf.TensorSpec([count, *spec.shape[1:]], spec.dtype, name) for name, spec in self._target.items()
        }
        shapes_of = [fixed[name].shape for name in self.inputs] if self._method.from_inputs else None
        pairs = zip(self._baselines.items(), shapes_of or self._explained_shapes(fixed), strict=False)
        return fixed | {name: tf.TensorSpec([1, *shape[1:]], spec.dtype, name) for (name, spec), shape in pairs}

    def in_range(self, tensors: Mapping[str, tf.Tensor]) -> tf.Tensor | None:
        """Returns booleans `[batch]`, whether each target is a unit of the output; None where the target is fixed."""
        if not self._target:
            return None
        (target,) = (tensors[name] for name in self._target)
        return in_range(target, self._axes)

    def _explained_shapes(self, fixed: Specs) -> list[tf.TensorShape]:
        """Returns the shapes of the explained tensors for inputs of fixed shapes; InputError where they stay open."""
        prefix = self._model.prefix
        if prefix is None:
            return [fixed[name].shape for name in self.inputs]
        given = [fixed[name] for name in self.inputs]
        traced = tf.function(lambda *flat: emit(prefix, dict(zip(prefix.inputs, flat, strict=True))), autograph=False)
        shapes = [tensor.shape for tensor in traced.get_concrete_function(*given).outputs]
        if not all(shape.is_fully_defined() for shape in shapes):
            raise InputError(f"inputs must fix the shape of the explained layer's output. Got {shapes}.")
        return shapes

    def without_xla(self) -> "ExplainerProgram | None":
        """Returns the same program without XLA where XLA cannot compile this one, and None where it can.

        XLA tries a batch of one example. Where axes other than the batch are open, it tries nothing, and the result is
        None.

        Raises:
          ModelError: XLA cannot compile the program, though the user set `jit_compile=True`.
        """
        one = {name: tf.TensorShape([spec.shape[0] or 1, *spec.shape[1:]]) for name, spec in self.inputs.items()}
        if not all(shape.is_fully_defined() for shape in one.values()):
            return None
        specs = self.fixed_specs(one)
        try:
            lower_to_ir(lambda *flat: self.explain(**dict(zip(specs, flat, strict=True))), list(specs.values()), _STAGE)
        except ModelError as error:
            if self._engine.settings.jit_compile is True:
                raise
            plain = self.with_settings(jit_compile=False)
            plain._own_notes = (f"not compiled by XLA: {error}",)
            return plain
        return None

    def with_settings(self, **settings: Any) -> "ExplainerProgram":
        """Returns the program of the same explainer with other settings of its engine."""
        engine = self._engine.with_settings(**settings)
        if engine.specs is None:  # the model was traced for the data of a call, and the new engine needs such data
            engine.model(tf.nest.map_structure(_example, self.structure), self._method.inside)
        return ExplainerProgram(engine, self._name, self._fixed)

    def provenance(self) -> dict[str, Any]:
        """Returns method, options, settings, versions, notes and the SHA-256 of the model, as values of JSON."""
        return {
            "method": self._name,
            "options": provenance.options_of(self._method),
            "fixed": provenance.described(self._call),
            "settings": provenance.described(vars(self._engine.settings)),
            "model_sha256": provenance.digest(self._model.traced.program, self.resources.numbers),
            "versions": versions(),
            "notes": list(self.notes),
        }

    def _leaves(self, structure: Any) -> list[tf.Tensor]:
        """Returns the tensors of the explained values in their order."""
        if self._method.pairwise:
            return [structure]
        return [structure[name] for name in self._model.places] or tf.nest.flatten(structure)

    def _ordered(self, tensors: Mapping[str, tf.Tensor]) -> list[tf.Tensor]:
        return [tensors[name] for name in self.inputs]

    def _target_spec(self) -> Specs:
        if "target" in self._call:
            return {}
        if all(size == 1 for size in self._axes):
            return {}
        batch = self._model.traced.batch
        return self._free_spec("target", [batch] if len(self._axes) == 1 else [batch, len(self._axes)], tf.int32)

    def _baseline_specs(self) -> Specs:
        method = self._method
        if not method.uses_baseline or "baseline" in self._call or method.sets:
            return {}
        specs: Specs = {}
        suffixes, values = self._explained, self._model.explained
        if method.from_inputs:
            values = self._model.traced.program.inputs
            suffixes = [f"_{name}" for name in self.inputs] if len(values) > 1 else [""]
        for suffix, value in zip(suffixes, values, strict=True):
            specs |= self._free_spec(f"baseline{suffix}", [None, *value.shape[1:]], value.dtype)
        return specs

    def _free_spec(self, name: str, shape: Sequence[int | None], dtype: tf.DType) -> Specs:
        name = f"explained_{name}" if name in self.inputs else name
        return {name: tf.TensorSpec(shape, dtype, name)}


def _example(spec: tf.TensorSpec) -> np.ndarray:
    one = b"" if spec.dtype == tf.string else 1
    return np.full([spec.shape[0] or 1, *spec.shape[1:]], one, spec.dtype.as_numpy_dtype)


def concrete(function: Callable[..., Any], specs: Specs) -> Any:
    """Returns the concrete function of a function of named tensors, traced for these specs."""
    traced = tf.function(function, autograph=False)
    return traced.get_concrete_function(**{n: tf.TensorSpec(s.shape, s.dtype, n) for n, s in specs.items()})


def _checked_baseline(baseline: tf.Tensor, count: tf.Tensor, name: str) -> tf.Tensor:
    """Returns a baseline, with a check at run time that it has one row or `count` rows."""
    rows = tf.shape(baseline)[0]
    words = f"{name} must be one for all examples or one for each. Got rows:"
    with tf.control_dependencies([tf.debugging.Assert((rows == 1) | (rows == count), [words, rows])]):
        return tf.identity(baseline)


def _identifiers(names: Sequence[str], default: str) -> list[str]:
    """Returns names as identifiers, all different; an empty name becomes `default`."""
    found: list[str] = []
    for name in names:
        clean = re.sub(r"\W", "_", name, flags=re.ASCII) or default
        clean = f"{default}_{clean}" if clean[0].isdigit() or keyword.iskeyword(clean) else clean
        while clean in found:
            clean += "_"
        found.append(clean)
    return found

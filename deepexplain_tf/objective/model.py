"""A traced model, cut at the explained tensors and at the chosen outputs."""

from collections.abc import Callable, Sequence
import dataclasses
import functools
import inspect
from typing import Any

import tensorflow as tf

from deepexplain_tf.arguments.structure import positions
from deepexplain_tf.errors import ModelError, TargetError, UnknownNameError, brief, closest, name_of
from deepexplain_tf.graph.ir import Node, Program, Value, computed_from, with_values
from deepexplain_tf.graph.passes import cut, find_probability, freeze, strip_probability
from deepexplain_tf.graph.read import argument, read_function
from deepexplain_tf.graph.trace import Traced, fill_structure
from deepexplain_tf.objective.objective import Objective


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """A traced model, cut at the explained tensors and at the chosen outputs.

    Attributes:
      traced: the trace.
      explained: the explained values: the inputs, or the outputs of layers (and some inputs) as new inputs.
      places: the names of the explained values where `layer=` names several, else none.
      prefix: the program inputs → explained values, None where the inputs themselves are explained.
      outputs: the structure of chosen outputs, with positions in `program.outputs` as leaves.
      positions: the positions of the chosen outputs in `traced.program.outputs`; all of them where a layer inside the
        model is explained.
      program: the program explained values and inputs → chosen outputs.
      notes: notes for the user on the trace and on stripped probabilities.
      inside: the output of the layer that a method looks into, where one was marked; else none.
    """

    traced: Traced
    explained: tuple[Value, ...]
    places: tuple[str, ...]
    prefix: Program | None
    outputs: Any
    positions: tuple[int, ...]
    program: Program
    notes: tuple[str, ...]
    inside: tuple[Value, ...] = ()

    @property
    def structure(self) -> Any:
        """The specs of the explained tensors, in the structure of the attributions."""
        if self.places:
            pairs = zip(self.places, self.explained, strict=True)
            return [tf.TensorSpec(value.shape, value.dtype, name) for name, value in pairs]
        return self.traced.specs if self.prefix is None else self.explained[0].spec

    def layout(self, inputs: Any) -> Any:
        """Returns the structure of the attributions for the user's inputs, with positions in `explained` as leaves."""
        if self.places:
            return {name: number for number, name in enumerate(self.places)}
        return 0 if self.prefix is not None else positions(inputs, self.traced.specs)

    @property
    def output_names(self) -> list[str]:
        """The names of all outputs of the model, `output_0`, … where it has no names."""
        names, count = self.traced.names, len(self.traced.program.outputs)
        return list(names) if len(names) == count else [f"output_{number}" for number in range(count)]

    def frozen(self) -> "Model":
        """Returns the model with the present values of its variables as constants, but for seeds that it changes."""
        frozen = functools.partial(freeze, kept=self.traced.states)
        prefix = None if self.prefix is None else frozen(self.prefix)
        traced = dataclasses.replace(self.traced, variables=())
        program, inside = with_values(frozen, self.program, self.inside)
        return dataclasses.replace(self, traced=traced, program=program, prefix=prefix, inside=inside)

    def objective(self, selection: str) -> Objective:
        """Returns the objective of the one chosen output; the target's data are passed to its `Scope`.

        Args:
          selection: the kind of target, `"index"` or `"weights"`.

        Raises:
          TargetError: the model has several outputs, and none was chosen.
        """
        if len(self.program.outputs) != 1:
            raise TargetError(
                "a model with several outputs needs a callable target, or output= to choose one of them. Got "
                f"{len(self.program.outputs)} outputs."
            )
        return self._objective(self.program, selection)

    def callable_objective(self, target: Callable[..., Any], data: Sequence[tf.TensorSpec] = ()) -> Objective:
        """Returns the objective that ends in `target`, a function of the chosen outputs.

        Args:
          target: the function `(outputs, *rows)`; one with a parameter named `inputs` gets the model's inputs too.
          data: the specs of `rows`.

        Raises:
          TargetError: `target` fails, or does not return one float tensor `[batch]`.
        """
        ends, rows = self.program.outputs, tuple(argument(f"target/{n}", spec) for n, spec in enumerate(data))
        inputs = tuple(map(self._as_explained, self.traced.program.inputs)) if _takes_inputs(target) else ()

        def function(*flat: tf.Tensor) -> Any:
            outputs, given, last = flat[: len(ends)], flat[len(ends) : len(ends) + len(rows)], flat[len(ends + rows) :]
            named = {"inputs": tf.nest.pack_sequence_as(self.traced.specs, last)} if inputs else {}
            return target(fill_structure(self.outputs, outputs), *given, **named)

        joined = (*ends, *rows, *inputs)
        appended, _ = read_function(_trace_target(name_of(target), function, [value.spec for value in joined]))
        (output,) = computed_from(appended, joined)
        objective = self._objective(Program(self.program.inputs, (output,)), "callable")
        return dataclasses.replace(objective, owner=target, data=rows)

    def chosen_outputs(self) -> Objective:
        """Returns an objective of all chosen outputs, for looking at its ops; it selects no target."""
        return self._objective(self.program, "index")

    def all_outputs(self) -> Objective:
        """Returns an objective of all outputs of the model, with nothing stripped; it selects no target."""
        program = self.traced.program
        if self.traced.places:
            program = cut(program, dict(zip(self.traced.places, self.explained, strict=True)))
        return self._objective(program, "index")

    def _as_explained(self, value: Value) -> Value:
        """Returns an input, or what stands for it where it is explained together with layers."""
        return dict(zip(self.traced.places, self.explained, strict=False)).get(value, value)

    def _objective(self, program: Program, selection: str) -> Objective:
        traced = self.traced
        return Objective(
            traced.program.inputs,
            self.explained,
            program,
            self.prefix,
            traced.batch,
            traced.variables,
            selection,
            inside=self.inside,
            draws=traced.draws,
            states=traced.states,
        )


def _takes_inputs(target: Callable[..., Any]) -> bool:
    try:
        return "inputs" in inspect.signature(target).parameters
    except (TypeError, ValueError):  # a function without a signature
        return False


def _trace_target(name: str, function: Callable[..., Any], specs: Sequence[tf.TensorSpec]) -> Any:
    try:
        concrete = tf.function(function).get_concrete_function(*specs)
    except Exception as error:  # the user's function may raise any error
        raise TargetError(f"the target {name} must run on the outputs. Got: {brief(error)}") from None
    outputs = concrete.outputs
    open_batch = any(spec.shape.rank and spec.shape[0] is None for spec in specs)
    fits = len(outputs) == 1 and outputs[0].shape.rank in (1, None) and outputs[0].dtype.is_floating
    if not fits or (open_batch and outputs[0].shape.rank == 1 and outputs[0].shape[0] is not None):
        shown = [f"{tensor.dtype.name}{tensor.shape}" for tensor in outputs]
        raise TargetError(
            f"the target {name} must return one float tensor [batch] that depends on the outputs. Got {shown}; arrays "
            "with a row for each example belong in target=(function, arrays)."
        )
    return concrete


def cut_model(traced: Traced, layer: str | tuple[str, ...] | None, output: str | int) -> Model:
    """Cuts a traced model at the explained tensors and at the chosen outputs.

    Args:
      traced: the trace, with the places marked.
      layer: the name of the layer to explain, several names of places, or None for the inputs.
      output: `"auto"`, `"model"`, the name or index of one output, or the name of a layer; of `"model"` and of a layer
        no probability is stripped.

    Raises:
      UnknownNameError: there is no such output.
      ModelError: a chosen output is not a float.
    """
    structure, chosen = (0, range(len(traced.program.outputs))) if traced.neurons else _choose_output(traced, output)
    values = list(traced.neurons) or [traced.program.outputs[position] for position in chosen]
    notes = list(traced.notes)
    if output != "model" and not traced.neurons:
        stripped = [strip_probability(value) for value in values]
        notes += [note for value, (_, ops) in zip(values, stripped, strict=True) for note in _notes(traced, value, ops)]
        values = [value for value, _ in stripped]
    if not all(value.dtype.is_floating for value in values):
        raise ModelError(f"outputs must be floats. Got {[value.dtype.name for value in values]}; choose with output=.")
    program = Program(traced.program.inputs, tuple(values))
    if layer is None:
        return Model(traced, program.inputs, (), None, structure, tuple(chosen), program, tuple(notes), traced.inside)
    names = (layer,) if isinstance(layer, str) else layer
    at = {value: argument(f"{name}/output", value.spec) for name, value in zip(names, traced.places, strict=True)}
    prefix = Program(program.inputs, traced.places)
    program, inside = with_values(lambda whole: cut(whole, at), program, traced.inside)
    places = () if isinstance(layer, str) else layer
    return Model(traced, tuple(at.values()), places, prefix, structure, tuple(chosen), program, tuple(notes), inside)


def _notes(traced: Traced, output: Value, stripped: Sequence[Node]) -> list[str]:
    """Returns notes on an output: the probability that was stripped, or the one that could not be."""
    if stripped:
        first, *others = stripped
        further = f" and {len(others)} more" if others else ""
        return [f"{first.type} {first.name!r}{further} stripped: the target is its logit"]
    found = find_probability([*traced.program.inputs, *traced.places], output)
    if found is None:
        return []
    return [f"{found.type} {found.name!r} is not the model's last op and was not stripped: the target is no logit"]


def _choose_output(traced: Traced, output: str | int) -> tuple[Any, list[int]]:
    """Returns the structure of the chosen outputs and their positions in the program."""
    positions = [leaf for leaf in tf.nest.flatten(traced.outputs) if leaf is not None]
    if output in ("auto", "model"):
        return traced.outputs, positions
    if isinstance(output, int):
        if not -len(positions) <= output < len(positions):
            raise UnknownNameError(f"output must lie in 0 … {len(positions) - 1}. Got {output}.")
        return 0, [positions[output]]
    if output not in traced.names:
        known = {*traced.names, "auto", "model", *traced.layers}
        raise UnknownNameError(f"unknown output or layer {output!r}; {closest(output, known)}.")
    return 0, [positions[traced.names.index(output)]]

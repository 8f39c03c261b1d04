"""Whether a traced program is its model: compared once with the model's own call, example by example."""

from collections.abc import Callable, Sequence
import functools
import threading
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.engine.chance import changes_by_itself, draw_error
from deepexplain_tf.engine.compiled import run_once
from deepexplain_tf.engine.own_call import own_outputs
from deepexplain_tf.engine.rows import Rows, apart, arrangements, largest
from deepexplain_tf.errors import InputError, ModelError, TargetError, brief, name_of
from deepexplain_tf.graph.activity import analyse
from deepexplain_tf.graph.emit import emit
from deepexplain_tf.graph.ir import Node, Program, Value
from deepexplain_tf.graph.sources.source import Source
from deepexplain_tf.objective.model import Model
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.redraw import first_draw
from deepexplain_tf.objective.scope import Scope

_Arrays = Sequence[np.ndarray]
_Maker = Callable[[], Rows]
_RUNS = 8  # so often a program with random ops must repeat its numbers
_MARGIN = 64  # rounding may change an output so many times as much as another rounding of the inputs does


class Disagreement(ModelError):
    """A traced program that does not compute what the model computes."""


class Agreement:
    """The comparison of a model with its traced program, for one objective."""

    def __init__(self, source: Source, model: Model, objective: Objective):
        """Makes the comparison.

        Args:
          source: the model as a callable.
          model: the traced model.
          objective: the explained function, cut from the traced model.
        """
        self._source = source
        self._model = model
        self._objective = objective
        self._program = model.traced.program
        self._checked: dict[Any, tuple[int, ...] | None] = {}
        self._lock = threading.Lock()

    def check(self, arrays: _Arrays, data: _Arrays, *, repeats: bool) -> tuple[int, ...] | None:
        """Checks on an example that the program is the model, and that it treats each example by itself.

        Alone, or in a model's fixed batch, the program must give the outputs of the model's own call. Among other rows
        and at another place, an example must keep its outputs. Shapes that were checked before are not checked again.
        The model's variables keep their values.

        Args:
          arrays: an array `[batch, ...]` for each input.
          data: the arrays of a callable target, `[batch, ...]` each.
          repeats: whether examples are evaluated many times, at any place and among any rows; else a single example
            stays alone, and a batch that the model has fixed keeps each at its place.

        Returns:
          The lengths of the axes of the objective's output beside the batch, None if the model does not run.

        Raises:
          Disagreement: the program gives other outputs than the model.
          ModelError: the outputs for an example depend on its place or on the other rows.
          TargetError: a callable target does.
          UnsupportedOpError: an op draws random numbers on which the outputs depend.
        """
        moves = repeats or len(arrays[0]) != (self._model.traced.batch or 1)
        checked = (moves, *(array.shape[1:] for array in arrays))
        with self._lock:
            if checked not in self._checked:
                self._checked[checked] = self._check(arrays, data, moves)
            return self._checked[checked]

    def require_no_draw(self) -> None:
        """Checks for symbolic inputs that nothing is drawn, unless examples have shown that it does not matter.

        Raises:
          UnsupportedOpError: an op draws random numbers.
        """
        if self._objective.draw is not None and not self._checked:
            raise draw_error(self._objective)

    def _check(self, arrays: _Arrays, data: _Arrays, moves: bool) -> tuple[int, ...] | None:
        count, batch = len(arrays[0]), self._model.traced.batch
        own, others = (Rows.of(arrays, data, numbers) for numbers in arrangements(count, batch, moves))
        whole = functools.partial(Rows.of, arrays, data, own.examples if batch else range(count))
        random = bool(self._objective.draws)  # then the model's own call draws other numbers
        expected = None if random else _attempt(self._call_model, own)
        moved = _attempt(self._run, others)
        if not isinstance(moved, Exception) and self._agree(own, expected, others, moved):
            return moved[-1].shape[1:]
        found = _attempt(self._run, own)
        if isinstance(found, Exception):
            expected = _attempt(self._call_model, own) if random else expected
            if not isinstance(expected, Exception):
                raise self._failure(own, found, whole, alone=True)
            if isinstance(_attempt(self._call_model, whole()), Exception):
                return None  # the model itself fails, and so will the explanation
            raise ModelError(_by_itself(f"one that runs on {count} examples, but not on {len(own.examples)} of them"))
        if self._objective.draw is not None and self._differs(own, found):
            raise draw_error(self._objective)
        if expected is not None and not isinstance(expected, Exception):  # a model may run in graphs only
            self._compare(expected, own, found)
        if isinstance(moved, Exception) and min(others.examples) < 0:  # the model may not take rows of other numbers
            others = Rows.of(arrays, data, [n if n >= 0 else own.examples[-1] for n in others.examples])
            moved = _attempt(self._run, others)
        if isinstance(moved, Exception):
            self._require_each(arrays, data, others.examples)
            raise self._failure(others, moved, whole, alone=False)
        self._compare_rows(own, found, others, moved)
        return found[-1].shape[1:]

    def _agree(self, own: Rows, expected: _Arrays | Exception | None, others: Rows, moved: _Arrays) -> bool:
        """Whether the program's outputs among other rows are those of the model's own call, which settles all at once.

        A callable target, and a program with random ops, are looked at more closely.
        """
        if expected is None or isinstance(expected, Exception):
            return False
        if self._objective.selection == "callable" or self._objective.draw is not None:
            return False
        return all(
            own.has(wanted)
            and others.has(array)
            and wanted.shape[1:] == array.shape[1:]
            and max(own.apart(wanted, own, wanted), own.apart(wanted, others, array)) <= self._allowed(wanted)
            for wanted, array in zip(expected, moved, strict=False)
        )

    def _differs(self, rows: Rows, found: Sequence[np.ndarray]) -> bool:
        """Whether the program, or the model itself, gives the same rows other numbers each time."""
        runs = (self._run(rows) for _ in range(_RUNS))
        if any(not np.array_equal(again[-1], found[-1], equal_nan=True) for again in runs):
            return True
        return changes_by_itself(self._source, self._model.traced, rows.arrays, self._model.positions)

    def _call_model(self, rows: Rows) -> list[np.ndarray]:
        """Returns the chosen outputs of the model's own call."""
        leaves = own_outputs(self._source, self._model.traced, rows.arrays)
        if len(leaves) != len(self._program.outputs):
            raise Disagreement(_as_the_model(f"{len(self._program.outputs)} outputs for {len(leaves)}"))
        return [leaves[position].numpy() for position in self._model.positions]

    def _run(self, rows: Rows) -> list[np.ndarray]:
        """Returns the chosen outputs of the program, and last the output of the objective."""
        inputs, data = ([tf.convert_to_tensor(array) for array in arrays] for arrays in (rows.arrays, rows.data))
        return [tensor.numpy() for tensor in self._outputs(inputs, data)]

    @functools.cached_property
    def _outputs(self) -> Callable[..., Any]:
        objective, chosen = self._objective, self._chosen.outputs

        def graph(inputs: Sequence[tf.Tensor], data: Sequence[tf.Tensor]) -> list[tf.Tensor]:
            scope = Scope(objective, inputs, data)
            return scope.inner((*chosen, *objective.program.outputs), scope.explained)

        return run_once(graph, [_specs(self._program.inputs), _specs(objective.data)], self._program)

    @functools.cached_property
    def _eps(self) -> float:
        return self._program.rounding_unit()

    @property
    def _chosen(self) -> Program:
        """The program inputs → chosen outputs, of which nothing is stripped."""
        positions = self._model.positions
        return Program(self._program.inputs, tuple(self._program.outputs[position] for position in positions))

    def _evaluate(self, values: Sequence[Value], rows: Rows) -> list[np.ndarray]:
        """Returns values inside the program."""
        program = Program(self._program.inputs, tuple(values))

        def graph(inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
            return emit(program, {**dict(zip(program.inputs, inputs, strict=True)), **first_draw(self._objective)})

        function = run_once(graph, [_specs(program.inputs)], program)
        return [tensor.numpy() for tensor in function([tf.convert_to_tensor(array) for array in rows.arrays])]

    def _require_each(self, arrays: _Arrays, data: _Arrays, examples: Sequence[int]) -> None:
        """Refuses an example that the program cannot take alone, and so no other place or rows are the cause."""
        for number in (n for n in examples if n >= 0 and self._model.traced.batch is None):
            alone = Rows.of(arrays, data, [number])
            if isinstance(found := _attempt(self._run, alone), Exception):
                own = _attempt(self._call_model, alone)
                if isinstance(own, Exception):
                    needed = "the model must run on each example, and its own call fails too"
                    raise InputError(f"{needed}. Got, for example {number}: {brief(own)}", own)
                raise self._failure(alone, found, functools.partial(Rows.of, arrays, data, [number]), alone=True)

    def _failure(self, rows: Rows, error: Exception, whole: _Maker, *, alone: bool) -> ModelError | TargetError:
        """Returns the error for a program that fails where the model runs, or among other rows: whose part fails."""
        shown = brief(error)
        if isinstance(_attempt(functools.partial(self._evaluate, self._chosen.outputs), rows), Exception):
            of_model = _as_the_model(f"an error: {shown}")
            return Disagreement(of_model, error) if alone else ModelError(_by_itself(shown), error)
        of_target = f"the target {name_of(self._objective.owner)} must run on the outputs. Got: {shown}"
        fails = isinstance(_attempt(self._run, whole()), Exception)
        return TargetError(of_target, error) if fails else self._mixing(shown, error)

    def _mixing(self, shown: str, error: Exception | None = None) -> TargetError:
        """Returns the error for a target that computes an example from others."""
        return TargetError(
            f"the target {name_of(self._objective.owner)} must compute one number for each example by itself, [batch], "
            f"whatever the batch. Got {shown}; arrays with a row for each example belong in target=(function, arrays).",
            error,
        )

    def _compare(self, expected: Sequence[np.ndarray], own: Rows, found: Sequence[np.ndarray]) -> None:
        """Compares the outputs of the model's own call with those of the program."""
        for number, (wanted, array) in enumerate(zip(expected, found, strict=False)):
            shown = f"output {number}" if len(expected) > 1 else "the output"
            if wanted.shape != array.shape:
                raise Disagreement(_as_the_model(f"{shown} {list(array.shape)} for {list(wanted.shape)}"))
            off = apart(array, wanted)
            if off > self._allowed(wanted) and off > self._by_rounding(own, found, number):
                shown = f"{shown} off by {off:.3g}, where the largest is {largest(wanted):.3g}"
                raise Disagreement(_as_the_model(shown))

    def _compare_rows(self, own: Rows, found: Sequence[np.ndarray], others: Rows, moved: Sequence[np.ndarray]) -> None:
        """Compares the objective's numbers of an example in all rows that hold it."""
        if not (own.has(found[-1]) and others.has(moved[-1])):
            shapes = [list(array.shape) for array in (found[-1], moved[-1])]
            shown = f"shapes {shapes} for {len(own.examples)} and {len(others.examples)} examples"
            if self._objective.selection == "callable":
                raise self._mixing(shown)
            raise ModelError(_by_itself(shown))
        off = max(own.apart(found[-1], own, found[-1]), own.apart(found[-1], others, moved[-1]))
        if off <= self._allowed(found[-1]) or off <= self._by_rounding(own, found, -1):
            return
        if self._objective.draw is not None:
            raise draw_error(self._objective)
        node = self._first_mixing(own, others)
        if node is None and self._objective.selection == "callable":
            raise self._mixing("one whose numbers change with the other examples of the batch")
        raise ModelError(_by_itself("other outputs" if node is None else f"{node.type} at {node.name!r}"))

    def _allowed(self, array: np.ndarray) -> float:
        """Returns the difference that rounding explains in most models."""
        return self._eps**0.5 * largest(array)

    def _by_rounding(self, own: Rows, found: Sequence[np.ndarray], number: int) -> float:
        """Returns the difference in one result that rounding explains in this model, which may be sensitive to it."""
        moved = _attempt(self._run, own.nudged())
        return 0.0 if isinstance(moved, Exception) else _MARGIN * apart(moved[number], found[number])

    def _first_mixing(self, own: Rows, others: Rows) -> Node | None:
        """Returns the first op whose numbers for an example depend on its place or on the other rows."""
        varying = analyse(self._program.inputs, self._chosen.outputs, dependence="anything").varying
        nodes = [node for node in self._chosen.nodes() if node.output() in varying and node.output().dtype.is_floating]
        values = [node.output() for node in nodes if node.inputs]
        for value, array, moved in zip(
            values, self._evaluate(values, own), self._evaluate(values, others), strict=True
        ):
            if own.has(array) and others.has(moved):
                off = own.apart(array, others, moved)
            else:  # one tensor for all rows, if it has the same shape for another number of them
                of_all = array.shape == moved.shape and len(own.examples) != len(others.examples)
                off = apart(moved, array) if of_all else 0.0
            if off > self._allowed(array):
                return value.node
        return None


def _attempt(function: Callable[[Rows], list[np.ndarray]], rows: Rows) -> list[np.ndarray] | Exception:
    """Returns the result of a function, or the error that it raised: a model may raise any."""
    try:
        return function(rows)
    except Disagreement:
        raise
    except Exception as error:
        return error


def _specs(values: Sequence[Value]) -> list[tf.TensorSpec]:
    return [value.spec for value in values]


def _as_the_model(shown: str) -> str:
    return f"the traced program must give the outputs of the model's own call. Got {shown}."


def _by_itself(shown: str) -> str:
    return (
        "a model must compute each example by itself, whatever its place and the other rows of the batch. Got "
        f"{shown}; make what belongs to an example an input of the model."
    )

"""The engine of a `DeepExplain` and its explainers, which traces and compiles each program once."""

from collections.abc import Callable, Hashable, Mapping, Sequence
import dataclasses
import functools
import inspect
import threading
from typing import Any

import tensorflow as tf

from deepexplain_tf.arguments.structure import flatten_like
from deepexplain_tf.engine import xla
from deepexplain_tf.engine.agreement import Agreement
from deepexplain_tf.engine.compiled import XlaWithFallback, build
from deepexplain_tf.engine.events import Events
from deepexplain_tf.engine.results import cast_result
from deepexplain_tf.engine.settings import Settings
from deepexplain_tf.engine.signatures import open_spec, signature, with_lengths
from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.emit import UNSUPPORTED
from deepexplain_tf.graph.sources.source import Source
from deepexplain_tf.graph.trace import Traced, trace
from deepexplain_tf.methods.base import Method, Result
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.model import Model, cut_model
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.redraw import redraw
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite
from deepexplain_tf.rules.coverage import Coverage

_LENGTHS = "traced with the lengths of the data: the trace with open axes gave other outputs than the model"
_LEAST_COMPILED_CHUNK = 64  # evaluations; room for later calls with more examples than the first


class Engine:
    """Traces a model once per signature, and compiles each method once per form of its arguments.

    Attributes:
      settings: the settings of the model.
      source: the model as it is called.
      accelerated: whether there is a GPU or TPU.
      events: what happened while programs were running.
      n_traces: the number of graphs traced so far.
    """

    def __init__(self, source: Source, settings: Settings):
        self.settings = settings
        self.source = source
        self.accelerated = any(device.device_type in ("GPU", "TPU") for device in tf.config.list_logical_devices())
        self.events = Events()
        self._lock = threading.RLock()
        self._models: dict[Any, Model] = {}
        self._redrawn: dict[Any, Model] = {}
        self._objectives: dict[Any, Objective] = {}
        self._chunks: dict[Any, int] = {}
        self._compiled: dict[Any, Callable[..., Any]] = {}
        self._agreements: dict[Any, Agreement] = {}
        self._lengths = False  # whether a trace has the lengths of the data on all axes but the batch
        self.n_traces = 0

    def frozen(self) -> "Engine":
        """Returns an engine of the same model whose weights become constants at its first call."""
        return self.with_settings(freeze=True)

    def with_settings(self, **settings: Any) -> "Engine":
        """Returns an engine of the same model with other settings; it shares traces and frozen weights if it can."""
        before, after = self.settings, dataclasses.replace(self.settings, **settings)
        engine = Engine(self.source, after)
        if (before.layer, before.output, before.freeze) == (after.layer, after.output, after.freeze):
            engine._models, engine._redrawn = self._models, self._redrawn
        return engine

    @property
    def traced(self) -> Model | None:
        """A trace of the model, None where there is none yet."""
        return next(iter(list(self._models.values())), None)

    @property
    def specs(self) -> Any:
        """The specs of the model's inputs in their structure, None where only the first call shows them."""
        return self.source.specs

    def compiles(self, method: Method, objective: Objective, *, differentiable: bool = False) -> bool:
        """Returns whether XLA compiles a method's program; see `engine.xla`."""
        return xla.compiles(self.settings, self.accelerated, method, objective, differentiable=differentiable)

    def settled_chunk_size(self, method: Method, objective: Objective, total: int, size: int, *, keep: bool) -> int:
        """Returns the chunk size of a compiled program: the first call settles it for the later ones.

        Args:
          method: a method that knows its number of evaluations.
          objective: the explained function.
          total: the number of evaluations of one batch.
          size: the largest chunk size.
          keep: whether the result is settled for later calls.
        """
        with self._lock:
            least = min(size, _LEAST_COMPILED_CHUNK)
            even = -(-total // -(-total // size))  # equal chunks need little padding
            needed = max(even, least)
            return self._chunks.setdefault((method.form, objective), needed) if keep else needed

    def model(self, inputs: Any = None, inside: str | None = None) -> Model:
        """Returns the traced model.

        Args:
          inputs: the user's inputs, by whose shapes a model without declared inputs is traced; None for any trace.
          inside: the name of a layer that a method looks into; it is marked in a trace of its own, if the model has
            layers.

        Raises:
          ModelError: the model cannot be traced, or its input shapes are not known yet.
        """
        with self._lock:
            inside = None if self.source.layered is None else inside
            fitting = [model for key, model in self._models.items() if inside in (None, key[0])]
            if inputs is None and fitting:
                return fitting[0]
            lengths = self._lengths and inputs is not None
            key = (inside, None if self.source.specs is not None and not lengths else signature(inputs))
            if key not in self._models:
                source = with_lengths(self.source, inputs) if lengths else self.source
                traced = trace(source, self.settings.layer, inputs, inside, self.settings.output)
                traced = dataclasses.replace(traced, notes=(*traced.notes, *([_LENGTHS] if lengths else ())))
                self._models[key] = self._cut(traced)
            return self._models[key]

    def model_for(self, method: Method, inputs: Any = None) -> Model:
        """Returns the traced model as a method needs it: drawing by number for one that `redraws`; see `model`."""
        model = self.model(inputs, method.inside)
        if not method.redraws:
            return model
        specs = model.traced.specs
        shapes = [leaf.shape for leaf in flatten_like(specs if inputs is None else inputs, specs, "inputs")]
        with self._lock:
            known = (model, True) in self._redrawn or not any(None in shape[1:] for shape in shapes)
            if (model, known) not in self._redrawn:  # lengths of data tell more than open ones
                self._redrawn[model, known] = self._cut(redraw(model.traced, shapes))
            return self._redrawn[model, known]

    def _cut(self, traced: Traced) -> Model:
        model = cut_model(traced, self.settings.layer, self.settings.output)
        return model.frozen() if self.settings.freeze else model

    def objective(self, model: Model, target: Any, selection: str, data: Sequence[Any] = ()) -> Objective:
        """Returns the objective of a target, the same one for each kind of selection and for each callable.

        A callable has an objective for each form of its arrays `data`, `[batch, ...]` each.
        """
        function = target if selection == "callable" else None
        specs = tuple(tf.TensorSpec([None, *array.shape[1:]], array.dtype) for array in data)
        key = (model, selection, id(function), specs)  # the objective keeps the callable alive, and so its id unique
        with self._lock:
            if key not in self._objectives:
                self._objectives[key] = (
                    model.objective(selection) if function is None else model.callable_objective(function, specs)
                )
            return self._objectives[key]

    def use_lengths(self) -> bool:
        """Has the model traced again with the lengths of the data; returns whether that makes another trace."""
        with self._lock:
            shapes = [spec.shape[1:] for spec in tf.nest.flatten(self.source.specs or ())]
            again = not self._lengths and any(None in shape for shape in shapes)
            if again:
                self._lengths = True
                for key in [key for key in self._models if key[1] is None]:
                    del self._models[key]
            return again

    def agreement(self, model: Model, objective: Objective) -> Agreement:
        """Returns the comparison of the model with its traced program for an objective, the same one for each."""
        with self._lock:
            key = (model, objective.program.outputs)
            return self._agreements.setdefault(key, Agreement(self.source, model, objective))

    def composite(self, method: Method) -> Composite:
        """Returns a method's override map with the user's own rules, which take precedence."""
        return dataclasses.replace(method.override_map, overrides=self.settings.overrides)

    def check(self, method: Method, objective: Objective) -> tuple[str, ...]:
        """Checks that a method can explain an objective; returns notes. See `Objective.check_rules`."""
        objective.check_dependence()
        part = method.part(objective)
        if not method.differentiates:
            return tuple(xla.notes_on_xla(self.settings, self.accelerated, method, objective))
        composite = self.composite(method)
        notes = part.check_rules(composite, self.settings.strict)
        _, affine = objective.simplified(composite, straight=method.straight)
        if affine is not None:
            ends = [repr(value.node.name) for value in affine.prefix.outputs if value not in affine.prefix.inputs]
            counted = f"{len(affine.ops)} affine op{'s' * (len(affine.ops) > 1)}"
            notes += (f"evaluated at the ends of each path only: {counted}, up to {', '.join(ends[:3])}",)
        return notes + tuple(xla.notes_on_xla(self.settings, self.accelerated, method, objective))

    def coverage(self, method: Method) -> Coverage:
        """Returns the verdict of a method on each active op; see `DeepExplain.coverage`."""
        objective = method.part(self.model_for(method).chosen_outputs())
        coverage = objective.coverage(self.composite(method))
        if method.differentiates:
            return coverage
        verdicts = ("refused" if op.type in UNSUPPORTED else "exact" for op in coverage.ops)
        return dataclasses.replace(coverage, verdicts=tuple(verdicts))

    def program(self, method: Method, objective: Objective, chunks: Chunks) -> Callable[..., Result]:
        """Returns the Python function that builds the graph of a method: `(inputs, selector, baseline, data)`."""

        def graph(inputs: Any, selector: Any, baseline: Any, data: Any) -> Result:
            self.n_traces += 1
            composite = self.composite(method)
            tf_private.watch_variables(objective.variables)
            scope = Scope(objective, inputs, selector)
            result = method.attribute(scope, baseline, data, composite, chunks)
            return cast_result(result, objective, pairwise=method.pairwise)

        return graph

    def attribution(
        self,
        method: Method,
        objective: Objective,
        chunks: Chunks,
        arguments: Mapping[str, Any],
        *,
        differentiable: bool = False,
    ) -> Callable[..., Result]:
        """Returns the compiled graph of a method; see `compiled` for its arguments."""
        graph = self.program(method, objective, chunks)
        purpose = ("attribution", chunks)
        return self.compiled(purpose, graph, method, objective, arguments, differentiable=differentiable)

    def compiled(
        self,
        purpose: Hashable,
        graph: Callable[..., Any],
        method: Method,
        objective: Objective,
        arguments: Mapping[str, Any],
        *,
        differentiable: bool = False,
    ) -> Callable[..., Any]:
        """Returns a graph compiled for arguments of this form, from a cache.

        Args:
          purpose: the part of the cache's key that tells apart the graphs of one method and objective.
          graph: `(inputs, selector, baseline, data)` → a structure of tensors.
          method: the method that the graph belongs to.
          objective: the explained function.
          arguments: the arguments by name; later calls may differ only in the sizes of axes.
          differentiable: whether the results may be differentiated.
        """
        form = tuple(sorted((name, value.dtype, value.ndim) for name, value in arguments["data"].items()))
        ranks = tuple(array.ndim for array in arguments["baseline"])  # higher by one for a background
        jit = self.compiles(method, objective, differentiable=differentiable)

        def specs() -> dict[str, Any]:
            return {
                "inputs": [value.spec for value in objective.inputs],
                "selector": [tf.TensorSpec([None, *array.shape[1:]], array.dtype) for array in arguments["selector"]],
                "baseline": [open_spec(array) for array in arguments["baseline"]],
                "data": {name: open_spec(array) for name, array in arguments["data"].items()},
            }

        return self._compile((purpose, method.form, objective, form, ranks, jit), graph, specs, objective, jit)

    def forward(self, objective: Objective) -> Callable[..., Any]:
        """Returns a compiled function: model inputs → the output before selection, and the explained tensors."""

        def graph(inputs: Any) -> Any:
            self.n_traces += 1
            scope = Scope(objective, inputs)
            return scope.output(scope.explained), scope.explained

        def specs() -> dict[str, Any]:
            return {"inputs": [value.spec for value in objective.inputs]}

        jit = xla.compiles_forward(self.settings, self.accelerated, objective)
        return self._compile((objective, "forward"), graph, specs, objective, jit)

    def _compile(
        self,
        key: Hashable,
        graph: Callable[..., Any],
        specs: Callable[[], Mapping[str, Any]],
        objective: Objective,
        jit: bool,
    ) -> Callable[..., Any]:
        with self._lock:
            if key not in self._compiled:
                signature = [specs()[name] for name in inspect.signature(graph).parameters]
                if jit and self.settings.jit_compile == "auto":
                    refused = functools.partial(self.events.refused, objective)
                    self._compiled[key] = XlaWithFallback(graph, signature, refused)
                else:
                    self._compiled[key] = build(graph, signature, jit)
            return self._compiled[key]

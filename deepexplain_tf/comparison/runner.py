"""The steps of a comparison: a method explains the examples, a metric is called."""

from collections.abc import Callable, Mapping
import dataclasses
import functools
from typing import Any, NoReturn, TypeVar

import keras
import numpy as np

from deepexplain_tf.comparison.explained_target import ExplainedTarget
from deepexplain_tf.comparison.requests import MethodRequest, MetricRequest
from deepexplain_tf.engine.preparation import prepare
from deepexplain_tf.errors import DeepExplainError, InputError, ModelError, TargetError, UnsupportedOpError
from deepexplain_tf.explain import DeepExplain, Explainer
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.base import Score

T = TypeVar("T")


class _CalledError(BaseException):
    """A metric has checked its arguments and calls its function."""


def _stop(*arguments: Any) -> NoReturn:
    raise _CalledError


def attempt(action: Callable[[], T]) -> tuple[T | None, str | None]:
    """Returns an action's value, or the message of its DeepExplainError."""
    try:
        return action(), None
    except DeepExplainError as error:
        return None, str(error)


@dataclasses.dataclass(frozen=True)
class Runner:
    """The model, examples and settings that all methods and metrics of a comparison share.

    Attributes:
      model_options: the arguments of `DeepExplain`.
      opened: the model inside its with-block.
      explained: the target and the examples.
      baseline: the baseline, as the user gave it.
      groups: the features, as the user gave them.
      sizes: `batch_size`, `chunk_size` and `max_memory`, as the user gave them.
      seed: seed of all random numbers.
    """

    model_options: Mapping[str, Any]
    opened: DeepExplain
    explained: ExplainedTarget
    baseline: Any
    groups: Any
    sizes: Mapping[str, Any]
    seed: int

    def method_refusal(self, request: MethodRequest) -> str | None:
        """Returns why a method cannot explain the model, or None; OptionError where options do not fit the inputs."""
        inputs = self.explained.pack(self.explained.call.inputs)
        try:
            prepare(self.opened.engine, request.method, inputs, **self._arguments(request))
        except (InputError, ModelError, TargetError, UnsupportedOpError) as error:
            return str(error)
        return None

    def explain(self, request: MethodRequest) -> tuple[Explanation, list[np.ndarray]]:
        """Returns a method's explanation, and attributions whose elements add up; InputError unless they are finite."""
        explanation = self._explainer(self.opened, request)(self.explained.pack(self.explained.call.inputs))
        shares = self.explained.shares(request.method, explanation.attributions)
        return explanation, self._tensor_examples.arrays(shares, "attributions")

    def metric_misfit(self, request: MetricRequest) -> str | None:
        """Returns why a metric does not fit the model or its inputs, or None.

        Raises:
          DeepExplainError: an option of the metric, or `groups`, does not fit.
        """
        source = self.opened.engine.source
        if "model" in request.parameters and not isinstance(source.layered, keras.Model):
            return f"the metric takes a Keras model or its file. Got {source.path or type(source.owner).__name__}"
        zeros = [np.broadcast_to(np.float32(0), x.shape) for x in self.explained.tensors]
        try:
            # A metric checks all its arguments before it calls a function, so that nothing else happens in this call.
            self._call(request, fn=_stop, explain=_stop, attributions=zeros)
        except _CalledError:
            return None
        except (InputError, ModelError) as error:
            return str(error)
        return None  # a metric of the attributions alone

    def scores(
        self, request: MetricRequest, methods: Mapping[str, MethodRequest], shares: Mapping[str, list[np.ndarray]]
    ) -> tuple[dict[str, Score], dict[str, str]]:
        """Returns scores by method, and reasons by method for missing scores.

        Args:
          request: the metric.
          methods: the methods by label.
          shares: the attributions of each method, whose elements add up.
        """
        if not methods:
            return {}, {}
        if not request.explains:
            call = functools.partial(self._call, request, fn=self.explained.function(), attributions=dict(shares))
            together, why = attempt(call)
            return together or {}, {} if why is None else dict.fromkeys(methods, why)
        found, reasons = {}, {}
        for label, method in methods.items():
            explain = self._of_model(method) if "model" in request.parameters else self._of_inputs(method)
            found[label], reasons[label] = attempt(functools.partial(self._call, request, explain=explain))
        return {k: v for k, v in found.items() if v is not None}, {k: v for k, v in reasons.items() if v is not None}

    @property
    def _tensor_examples(self) -> Examples:
        return Examples.read(self.explained.tensors)

    def _arguments(self, request: MethodRequest) -> dict[str, Any]:
        compares = request.method.uses_baseline and not request.method.sets
        fixed = {"target": self.explained.target, "baseline": self.baseline if compares else None, "seed": self.seed}
        return {**fixed, **self.sizes}

    def _explainer(self, opened: DeepExplain, request: MethodRequest) -> Explainer:
        return opened.explainer(request.name, **self._arguments(request), **request.options)

    def _of_inputs(self, request: MethodRequest) -> Callable[[Any], Explanation]:
        explainer = self._explainer(self.opened, request)
        return lambda inputs: explainer(self.explained.pack(inputs))

    def _of_model(self, request: MethodRequest) -> Callable[[Any, Any], Explanation]:
        known: dict[int, Explainer] = {}

        def explain(model: Any, inputs: Any) -> Explanation:
            if id(model) not in known:  # the same object, while the metric changes its weights
                with DeepExplain(model, **self.model_options) as opened:
                    known[id(model)] = self._explainer(opened, request)
            return known[id(model)](self.explained.pack(inputs))

        return explain

    def _call(self, request: MetricRequest, **given: Any) -> Any:
        """Calls a metric with the arguments that it has parameters for; its own options take precedence."""
        groups = self.groups
        everything = {
            "model": self.opened.engine.source.layered,
            "inputs": self.explained.call.inputs if request.explains else self.explained.tensors,
            "baseline": self.explained.baseline,
            "groups": groups if groups is None or isinstance(groups, str) else self.explained.flatten("groups", groups),
            "seed": self.seed,
            "chunk_size": self.explained.chunk_size,
            **given,
        }
        taken = {name: value for name, value in everything.items() if name in request.parameters}
        options = dict(request.options)
        if "masks" in options:  # in the structure of the user's inputs, as `groups` is
            options["masks"] = self.explained.flatten("masks", options["masks"])
        return request.metric.function(**{**taken, **options})

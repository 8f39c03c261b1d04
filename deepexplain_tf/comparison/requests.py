"""The methods and metrics of a comparison by name, with their options, read and checked."""

from collections.abc import Mapping
import dataclasses
import inspect
from typing import Any

from deepexplain_tf.errors import OptionError, closest, shortened
from deepexplain_tf.methods.base import CALL_ARGUMENTS, METHODS, Method
from deepexplain_tf.methods.make import make
from deepexplain_tf.metrics.base import GIVEN, METRICS, Metric

_PASSED = (*GIVEN, "baseline", "groups")  # the comparison passes these


@dataclasses.dataclass(frozen=True)
class MethodRequest:
    """A method to compare.

    Attributes:
      name: the registered name.
      options: the method's own options, as the user gave them.
      method: the method with these options.
    """

    name: str
    options: Mapping[str, Any]
    method: Method


@dataclasses.dataclass(frozen=True)
class MetricRequest:
    """A metric to score by.

    Attributes:
      metric: the metric.
      options: the metric's own options; the comparison passes all other arguments.
    """

    metric: Metric
    options: Mapping[str, Any]

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the metric's parameters."""
        return frozenset(inspect.signature(self.metric.function).parameters)

    @property
    def required(self) -> frozenset[str]:
        """The names of the parameters without a default."""
        parameters = inspect.signature(self.metric.function).parameters.values()
        return frozenset(p.name for p in parameters if p.default is p.empty)

    @property
    def better(self) -> str:
        """`"higher"` or `"lower"`: which score is the better one with these options."""
        reverse = any(self.options.get(name) == value for name, value in self.metric.reversed_by.items())
        return {"higher": "lower", "lower": "higher"}[self.metric.better] if reverse else self.metric.better

    @property
    def explains(self) -> bool:
        """Whether the metric explains anew, instead of scoring given attributions."""
        return "explain" in self.parameters


def read_methods(given: Any) -> dict[str, MethodRequest]:
    """Returns the methods to compare, by the names under which they are reported.

    Args:
      given: a name or `(name, options)`; several of these; or a dict of them by labels of the user's own.

    Raises:
      TypeError: any other form.
      UnknownNameError: a method that does not exist.
      OptionError: no method, a method twice, or an option that is out of range or not the method's.
    """
    requests = {}
    for label, name, options in _named(given, "methods", METHODS.resolve):
        taken = sorted(options.keys() & set(CALL_ARGUMENTS))
        if taken:
            raise OptionError(f"{taken[0]} is the same for all methods of a comparison. Got it for {shortened(label)}.")
        requests[label] = MethodRequest(METHODS.resolve(name), options, make(name, options))
    return requests


def read_metrics(given: Any) -> dict[str, MetricRequest]:
    """Returns the metrics to score by, by label; arguments and errors as for `read_methods`."""
    requests = {}
    for label, name, options in _named(given, "metrics", METRICS.resolve):
        request = MetricRequest(METRICS[name], {**METRICS[name].comparison_defaults, **options})
        known = sorted(request.parameters.difference(_PASSED))
        for option in options:
            if option not in known:
                raise OptionError(f"unknown option {shortened(option)} of {name}; {closest(str(option), known)}.")
        if request.metric.contributions and request.options.get("perturb") == "noise":
            raise OptionError("perturb must be 'removal' or a function where contributions are compared. Got 'noise'.")
        missing = sorted(request.required.difference(_PASSED, options))
        if missing:
            raise OptionError(
                f"{name} needs {missing[0]}: pass ({name!r}, {{{missing[0]!r}: …}}). Got no {missing[0]}."
            )
        requests[label] = request
    return requests


def _named(given: Any, what: str, resolve: Any) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Returns the label, name and options of each method or metric."""
    if isinstance(given, Mapping):
        found = [(label, *_pair(item, what)) for label, item in given.items()]
        if not all(isinstance(label, str) for label in given):
            raise TypeError(f"{what} by name have strings as keys. Got {shortened(list(given))}.")
    else:
        several = isinstance(given, list | tuple) and not _is_pair(given)
        pairs = [_pair(item, what) for item in (given if several else [given])]
        found = [(resolve(name), name, options) for name, options in pairs]
    if not found:
        raise OptionError(f"{what} must name at least one. Got none.")
    labels = [label for label, *_ in found]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise OptionError(
            f"{what} must differ in name, or be a dict, name → (method, options). Got {twice[0]!r} twice."
        )
    return found


def _is_pair(given: Any) -> bool:
    return isinstance(given, list | tuple) and len(given) == 2 and isinstance(given[1], Mapping)


def _pair(given: Any, what: str) -> tuple[str, Mapping[str, Any]]:
    name, options = given if _is_pair(given) else (given, {})
    if not isinstance(name, str) or not all(isinstance(option, str) for option in options):
        raise TypeError(f"{what} are names, or pairs (name, options). Got {shortened(given)}.")
    return name, dict(options)

"""`dx.describe`: what registries and docstrings tell of a method, a metric or a rule."""

from collections.abc import Callable, Mapping
import dataclasses
import importlib
import inspect
import re
from typing import Any

from deepexplain_tf.arguments.options import require
from deepexplain_tf.errors import UnknownNameError, closest, shortened
from deepexplain_tf.methods.base import METHODS
from deepexplain_tf.methods.description import Description, MethodDescription, MetricDescription, Option
from deepexplain_tf.methods.docstring import Docstring, read_class, read_docstring, read_list
from deepexplain_tf.metrics import METRICS
from deepexplain_tf.metrics.base import GIVEN
from deepexplain_tf.registry import Registry
from deepexplain_tf.rules import RULES


def describe(name: str, family: str | None = None) -> Description:
    """Returns a page about a method, a metric or a rule: formula, options, cost, guarantees and papers.

    Args:
      name: a name of `list_methods()`, `list_metrics()` or `list_rules()`, or an alias.
      family: `"method"`, `"metric"` or `"rule"`; default: the first of them that has the name.

    Raises:
      TypeError: a name that is not a string.
      UnknownNameError: an unknown name.
      OptionError: an unknown family.
    """
    known = family is None or (isinstance(family, str) and family in _FAMILIES)
    require(known, "family", f"{', '.join(map(repr, _FAMILIES))} or None", family)
    families = [one for one in _FAMILIES if family in (None, one)]
    holds = [one for one in families if isinstance(name, str) and name in _FAMILIES[one][0].names]
    if not holds and family is None and isinstance(name, str):
        hint = closest(name, [known for registry, _ in _FAMILIES.values() for known in registry.names])
        hint = closest(name, METHODS) if hint.startswith("known") else hint
        raise UnknownNameError(f"unknown method, metric or rule {shortened(name)}; {hint}.")
    registry, described = _FAMILIES[(holds or families)[0]]
    return described(registry.resolve(name))


def _method(name: str) -> Description:
    kind = METHODS[name]
    method, found, fields = kind(), read_class(kind), dataclasses.fields(kind)
    options = [_option(field.name, field.type, field.default, found.entries) for field in fields]
    return MethodDescription(
        **_common("method", METHODS, name, found, options),
        evaluations=method.evaluations,
        cost=method.cost,
        loops=method.loops,
        complete=method.complete,
        conserves=method.conserves,
        insensitive=method.insensitive,
        per_unit=method.per_unit,
        baseline=method.uses_baseline,
        background=any(field.name == "background" for field in fields),
        not_exported_with=method.stepwise_options,
    )


def _metric(name: str) -> Description:
    metric = METRICS[name]
    documented = inspect.getdoc(metric.function) or ""
    found = read_docstring(documented)
    entries: dict[str, str] = {}
    for module in ["deepexplain_tf.metrics", *re.findall(r"see `(deepexplain_tf[\w.]+)`", documented)]:
        shared = read_list(importlib.import_module(module).__doc__)
        entries |= {option: text for option, text in shared.items() if not text.startswith("see ")}
    entries |= found.entries
    parameters = inspect.signature(metric.function).parameters.values()
    options = [_option(p.name, p.annotation, p.default, entries) for p in parameters if p.name not in GIVEN]
    common = _common("metric", METRICS, name, found, options)
    return MetricDescription(**common, better=metric.better, contributions=metric.contributions)


def _rule(name: str) -> Description:
    found = read_docstring(inspect.getdoc(RULES[name]))
    parameters = inspect.signature(RULES[name]).parameters.values()
    options = [_option(p.name, p.annotation, p.default, found.entries) for p in parameters if p.name in found.entries]
    return Description(**_common("rule", RULES, name, found, options))


def _common(family: str, registry: Registry[Any], name: str, found: Docstring, options: list[Option]) -> dict[str, Any]:
    return {
        "name": name,
        "family": family,
        "aliases": registry.aliases(name),
        "formula": found.summary,
        "paragraphs": found.paragraphs,
        "options": tuple(options),
        "references": found.references,
    }


def _option(name: str, annotation: Any, default: Any, entries: Mapping[str, str]) -> Option:
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return Option(name, re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", text), default, entries.get(name, ""))


_FAMILIES: dict[str, tuple[Registry[Any], Callable[[str], Description]]] = {
    "method": (METHODS, _method),
    "metric": (METRICS, _metric),
    "rule": (RULES, _rule),
}

"""`dx.compare`: every method explains the examples, and every metric scores all methods."""

from collections.abc import Mapping
import functools
import inspect
import time
from typing import Any

import numpy as np
import tqdm

from deepexplain_tf.arguments.types import Structure, Target
from deepexplain_tf.comparison.explained_target import ExplainedTarget
from deepexplain_tf.comparison.provenance import provenance
from deepexplain_tf.comparison.requests import MethodRequest, MetricRequest, read_methods, read_metrics
from deepexplain_tf.comparison.result import Comparison
from deepexplain_tf.comparison.runner import Runner, attempt
from deepexplain_tf.engine.preparation import check_call
from deepexplain_tf.errors import OptionError, closest, shortened
from deepexplain_tf.explain import DeepExplain
from deepexplain_tf.methods.make import make
from deepexplain_tf.metrics.arguments import Examples

METHODS = ("gradient_x_input", "integrated_gradients", "epsilon_lrp", "deeplift")
METRICS = ("sensitivity_n", "completeness", "infidelity", "max_sensitivity", "deletion", "insertion")


def compare(
    model: Any,
    inputs: Structure,
    *,
    methods: Any = METHODS,
    metrics: Any = METRICS,
    target: Target = None,
    baseline: Structure = None,
    groups: Any = None,
    batch_size: int | None = None,
    chunk_size: int | None = None,
    max_memory: int | str | None = None,
    seed: int | None = None,
    progress: bool = False,
    **model_options: Any,
) -> Comparison:
    """Scores methods by metrics on a model and examples.

    Each method explains the examples once, and a metric evaluates the model once for all methods; only metrics of
    stability (such as `max_sensitivity`) and of randomisation explain anew. A missing score (of a method that cannot
    explain the model, or a metric that does not fit a method) has a reason in its row, and the comparison goes on.

    Metrics of contributions (completeness, infidelity) leave out methods whose attributions are per unit of the input:
    `saliency`, `guided_backprop`, `deconvnet`. Infidelity perturbs by removing features.

    Example:
      >>> import deepexplain_tf as dx
      >>> fn = lambda x: x[:, 0] * x[:, 1] - x[:, 2]
      >>> x = np.array([[2.0, 3.0, 1.0], [4.0, 1.0, 2.0], [1.0, 5.0, 3.0]])
      >>> print(dx.compare(fn, x, methods=["deeplift", "saliency"], metrics=["completeness", "deletion"], baseline=0.5))
      method    completeness ↓    deletion ↓
      --------  --------------  ------------
      deeplift           0 ± 0  -0.569 ± 2.5
      saliency               –  -0.125 ± 1.9
      – saliency by completeness: the metric takes contributions to the target, not changes per unit of the input

    Args:
      model: a model, as for `DeepExplain`.
      inputs: an array `[batch, ...]`, or a list, tuple or dict of arrays as the model takes them.
      methods: a name of `list_methods()` or a pair (name, options); several of these; or a dict of them by labels of
        your own, for example to compare a method with itself under other options.
      metrics: names of `list_metrics()`, in the same forms; `"randomisation"` copies a Keras model or its file, and
        metrics of localisation take masks in the structure of what is explained: `("pointing_game", {"masks": masks})`.
      target: the target, as for `DeepExplain.explain`; a predicted class is the one at the unchanged inputs.
      baseline: the baseline of methods that use one, and the values to which metrics set features; None is zeros.
      groups: which elements form a feature for metrics, see `deepexplain_tf.metrics`.
      batch_size: examples at a time, as for `DeepExplain.explain`.
      chunk_size: evaluations of the model at a time, by methods and by metrics.
      max_memory: the memory that a method may need beside the model, as for `DeepExplain.explain`, in place of
        `chunk_size`.
      seed: seed of all random numbers; without one, a seed is drawn and reported.
      progress: whether to show a progress bar.
      **model_options: arguments of `DeepExplain`, such as `output`; with `layer`, metrics change the layer's output.

    Returns:
      A `Comparison`, which prints as a table.

    Raises:
      DeepExplainError: an argument does not fit; raised before any method explains.
      TypeError: `methods` or `metrics` has another form, or the model is not one that a metric takes.
    """
    requests, scores = read_methods(methods), read_metrics(metrics)
    _check(model_options)
    sizes: dict[str, Any] = {"batch_size": batch_size, "chunk_size": chunk_size, "max_memory": max_memory}
    check_call("compare", make("occlusion", {}), seed=seed, progress=progress, **sizes)
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else int(seed)
    given = Examples.read(inputs, strings=True)
    arrays = given.pack(given.inputs)
    with DeepExplain(model, **model_options) as opened:
        explained = ExplainedTarget.read(opened.engine, arrays, target, baseline=baseline, **sizes)
        runner = Runner(model_options, opened, explained, baseline, groups, sizes, seed)
        total = len(requests) + len(scores)
        with tqdm.tqdm(total=total, desc="comparing", disable=not progress, delay=2, leave=False) as bar:
            return _compared(runner, requests, scores, bar)


def _check(model_options: Mapping[str, Any]) -> None:
    known = set(inspect.signature(DeepExplain).parameters) - {"model"}
    for option in model_options:
        if option not in known:
            hint = closest(option, known | (set(inspect.signature(compare).parameters) - {"model_options"}))
            raise OptionError(f"unknown argument {shortened(option)} of compare; {hint}.")


def _compared(
    runner: Runner, requests: Mapping[str, MethodRequest], scores: Mapping[str, MetricRequest], bar: tqdm.tqdm
) -> Comparison:
    misfits = {name: runner.metric_misfit(score) for name, score in scores.items()}
    failures = {label: runner.method_refusal(request) for label, request in requests.items()}
    explanations, shares, seconds = {}, {}, {}
    for label, request in requests.items():
        bar.set_postfix_str(label, refresh=False)
        if failures[label] is None:
            begun = time.perf_counter()
            result, failures[label] = attempt(functools.partial(runner.explain, request))
            if result is not None:
                explanations[label], shares[label] = result
                seconds[label] = time.perf_counter() - begun
        bar.update()
    found, reasons = {}, {}
    for name, score in scores.items():
        bar.set_postfix_str(name, refresh=False)
        why = {
            label: failures[label] or misfits[name] or _unsuited(score, request) for label, request in requests.items()
        }
        fitting = {label: request for label, request in requests.items() if why[label] is None}
        found[name], failed = runner.scores(score, fitting, {label: shares[label] for label in fitting})
        reasons[name] = {label: reason for label, reason in {**why, **failed}.items() if reason is not None}
        bar.update()
    return Comparison(
        explanations=explanations,
        scores=found,
        reasons=reasons,
        methods=tuple(requests),
        better={name: score.better for name, score in scores.items()},
        seconds=seconds,
        used={label: requests[label].method for label in explanations},
        provenance=provenance(runner, requests, scores, explanations),
    )


def _unsuited(score: MetricRequest, request: MethodRequest) -> str | None:
    if score.metric.contributions and request.method.per_unit:
        return "the metric takes contributions to the target, not changes per unit of the input"
    return None

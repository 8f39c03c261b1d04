"""A model with replaced gradients, for users who build on them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.arrays import as_arrays, read_inputs
from deepexplain_tf.arguments.baselines import read_baseline
from deepexplain_tf.arguments.structure import flatten_like
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.errors import OptionError
from deepexplain_tf.graph.autograph import unconverted
from deepexplain_tf.graph.trace import fill_structure
from deepexplain_tf.methods.make import make
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite
from deepexplain_tf.rules.overrides import read_overrides


def rewritten_model(engine: Engine, rules: str | Mapping[str, Any], baseline: Any) -> Callable[[Any], Any]:
    """Returns a function of the model's inputs; see `DeepExplain.rewrite`.

    Args:
      engine: the engine of the model.
      rules: the name of a method, or a map of rules.
      baseline: for twin-valued rules: None (zeros), a number, or one example in the structure of the explained
        tensors.

    Raises:
      OptionError: a method without gradients, or a baseline for rules that use none.
    """
    composite = _composite(engine, rules)
    if baseline is not None and not composite.twin:
        raise OptionError("baseline belongs to rules that compare with one. Got a baseline for rules without one.")
    functions: dict[Any, Callable[..., Any]] = {}

    @unconverted
    def call(inputs: Any) -> Any:
        arrays = as_arrays(inputs, engine.specs)
        model = engine.model(arrays)
        specs = tf.nest.flatten(model.traced.specs)
        read_inputs(arrays, model.traced.specs)
        leaves = flatten_like(inputs, model.traced.specs, "inputs")
        tensors = [_tensor(leaf, spec.dtype) for leaf, spec in zip(leaves, specs, strict=True)]
        if model not in functions:
            objective = model.all_outputs()
            objective.check_dependence()
            objective.check_rules(composite, engine.settings.strict)
            functions[model] = _function(objective, composite)
        baselines = read_baseline(baseline, model.structure, model.explained) if composite.twin else []
        outputs = functions[model](tensors, [tf.convert_to_tensor(array) for array in baselines])
        return fill_structure(model.traced.outputs, outputs)

    return call


def _composite(engine: Engine, rules: str | Mapping[str, Any]) -> Composite:
    if isinstance(rules, Mapping):
        return Composite(overrides=read_overrides(rules))
    method = make(rules, {})
    if not method.differentiates or method.override_map.layered:
        raise OptionError(f"rewrite takes a method that replaces gradients. Got {rules!r}.")
    return engine.composite(method)


def _function(objective: Objective, composite: Composite) -> Callable[..., Any]:
    def graph(inputs: Sequence[tf.Tensor], baseline: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        scope = Scope(objective, inputs)
        outputs, _ = scope.outputs_with_rules(scope.explained, composite, baseline)
        return outputs

    return tf.function(graph, autograph=False)


def _tensor(leaf: Any, dtype: tf.DType) -> tf.Tensor:
    tensor = leaf if tf.is_tensor(leaf) else tf.convert_to_tensor(np.asarray(leaf))
    return tensor if tensor.dtype == dtype else tf.cast(tensor, dtype)

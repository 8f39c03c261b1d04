"""What a `DeepExplain` shows of itself: inputs, outputs, layers, and what has been traced."""

from collections.abc import Iterable, Iterator, Sequence
import os
import re
from typing import Any

import tensorflow as tf

from deepexplain_tf.arguments.structure import names_of
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.errors import DeepExplainError, name_of
from deepexplain_tf.graph.places import layers_of
from deepexplain_tf.graph.sources.source import Source
from deepexplain_tf.objective.model import Model
from deepexplain_tf.writing.table import render

_MOST = 20  # layers
_UNKNOWN = "?"
_NO_INPUTS = "inputs: known at the first call, or by input_signature=."
_NO_OUTPUTS = "outputs: known once the model is traced."
_NO_LAYERS = "layers: none, so that layer= names none; at= takes name scopes and operations."


def overview(engine: Engine) -> str:
    """Returns an overview of a model as text; nothing is traced for it."""
    model = engine.traced
    return "\n\n".join(
        [
            f"DeepExplain of {_title(engine.source)}, {'not traced yet' if model is None else 'traced'}",
            _inputs(engine, model),
            _outputs(engine.source, model),
            _explained(engine),
            _layers(engine.source, model),
        ]
    )


def _title(source: Source) -> str:
    if source.layered is not None:
        title = f"{type(source.layered).__name__} {source.layered.name!r}"
    else:
        title = name_of(source.owner)
    return title if source.path is None else f"{title} from {os.path.basename(os.path.normpath(source.path))!r}"


def _inputs(engine: Engine, model: Model | None) -> str:
    specs = engine.specs if model is None else model.traced.specs
    return _NO_INPUTS if specs is None else _table("inputs", names_of(specs), tf.nest.flatten(specs))


def _outputs(source: Source, model: Model | None) -> str:
    if model is not None:
        return "\n".join([_table("outputs", model.output_names, model.traced.program.outputs), *model.notes])
    declared = list(getattr(source.layered, "outputs", None) or [])
    # Their names are those by which a call returns them, which only the trace shows; output= takes numbers too.
    return _table("outputs", [str(number) for number in range(len(declared))], declared) if declared else _NO_OUTPUTS


def _explained(engine: Engine) -> str:
    """Tells what is explained: from where to where."""
    layer, output = engine.settings.layer, engine.settings.output
    places = [layer] if isinstance(layer, str) else layer or []
    start = " and ".join(map(repr, places)) or "the inputs"
    ends = {"auto": "the outputs, without a final softmax or sigmoid", "model": "the outputs as they are"}
    return f"explained: {start}, for {ends.get(str(output), repr(output))}."


def _layers(source: Source, model: Model | None) -> str:
    layers = layers_of(source.layered)
    rows = [
        (name, type(same[0]).__name__, _output_shape(same[0]) if len(same) == 1 else f"{len(same)} layers of this name")
        for name, same in layers.items()
        if type(same[0]).__name__ != "InputLayer"
    ]
    table = render(("layers", "type", "output"), rows[:_MOST], left=3) if rows else _NO_LAYERS
    more = [f"… and {len(rows) - _MOST} more"] if len(rows) > _MOST else []
    return "\n".join([table, *more, *([] if model is None else [_of_maps(model, layers)])])


def _of_maps(model: Model, layers: Iterable[str]) -> str:
    """Tells which layer the class activation maps look at by default."""
    try:
        name = model.chosen_outputs().feature_maps(None).value.node.name
    except DeepExplainError:
        return "class activation maps: there is no convolution; at= names a layer with positions."
    known = set(layers)
    scopes = [scope for part in name.split("/") for scope in (part, re.sub(r"_\d+$", "", part)) if scope in known]
    return f"class activation maps: at {(scopes or [name])[-1]!r} by default; at= names another layer."


def _output_shape(layer: Any) -> str:
    try:
        outputs = tf.nest.flatten(layer.output)
    except (AttributeError, RuntimeError, ValueError):  # called several times, or by a subclassed model alone
        return _UNKNOWN
    return ", ".join(_shape(output.shape) for output in outputs)


def _table(title: str, names: Sequence[str], tensors: Sequence[Any]) -> str:
    rows = [(name, tf.as_dtype(t.dtype).name, _shape(t.shape)) for name, t in zip(names, tensors, strict=True)]
    return render((title, "dtype", "shape"), rows, left=3)


def _shape(shape: Any) -> str:
    shape = tf.TensorShape(shape)
    return _UNKNOWN if shape.rank is None else f"[{', '.join(_axes(shape))}]"


def _axes(shape: tf.TensorShape) -> Iterator[str]:
    for number, length in enumerate(shape.as_list()):
        yield str(length) if length is not None else _UNKNOWN if number else "batch"

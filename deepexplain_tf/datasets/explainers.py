"""What explains the rows: an `Explainer`, or an exported one, as a function from inputs to named columns."""

import abc
from collections.abc import Mapping
import hashlib
import json
import os
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.arrays import as_arrays, read_inputs
from deepexplain_tf.arguments.noise import Noise
from deepexplain_tf.arguments.options import is_int, is_real
from deepexplain_tf.datasets.sinks import Part
from deepexplain_tf.errors import DeepExplainError, InputError, OptionError, brief, shortened
from deepexplain_tf.explain import Explainer
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.export import SavedModel
from deepexplain_tf.export.provenance import described

_SEED = 0
_BFLOAT16 = np.dtype(tf.bfloat16.as_numpy_dtype)
_SCALARS = ("outputs", "baseline_outputs", "completeness_gap", "estimated_error", "n_steps")
_ARRAYS = ("attributions", "standard_error")
_PLAIN = (type(None), bool, int, float, str, Noise)
_UNCOUNTED = ("versions", "notes", "xla", "signatures")  # of the provenance: what does not tell explainers apart


class Explained(abc.ABC):
    """A method on a model.

    Attributes:
      specs: the model's inputs, a structure of `tf.TensorSpec`; None where the model does not tell them.
    """

    specs: Any

    @abc.abstractmethod
    def identity(self) -> dict[str, Any]:
        """Returns values of JSON that differ for another method, other options or another model."""

    @abc.abstractmethod
    def __call__(self, inputs: Any) -> Part:
        """Returns columns `[rows, ...]` by name.

        Args:
          inputs: arrays `[rows, ...]` in the structure of the model's inputs.

        Raises:
          InputError, TargetError: the model cannot take a row.
        """

    def check(self, inputs: Any) -> None:
        """Raises InputError if the model cannot take the numbers of these inputs; runs nothing."""
        arrays = as_arrays(inputs, self.specs)
        if self.specs is not None:
            read_inputs(arrays, self.specs)

    @abc.abstractmethod
    def try_out(self, inputs: Any) -> None:
        """Raises OptionError where an argument has a row for each example; `inputs` are those of one batch."""


def read_explainer(explainer: Any, target: Any, seed: int | None) -> Explained:
    """Returns what the user named: an `Explainer`, or the folder of an exported one.

    Raises:
      TypeError: neither.
      FileNotFoundError: there is no such folder.
      OptionError: an argument that does not fit.
      InputError: a folder that holds no exported explainer.
    """
    if isinstance(explainer, Explainer):
        return Live(explainer, target, seed)
    if not isinstance(explainer, str | os.PathLike):
        kind = type(explainer).__name__
        raise TypeError(f"an explainer is what de.explainer(method) returns, or the path of an export. Got {kind}.")
    if seed is not None:
        raise OptionError(f"seed is part of an exported explainer. Got {shortened(seed)}.")
    return Exported(pathlib.Path(explainer), target)


class Live(Explained):
    """An `Explainer` of this process.

    A method that draws random numbers draws the same for each call and example, from its seed. Without one, rows of
    different batches would have different draws, so the seed is 0.
    """

    def __init__(self, explainer: Explainer, target: Any, seed: int | None):
        """Args: the explainer; arguments that go before those it fixed, None for neither."""
        self._given = explainer
        fixed = explainer.fixed
        bound: dict[str, Any] = {"progress": False, "tensors": False, "tokens": None, "example_names": None}
        bound["seed"] = next((one for one in (seed, fixed.get("seed")) if one is not None), _SEED)
        if target is not None:
            bound["target"] = target
        self._explainer = explainer.bind(**bound)
        self._target = self._explainer.fixed.get("target")
        self.specs = explainer.engine.specs

    def identity(self) -> dict[str, Any]:
        explainer, fixed = self._explainer, self._explainer.fixed
        if self.specs is None:  # the first call traces the model
            found = {"method": explainer.method, "settings": described(vars(explainer.engine.settings))}
        else:
            found = explainer.program().provenance()
        readable = {name: vars(value) if isinstance(value, Noise) else value for name, value in fixed.items()}
        return {**_counted(found), "fixed": described(readable), "exported": False}

    def __call__(self, inputs: Any) -> Part:
        explanation = self._explainer(inputs)
        return _columns(explanation, predicted=self._target is None)

    def try_out(self, inputs: Any) -> None:
        if all(map(_is_plain, self._explainer.fixed.values())):
            return
        longer = tf.nest.map_structure(lambda array: np.concatenate([array, array[:1]]), inputs)
        try:
            self._explainer(longer)
        except DeepExplainError as error:
            raise OptionError(
                f"an explainer of a data set must have no argument with a row for each example. Got: {error}"
            ) from None


class Exported(Explained):
    """A SavedModel that `Explainer.export` wrote; a baseline that it left open is zeros."""

    def __init__(self, path: pathlib.Path, target: Any):
        """Args: the folder; the target, if the export left it open: a whole number, or one for each axis."""
        description = path / SavedModel.description_file
        if not path.is_dir():
            raise FileNotFoundError(f"there is no folder {path}")
        try:
            self._described = json.loads(description.read_text("utf-8"))
            self._loaded = tf.saved_model.load(str(path))
            self._explain = self._loaded.signatures["explain"]
            with open(path / "saved_model.pb", "rb") as graph:
                self._graph = hashlib.file_digest(graph, "sha256").hexdigest()
        except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
            raise InputError(
                f"an exported explainer must be a SavedModel of export(). Got {path}: {brief(error)}"
            ) from None
        given = self._explain.structured_input_signature[1]
        inputs = list(self._described["signatures"]["predict"]["inputs"])
        self._inputs = sorted(inputs)
        self.specs = {name: given[name] for name in self._inputs} if len(inputs) > 1 else given[inputs[0]]
        free = {name: spec for name, spec in given.items() if name not in inputs}
        targets = {name: spec for name, spec in free.items() if name.endswith("target")}
        self._baselines = {name: spec for name, spec in free.items() if name not in targets}
        self._target = _read_target(target, targets)

    def identity(self) -> dict[str, Any]:
        target = {name: array.tolist() for name, array in self._target.items()}
        found = {**_counted(self._described), "target": target, "exported": True}
        if (self._described.get("fixed") or {}).get("seed") is None:
            # Draws without a seed are constants of the graph, which alone tells them from those of another export.
            found["graph_sha256"] = self._graph
        return found

    def __call__(self, inputs: Any) -> Part:
        if isinstance(inputs, list | tuple) and len(self._inputs) > 1:
            raise InputError(f"inputs of an exported explainer must be a dict by name, {self._inputs}. Got a list.")
        arrays = dict(zip(self._inputs, read_inputs(inputs, self.specs), strict=True))
        rows = len(next(iter(arrays.values())))
        late = {name: np.repeat(index[None], rows, 0) for name, index in self._target.items()}
        shapes = [array.shape for array in arrays.values()]
        late |= {name: _zeros(spec, shapes) for name, spec in self._baselines.items()}
        try:
            found = self._explain(**{name: tf.constant(array) for name, array in {**arrays, **late}.items()})
        except tf.errors.InvalidArgumentError as error:
            raise InputError(f"the exported explainer must run on this batch. Got: {brief(error)}") from None
        return _ordered({name: tensor.numpy() for name, tensor in found.items()})

    def try_out(self, inputs: Any) -> None:
        """Does nothing: an exported explainer takes any number of rows."""


def _read_target(target: Any, free: Mapping[str, tf.TensorSpec]) -> dict[str, np.ndarray]:
    if not free:
        if target is not None:
            raise OptionError(f"target is part of this exported explainer. Got {shortened(target)}.")
        return {}
    (name, spec) = next(iter(free.items()))
    numbers = target if isinstance(target, tuple) else (target,)
    axes = 1 if spec.shape.rank == 1 else spec.shape[1]
    if not all(map(is_int, numbers)) or len(numbers) != axes:
        shown = "a whole number" if axes == 1 else f"a tuple of {axes} whole numbers"
        raise OptionError(
            f"target must be {shown}, which this exported explainer leaves open. Got {shortened(target)}."
        )
    return {name: np.array(numbers[0] if spec.shape.rank == 1 else numbers, np.int32)}


def _zeros(spec: tf.TensorSpec, shapes: list[tuple[int, ...]]) -> np.ndarray:
    """Returns one baseline of zeros; an open axis is as long as that of an input with as many axes."""
    like = next((shape for shape in shapes if len(shape) == spec.shape.rank), ())
    sizes = [size or (like[axis] if like else 1) for axis, size in enumerate(spec.shape)]
    return np.zeros([1, *sizes[1:]], spec.dtype.as_numpy_dtype)


def _is_plain(value: Any) -> bool:
    """Whether an argument cannot have a row for each example."""
    if isinstance(value, tuple) and all(isinstance(part, int | range) for part in value):
        return True
    return isinstance(value, (*_PLAIN, range)) or is_real(value) or (callable(value) and not hasattr(value, "shape"))


def _counted(provenance: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in provenance.items() if name not in _UNCOUNTED}


def _columns(explanation: Explanation, *, predicted: bool) -> Part:
    rows = len(explanation.outputs)
    found = {name: getattr(explanation, name) for name in _SCALARS}
    if predicted and np.shape(explanation.target)[:1] == (rows,):
        found["target"] = explanation.target
    for field in _ARRAYS:
        found |= _named(field, getattr(explanation, field))
    return _ordered({name: value for name, value in found.items() if np.shape(value)[:1] == (rows,)})


def _named(field: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {f"{field}_{name}": part for name, part in value.items()}
    if isinstance(value, list | tuple):
        return {f"{field}_{number}": part for number, part in enumerate(value)}
    return {field: value}


def _ordered(columns: Mapping[str, Any]) -> Part:
    """Returns columns in one order, in dtypes that files have: bfloat16 becomes float32, which holds its numbers."""
    order = ["target", *_SCALARS]
    names = sorted(columns, key=lambda name: (order.index(name) if name in order else len(order), name))
    arrays = {name: np.asarray(columns[name]) for name in names}
    return {n: array.astype(np.float32) if array.dtype == _BFLOAT16 else array for n, array in arrays.items()}

"""The result of every explain call, and its file format."""

import dataclasses
import json
import os
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from deepexplain_tf.errors import InputError, UnknownNameError, brief, closest
from deepexplain_tf.writing.atomic import atomic_file

if TYPE_CHECKING:
    from PIL import Image

_FORMAT = "deepexplain_tf.Explanation/1"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Explanation:
    """The attributions of a batch of inputs, with the numbers needed to judge them.

    Where the method promises completeness, Σ attributions = outputs − baseline_outputs + completeness_gap for
    each example, in units of the target; a group of features counts once. With noise, the mean output at the noisy
    inputs stands there in the place of `outputs`, which are those without noise; of a random model, all are means over
    its draws. Inside a `tf.function` the arrays are symbolic tensors, which nothing converts to NumPy on its own.

    Attributes:
      attributions: An array, or a list, tuple or dict of arrays, shaped like the explained tensors `[batch, ...]`.
      outputs: `[batch]`, the target at the inputs; of several units `[batch, units]`, and all other arrays likewise.
      baseline_outputs: `[batch]`, the target at the baseline, or its mean over the background; None for methods
        without a baseline.
      completeness_gap: `[batch]`, in units of the target; None where the method does not promise completeness.
      n_steps: The number of gradients along the path, one int or one per example; None for methods without a path.
      standard_error: The standard error of sampled attributions, in their structure, with noise that of the mean over
        its samples; None for other methods.
      estimated_error: `[batch]`, the bound on the relative L2 error that an adaptive integral estimates; else None.
      method: The registered name of the method.
      target: An int, a tuple of ints, an array, or the name of a callable.
      notes: Notes on outputs that were stripped, on programs that XLA did not compile, on ops without a rule or with a
        convention for a rule, and on sums that are off.
    """

    attributions: Any
    outputs: Any
    baseline_outputs: Any = None
    completeness_gap: Any = None
    n_steps: Any = None
    standard_error: Any = None
    estimated_error: Any = None
    method: str
    target: Any = None
    notes: tuple[str, ...] = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(_single_array(self.attributions), dtype=dtype, copy=copy)

    def __eq__(self, other: object) -> bool:
        """Returns whether every field has the same structure, dtypes and values; NaN equals NaN."""
        if not isinstance(other, Explanation):
            return NotImplemented
        return _same(vars(self), vars(other))

    def __repr__(self) -> str:
        lines = [f"Explanation({self.method}, target={_describe(self.target)})"]
        lines.append(f"  attributions: {_describe(self.attributions)}")
        lines.append(f"  outputs: {_numbers(self.outputs)}")
        if isinstance(self.completeness_gap, np.ndarray):
            gap = np.abs(self.completeness_gap.astype(np.float64)).max(initial=0.0)
            lines[-1] += f", largest |gap|: {gap:.2g}"
        if self.notes:
            lines.append(f"  notes: {len(self.notes)}")
        return "\n".join(lines)

    def image(self, inputs: Any = None, *, example: int = 0, kind: str | None = None, **options: Any) -> "Image.Image":
        """Returns a picture of one example.

        Args:
          inputs: The explained batch of pictures; required for kinds that show the picture.
          example: The index of the example in the batch.
          kind: `"heat_map"`, `"overlay"` or `"window"`, as in `deepexplain_tf.visualize`; None draws an overlay
            where `inputs` are given, else a heat map.
          **options: Options of the function of that name, such as `percentile`.

        Raises:
          InputError: The attributions are not a picture, the inputs are missing, or there is no such example.
          TypeError: The attributions hold several arrays.
          UnknownNameError: An unknown kind.
        """
        from deepexplain_tf import visualize

        kind = kind or ("heat_map" if inputs is None else "overlay")
        attributions = _example(self.attributions, example)
        if kind == "heat_map":
            return visualize.heat_map(attributions, **options)
        painters = {"overlay": visualize.overlay, "window": visualize.window}
        if kind not in painters:
            raise UnknownNameError(f"unknown kind {kind!r}; {closest(kind, ['heat_map', *painters])}.")
        if inputs is None:
            raise InputError(f"{kind!r} shows the picture: pass the explained inputs. Got None.")
        return painters[kind](attributions, _example(inputs, example), **options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one file in the `.npz` format at exactly `path`; no suffix is added.

        A temporary file beside `path` is renamed to `path` once it is complete; a failure leaves an old file alone.

        Raises:
          TypeError: A field holds a value that is not an array, a number, a string or a structure of these.
          OSError: The file cannot be written.
        """
        arrays: dict[str, Any] = {}
        fields = {name: _pack(value, arrays) for name, value in vars(self).items()}
        header = json.dumps({"format": _FORMAT, "fields": fields}).encode()
        with atomic_file(path) as file:
            np.savez(file, header=np.frombuffer(header, np.uint8), **arrays)


def load(path: str | os.PathLike[str]) -> Explanation:
    """Reads an `Explanation` that `Explanation.save` wrote; nothing in the file is executed.

    Raises:
      FileNotFoundError: There is no such file.
      InputError: The file is damaged, or is not an explanation.
    """
    with open(path, "rb") as file:
        # A damaged archive fails in its zip, zlib, npy or JSON layer, each with errors of its own.
        try:
            with np.load(file, allow_pickle=False) as arrays:
                header = json.loads(arrays["header"].tobytes())
                if header["format"] != _FORMAT:
                    raise ValueError(f"its format is {header['format']!r}")
                return Explanation(**{name: _unpack(v, arrays) for name, v in header["fields"].items()})
        except Exception as error:
            raise InputError(
                f"an explanation is loaded from a file that `Explanation.save` wrote, format {_FORMAT!r}. "
                f"Got {os.fspath(path)!r}: {brief(error)}"
            ) from None


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__")


def _single_array(structure: Any) -> Any:
    """Returns the array of a structure that holds exactly one."""
    while isinstance(structure, (list, tuple, dict)):
        if len(structure) != 1:
            names = f": {', '.join(map(str, structure))}" if isinstance(structure, dict) else ""
            raise TypeError(f"one array needs one input; choose one of `e.attributions`. Got {len(structure)}{names}.")
        (structure,) = structure.values() if isinstance(structure, dict) else structure
    return structure


def _example(batch: Any, index: int) -> np.ndarray:
    array = np.asarray(_single_array(batch))
    if array.ndim == 0 or not -len(array) <= index < len(array):
        raise InputError(f"`example` is an index into the batch. Got {index} for shape {array.shape}.")
    return array[index]


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and type(a) is type(b):
        return len(a) == len(b) and all(map(_same, a, b))
    if _is_array(a) and _is_array(b):
        a, b = np.asarray(a), np.asarray(b)
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)
    return type(a) is type(b) and a == b


def _describe(value: Any) -> str:
    """Returns a structure with the dtype and shape of each array; any other value in full."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_describe(part)}" for key, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        inside = ", ".join(map(_describe, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return f"{value.dtype.name}{value.shape}" if _is_array(value) else repr(value)


def _numbers(values: Any) -> str:
    if not isinstance(values, np.ndarray):
        return _describe(values)
    return np.array2string(values.astype(np.float64), precision=4, threshold=6, edgeitems=3)


def _pack(value: Any, arrays: dict[str, Any]) -> Any:
    """Returns `value` as JSON; its arrays go into `arrays`, and the JSON refers to them by name."""
    if isinstance(value, dict):
        return {"dict": [[key, _pack(part, arrays)] for key, part in value.items()]}
    if isinstance(value, (list, tuple)):
        return {"list" if isinstance(value, list) else "tuple": [_pack(part, arrays) for part in value]}
    if value is None or (isinstance(value, (bool, int, float, str)) and not _is_array(value)):
        return value
    array = np.asarray(value) if _is_array(value) else None
    if array is None or array.dtype.hasobject:
        raise TypeError(f"an explanation is saved from arrays, numbers and strings. Got {type(value).__name__}.")
    name = f"array_{len(arrays)}"
    if array.dtype.isbuiltin == 2:  # bfloat16 and similar dtypes, which the npy format cannot name
        arrays[name] = array.view(f"u{array.itemsize}")
        return {"array": name, "dtype": array.dtype.name}
    arrays[name] = array
    return {"array": name}


def _unpack(packed: Any, arrays: Any) -> Any:
    match packed:
        case {"dict": items}:
            return {key: _unpack(part, arrays) for key, part in items}
        case {"list": items}:
            return [_unpack(part, arrays) for part in items]
        case {"tuple": items}:
            return tuple(_unpack(part, arrays) for part in items)
        case {"array": name, "dtype": dtype}:
            return arrays[name].view(getattr(ml_dtypes, dtype))
        case {"array": name}:
            return arrays[name]
        case None | bool() | int() | float() | str():
            return packed
    raise ValueError(f"it holds {packed!r}")

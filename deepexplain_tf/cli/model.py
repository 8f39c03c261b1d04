"""The user's Keras model, and what its inputs look like."""

from typing import Any

from deepexplain_tf.cli.files import Array
from deepexplain_tf.errors import InputError, ModelError, closest


def load(path: str) -> Any:
    """Loads a `.keras` or `.h5` file.

    Raises:
        ModelError: The file is no Keras model, or one that Keras cannot rebuild.
    """
    import keras

    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0].partition(". ")[0].rstrip(".")
        raise ModelError(f"{path} must be a model that Keras can load (.keras, .h5). {reason}.") from error


def picture_shape(model: Any) -> tuple[int | None, ...]:
    """Returns the shape of one example of a model's only input.

    Raises:
        InputError: The model has several inputs, or does not tell.
    """
    tensors = getattr(model, "inputs", None)
    if not tensors:
        raise InputError("this model does not tell the size of the pictures it takes: give an .npy file.")
    if len(tensors) > 1:
        raise InputError(f"pictures go to a model with one input. This one has {len(tensors)}: give an .npz file.")
    return tuple(tensors[0].shape[1:])


def arrange(arrays: dict[str, Array], model: Any) -> Any:
    """Puts the arrays of an `.npz` file into the structure that the model takes its inputs in.

    They are matched by the names of the inputs, or taken in order where `np.savez` numbered them (`arr_0`,
    …).

    Raises:
        InputError: An input of the model is missing or there are others.
    """
    structure = getattr(model, "input", None)
    if isinstance(structure, dict):
        _match(arrays, list(structure))
        return {name: arrays[name] for name in structure}
    if not isinstance(structure, list | tuple):
        return dict(arrays)
    numbered = [f"arr_{index}" for index in range(len(structure))]
    names = numbered if set(arrays) == set(numbered) else [tensor.name for tensor in structure]
    _match(arrays, names)
    return type(structure)(arrays[name] for name in names)


def _match(arrays: dict[str, Array], names: list[str]) -> None:
    for name in names:
        if name not in arrays:
            raise InputError(f"the .npz file must hold the model's input {name!r}; {closest(name, arrays)}.")
    if extra := set(arrays) - set(names):
        raise InputError(f"the model has no input {min(extra)!r}; {closest(min(extra), names)}.")

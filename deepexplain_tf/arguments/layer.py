"""The argument `layer=`: the name of what is explained, or several names."""

from typing import Any

from deepexplain_tf.errors import OptionError, shortened


def read_layer(given: Any) -> str | tuple[str, ...] | None:
    """Returns the name of a layer, or a tuple of several names.

    Raises:
      TypeError: anything but a name, a list or tuple of names, or None.
      OptionError: no name in a list, or one that stands there twice.
    """
    if given is None or isinstance(given, str):
        return given
    if not isinstance(given, list | tuple):
        raise TypeError(f"layer is the name of a layer, or a list of names. Got {type(given).__name__}.")
    others = [type(name).__name__ for name in given if not isinstance(name, str)]
    if others:
        raise TypeError(f"layer is the name of a layer, or a list of names. Got a list with {others[0]}.")
    if not given:
        raise OptionError("layer must name at least one place. Got an empty list.")
    twice = [name for number, name in enumerate(given) if name in given[:number]]
    if twice:
        raise OptionError(f"layer must name each place once. Got {shortened(twice[0])} twice.")
    return tuple(given)

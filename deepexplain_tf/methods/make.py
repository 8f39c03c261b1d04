"""Methods made from their names and options."""

from collections.abc import Mapping
import dataclasses
from typing import Any

from deepexplain_tf.arguments.noise import OF_MODEL, Noise
from deepexplain_tf.errors import OptionError, closest, shortened
from deepexplain_tf.methods.base import CALL_ARGUMENTS, METHODS, Method
from deepexplain_tf.methods.model_draws import ModelDraws
from deepexplain_tf.methods.noisy import Noisy


def make(name: str, options: Mapping[str, Any]) -> Method:
    """Makes a method from its name or alias and its options, and puts noise around it where `noise` is one of them.

    Raises:
      TypeError: a name that is not a string, or noise that is not of `dx.noise`.
      UnknownNameError: an unknown name.
      OptionError: an unknown option, an option of another method, or a value out of range.
    """
    method_class = METHODS[name]
    noise, options = options.get("noise"), {key: value for key, value in options.items() if key != "noise"}
    known = {field.name for field in dataclasses.fields(method_class)}
    for option in options:
        if option not in known:
            owners = [owner for owner in METHODS if option in {f.name for f in dataclasses.fields(METHODS[owner])}]
            names = {*known, *CALL_ARGUMENTS, "noise"}
            hint = f"it belongs to {', '.join(owners)}" if owners else closest(option, names)
            raise OptionError(f"unknown option {shortened(option)} of {METHODS.resolve(name)}; {hint}.")
    method = method_class(**options)
    if noise is None:
        return method
    if not isinstance(noise, Noise):
        raise TypeError(f"noise is what dx.noise returns, as dx.noise('smoothgrad'). Got {shortened(noise)}.")
    return (ModelDraws if noise.kind == OF_MODEL else Noisy)(method, noise)

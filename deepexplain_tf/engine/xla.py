"""Which programs XLA compiles, and what tells the user why it does not."""

from collections.abc import Iterator

from deepexplain_tf.engine.settings import Settings
from deepexplain_tf.errors import OptionError
from deepexplain_tf.methods.base import Method
from deepexplain_tf.objective.objective import Objective

_LONG = 64  # iterations; a first call takes seconds more, and each later one a half of the time or less


def compiles(
    settings: Settings, accelerated: bool, method: Method, objective: Objective, *, differentiable: bool = False
) -> bool:
    """Returns whether XLA compiles a method's program.

    With `jit_compile="auto"` it does on a GPU or TPU. On a CPU it pays for many gradients through loops or dense
    layers, but not for convolutions, for which TensorFlow's own kernels are faster. For a single gradient it pays
    through a long loop, such as a recurrent layer over a fixed number of steps. XLA has no strings. It cannot
    differentiate a loop without a bound on its iterations, and a tape cannot differentiate a loop that XLA has
    compiled: whoever differentiates attributions compiles the function around them.
    """
    if objective.string_input is not None or not _wanted(settings, accelerated, method, objective, differentiable):
        return False
    return not (method.differentiates and objective.unbounded_loop is not None)


def _wanted(
    settings: Settings, accelerated: bool, method: Method, objective: Objective, differentiable: bool = False
) -> bool:
    if settings.jit_compile != "auto":
        return bool(settings.jit_compile)
    if differentiable or accelerated:
        return not differentiable
    if not method.differentiates:
        return False
    return bool(objective.loops or objective.dense) if method.repeats else objective.iterations >= _LONG


def compiles_forward(settings: Settings, accelerated: bool, objective: Objective) -> bool:
    """Returns whether XLA compiles the model's own values."""
    wanted = accelerated if settings.jit_compile == "auto" else bool(settings.jit_compile)
    return wanted and objective.string_input is None


def notes_on_xla(settings: Settings, accelerated: bool, method: Method, objective: Objective) -> Iterator[str]:
    """Yields notes on a program that XLA would compile if it could.

    Raises:
      OptionError: `jit_compile=True` for inputs that are strings.
    """
    text, loop = objective.string_input, objective.unbounded_loop
    if text is not None and settings.jit_compile is True:
        raise OptionError(f"jit_compile=True needs inputs that are numbers. Got strings for {text.node.name!r}.")
    if text is not None and _wanted(settings, accelerated, method, objective):
        yield f"not compiled by XLA, which has no strings, as {text.node.name!r} has"
    elif method.differentiates and loop is not None and (settings.jit_compile is True or accelerated):
        yield f"not compiled by XLA, which needs a bound on the iterations of the loop {loop.name!r}"

"""How long replaced gradients hold: for the differentiation that attributes, not for one that follows it."""

from collections.abc import Callable, Iterator, Sequence
import contextlib
import contextvars

import tensorflow as tf

Backward = Callable[[Sequence[tf.Tensor]], Sequence[tf.Tensor]]  # upstream gradients → a gradient for each input


class _Span:
    """The time for which the gradients of the ops emitted in it are replaced."""

    over = False


_CURRENT: contextvars.ContextVar[_Span | None] = contextvars.ContextVar("replaced_gradients", default=None)


@contextlib.contextmanager
def replaced_gradients() -> Iterator[None]:
    """Ends the replacement of gradients for the ops emitted in this block once the block is left.

    What is differentiated in the block is an attribution: a formula of values and weights, which has a derivative of
    its own (a loss on attributions needs it). That derivative passes through the same ops, by their ordinary gradients.
    Ops emitted outside of any block keep their replaced gradients, and a block inside another ends with it.
    """
    if _CURRENT.get() is not None:
        yield
        return
    span = _Span()
    token = _CURRENT.set(span)
    try:
        yield
    finally:
        _CURRENT.reset(token)
        span.over = True


def in_replacement() -> bool:
    """Whether ops are being emitted in a block of `replaced_gradients`."""
    return _CURRENT.get() is not None


def set_gradients(
    outputs: Sequence[tf.Tensor],
    inputs: Sequence[tf.Tensor],
    *,
    replaced: Backward | None = None,
    ordinary: Backward | None = None,
) -> list[tf.Tensor]:
    """Returns `outputs` with a replaced gradient, and with an ordinary one once the present block is left.

    Args:
      outputs: the tensors.
      inputs: the tensors to which these gradients are passed.
      replaced: the replaced gradient; None for the gradient that `outputs` have already.
      ordinary: the ordinary gradient; None for the gradient that `outputs` have already.
    """
    span = _CURRENT.get()

    @tf.custom_gradient
    def switched(*tensors: tf.Tensor):  # type: ignore[no-untyped-def]
        def gradient(*upstream: tf.Tensor) -> list[tf.Tensor | None]:
            backward = ordinary if span is not None and span.over else replaced
            if backward is None:
                return [*upstream, *([None] * len(inputs))]
            return [*([None] * len(outputs)), *backward(upstream)]

        return list(tensors[: len(outputs)]), gradient

    return list(switched(*outputs, *inputs))

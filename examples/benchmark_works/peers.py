"""Integrated Gradients by other libraries, with the same model, weights and steps."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmark_works.base import Subject
from benchmark_works.floor import Attribute

_AT_ONCE = 64


class UnfitError(Exception):
    """A work that a library cannot do."""


def _require_inputs(subject: Subject) -> None:
    if subject.layer is not None:
        raise UnfitError("peers are compared on inputs only, not at a layer")


def _logits(subject: Subject) -> keras.Model:
    inputs = keras.Input(subject.x.shape[1:])
    return keras.Model(inputs, subject.logits(inputs))


def xplique(subject: Subject) -> Attribute:
    """Returns Xplique's attributions: the trapezoid rule with `tf.GradientTape` and a one-hot target."""
    from xplique.attributions import IntegratedGradients

    _require_inputs(subject)
    model = _logits(subject)
    targets = np.eye(model.output_shape[-1], dtype=np.float32)[np.full(len(subject.x), subject.target)]

    def attribute(steps: int) -> np.ndarray:
        explainer = IntegratedGradients(model, steps=steps, batch_size=_AT_ONCE, baseline_value=0.0, reducer=None)
        return np.asarray(explainer.explain(subject.x, targets))

    return attribute


def alibi(subject: Subject) -> Attribute:
    """Returns Alibi's attributions: Gauss–Legendre with `tf.GradientTape`."""
    from alibi.explainers import IntegratedGradients

    _require_inputs(subject)
    model = _logits(subject)
    target = None if model.output_shape[-1] == 1 else subject.target

    def attribute(steps: int) -> np.ndarray:
        explainer = IntegratedGradients(model, n_steps=steps, internal_batch_size=_AT_ONCE)
        return np.asarray(explainer.explain(subject.x, target=target).attributions[0])

    return attribute


def saliency(subject: Subject) -> Attribute:
    """Returns saliency's attributions: a Riemann sum, one example after another, with a compiled gradient."""
    import saliency.core as core

    _require_inputs(subject)

    @tf.function(autograph=False, reduce_retracing=True)
    def gradient(points: tf.Tensor) -> tf.Tensor:
        return tf.gradients(subject.logits(points)[:, subject.target], points)[0]

    def call_model(points: np.ndarray, *_: Any, **__: Any) -> dict[str, np.ndarray]:
        return {core.base.INPUT_OUTPUT_GRADIENTS: gradient(tf.constant(points, tf.float32)).numpy()}

    def attribute(steps: int) -> np.ndarray:
        method = core.IntegratedGradients()
        masks = [method.GetMask(x, call_model, x_steps=steps, batch_size=_AT_ONCE) for x in subject.x]
        return np.stack(masks)

    return attribute


def captum(subject: Subject) -> Attribute:
    """Returns Captum's attributions: Gauss–Legendre in PyTorch with copied weights; dense networks only."""
    import captum.attr
    import torch

    layers: Sequence[Any] = getattr(subject.model, "layers", ())
    if not all(isinstance(layer, keras.layers.Dense) for layer in layers):
        raise UnfitError("only dense networks are copied to PyTorch")
    modules: list[Any] = []
    for layer in layers:
        weight, bias = layer.get_weights()
        linear = torch.nn.Linear(*weight.shape)
        linear.load_state_dict({"weight": torch.tensor(weight.T), "bias": torch.tensor(bias)})
        modules += [linear, torch.nn.ReLU()]
    explainer = captum.attr.IntegratedGradients(torch.nn.Sequential(*modules[:-1]))
    x = torch.tensor(subject.x)

    def attribute(steps: int) -> np.ndarray:
        chosen = {"target": subject.target, "n_steps": steps, "internal_batch_size": _AT_ONCE}
        return explainer.attribute(x, method="gausslegendre", **chosen).numpy(force=True)

    return attribute


PEERS: dict[str, Callable[[Subject], Attribute]] = {peer.__name__: peer for peer in (captum, xplique, alibi, saliency)}

"""A model with explanations built in: one call returns predictions and attributions."""

from typing import Any

import tensorflow as tf

from deepexplain_tf.arguments.arrays import as_arrays, read_inputs
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.explain import DeepExplain, split_settings
from deepexplain_tf.export.program import ExplainerProgram, concrete
from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.autograph import unconverted
from deepexplain_tf.methods.base import METHODS


class ExplainedModel(tf.Module):
    """A `tf.Module` whose one call returns the outputs of a model and their explanation.

    The module reads the model's own variables, so that it follows training. `tf.saved_model.save(module, path)` writes
    it with the one signature `serving_default`, which takes the model's inputs by name and runs without this library
    and without Keras. The returned tensors have no gradient, and differentiating them raises LookupError:
    differentiate the model itself.

    Attributes:
      serve: the signature, a `tf.function` of tensors by name.
    """

    def __init__(self, program: ExplainerProgram):
        super().__init__()
        self._program = program
        self.serve = concrete(lambda **tensors: _final(program.predict_and_explain(**tensors)), program.inputs)
        tf_private.drop_custom_gradients(self.serve)
        self.resources = program.resources.holders(self.serve)

    @unconverted
    def __call__(self, inputs: Structure) -> dict[str, tf.Tensor]:
        """Returns the model's outputs by name, and `attributions`, `outputs`, … as an exported explainer does.

        An output of the model whose name is also that of an explanation's array becomes `predicted_NAME`.

        Args:
          inputs: an array `[batch, ...]`, or a list, tuple or dict of arrays in the structure of the model's inputs.

        Raises:
          InputError: inputs that the model cannot take.
        """
        specs = self._program.structure
        arrays = map(tf.convert_to_tensor, read_inputs(as_arrays(inputs, specs), specs))
        return dict(self.serve(**dict(zip(self._program.inputs, arrays, strict=True))))


def _final(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Returns the tensors such that differentiating them is an error."""
    message = "A model with explanations has no gradient: differentiate the model itself."
    return {name: tf.raw_ops.PreventGradient(input=tensor, message=message) for name, tensor in tensors.items()}


def with_explanations(model: Any, method: str, **fixed: Any) -> ExplainedModel:
    """Returns a `tf.Module` whose one call returns a model's predictions and attributions.

    Example:
      >>> import deepexplain_tf as dx
      >>> model = dx.with_explanations(
      ...     lambda x: x[:, 0] * x[:, 1], "deeplift", input_signature=[tf.TensorSpec([None, 2])]
      ... )
      >>> result = model(np.array([[2.0, 3.0]]))
      >>> result["output_0"].numpy(), result["attributions"].numpy()
      (array([6.], dtype=float32), array([[3., 3.]], dtype=float32))

    Args:
      model: any model that `DeepExplain` takes and whose input shapes are known.
      method: a name of `list_methods()` or an alias.
      **fixed: arguments of `DeepExplain` (such as `layer=`) and of `explain` (such as `target=`, `baseline=` and the
        method's options); the default target is the only unit or the predicted class, the default baseline zeros.

    Raises:
      DeepExplainError: as `DeepExplain` and its `explainer`; OptionError also for integrated_gradients to a tolerance.
    """
    settings, call = split_settings(fixed)
    call = {"target": None, **({"baseline": None} if METHODS[method].uses_baseline else {}), **call}
    with DeepExplain(model, **settings) as de:
        return ExplainedModel(de.explainer(method, **call).program())

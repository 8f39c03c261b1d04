"""A method at many draws of a random model, and the mean over them."""

from collections.abc import Callable, Sequence
import dataclasses
from typing import ClassVar

import tensorflow as tf

from deepexplain_tf.errors import ModelError, OptionError
from deepexplain_tf.graph.emit import emit
from deepexplain_tf.graph.trace import Traced
from deepexplain_tf.methods.around import Around, wide_attributions
from deepexplain_tf.methods.base import Result, TensorData
from deepexplain_tf.methods.standard_error import standard_error
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.redraw import is_redrawn
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite

Tensors = Sequence[tf.Tensor]


@dataclasses.dataclass(frozen=True)
class ModelDraws(Around):
    """The mean of a method's attributions over draws of a model; see `arguments.noise.noise`.

    One loop takes the draws, each of which the method sees as a model without chance, for all examples of the batch.
    """

    shared: ClassVar[tuple[str, ...]] = (*Around.shared, "repeats")
    redraws: ClassVar[bool] = True

    def part(self, objective: Objective) -> Objective:
        if objective.draw is None and not is_redrawn(objective):
            raise OptionError(
                "noise of the kind 'model' is that of a model which draws random numbers. Got one whose explained "
                "output draws none; leave noise= out, or explain a function in which the layers of Keras draw, as "
                "lambda x: model(x, training=True)."
            )
        return super().part(objective)

    def attribute(
        self, scope: Scope, baseline: Tensors, data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        if chunks.pad:  # XLA differentiates a loop inside this one in chunks of a fixed size only
            chunks = dataclasses.replace(chunks, at_once=False)
        wide = [tf.cast(template, tf.float64) for template in self.method.templates(scope, data)]
        ends = [tf.zeros([scope.size], tf.float64)] * (2 + self.compares)

        def at(sample: tf.Tensor) -> list[tf.Tensor]:
            result = self.method.attribute(scope.drawn(data["noise_key"], sample), baseline, data, composite, chunks)
            found = wide_attributions(result)
            return [*found, *self.ends(result, found)]

        means, deviations = mean_over_samples(at, [*wide, *ends], data["noise_samples"])
        total, outputs, *start = (tf.cast(mean, scope.dtype) for mean in means[len(wide) :])
        errors = [standard_error(deviation, data["noise_samples"]) for deviation in deviations[: len(wide)]]
        result: Result = {
            "attributions": means[: len(wide)],
            "outputs": outputs,
            "standard_error": errors,
            "total": total,
        }
        if self.compares:
            (result["baseline_outputs"],) = start
        return result


def mean_outputs(traced: Traced, inputs: Tensors, key: tf.Tensor, samples: tf.Tensor) -> list[tf.Tensor]:
    """Returns the means of the outputs of a model that draws by number.

    Args:
      traced: the model.
      inputs: its inputs.
      key: the key of its draws.
      samples: the number of draws.

    Raises:
      ModelError: an output is not a float.
    """
    dtypes = [value.dtype for value in traced.program.outputs]
    if not all(dtype.is_floating for dtype in dtypes):
        shown = [dtype.name for dtype in dtypes]
        raise ModelError(f"outputs of a random model must be floats, whose means are predicted. Got {shown}.")
    given = dict(zip(traced.program.inputs, inputs, strict=True))

    def at(sample: tf.Tensor) -> list[tf.Tensor]:
        outputs = emit(traced.program, {**given, **dict(zip(traced.draws, (key, sample), strict=True))})
        return [tf.cast(output, tf.float64) for output in outputs]

    means, _ = mean_over_samples(at, at(tf.constant(0)), samples)
    return [tf.cast(mean, dtype) for mean, dtype in zip(means, dtypes, strict=True)]


def mean_over_samples(
    at: Callable[[tf.Tensor], Tensors], templates: Tensors, samples: tf.Tensor
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Returns means over samples, and Σₖ (vₖ − mean)², both by Welford's recurrence, which loses no digits.

    Args:
      at: the number of a sample → tensors of float64.
      templates: tensors of float64 in their shapes.
      samples: the number of samples, an int32 scalar.
    """

    def step(sample: tf.Tensor, means: list[tf.Tensor], deviations: list[tf.Tensor]) -> tuple[object, ...]:
        values = [tf.ensure_shape(value, mean.shape) for value, mean in zip(at(sample), means, strict=True)]
        changes = [value - mean for value, mean in zip(values, means, strict=True)]
        after = [mean + change / tf.cast(sample + 1, tf.float64) for mean, change in zip(means, changes, strict=True)]
        squares = [change * (value - mean) for change, value, mean in zip(changes, values, after, strict=True)]
        return sample + 1, after, [total + square for total, square in zip(deviations, squares, strict=True)]

    start = [tf.zeros_like(template) for template in templates]
    first = (tf.constant(0), start, start)
    # XLA differentiates only bounded loops.
    _, means, deviations = tf.while_loop(
        lambda sample, *_: sample < samples, step, first, parallel_iterations=1, maximum_iterations=samples
    )
    return means, deviations

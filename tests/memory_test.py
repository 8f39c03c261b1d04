import keras
import numpy as np
import pytest

import deepexplain_tf as dx
from deepexplain_tf.call import prepare
from deepexplain_tf.methods.integrated_gradients import IntegratedGradients


@pytest.mark.parametrize(("accelerated", "evaluations"), [(False, 32), (True, 256)])
def test_evaluations_at_once_on_a_processor_and_on_a_graphics_card(accelerated, evaluations):
    """Eight times the activations, 2 GiB, keep an accelerator busy."""
    convolution = keras.layers.Conv2D(32, 3, padding="same", activation="relu")
    layers = [convolution, keras.layers.Conv2D(32, 3, padding="same"), keras.layers.GlobalAveragePooling2D()]
    model = keras.Sequential([keras.Input((128, 128, 3)), *layers])
    with dx.DeepExplain(model, jit_compile=False) as de:
        engine = de.explainer("integrated_gradients")._engine
    assert not engine.accelerated
    engine.accelerated = accelerated
    call = prepare(engine, IntegratedGradients(), np.ones((1, 128, 128, 3), np.float32), target=0)
    assert call.chunks.size == evaluations

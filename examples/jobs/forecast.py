"""What makes a forecast go up? Writes forecast.png: the past, coloured by what it did to the last step."""

import keras
import numpy as np

import deepexplain_tf as dx

hours = np.arange(1100)
temperature = np.sin(hours / 24 * 2 * np.pi) + 0.3 * np.random.default_rng(0).normal(size=1100)
load = np.roll(temperature, 6) + 0.5 * np.sin(hours / 168 * 2 * np.pi)
series = np.stack([load, temperature], 1).astype("float32")
x = np.stack([series[at : at + 48] for at in range(1000)])
y = np.stack([load[at + 48 : at + 54] for at in range(1000)])
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((48, 2)), keras.layers.GRU(16), keras.layers.Dense(6)])
model.compile(keras.optimizers.Adam(0.01), "mse")
model.fit(x[:900], y[:900], batch_size=64, epochs=5, verbose=0)

with dx.DeepExplain(model) as de:
    e = de.explain("integrated_gradients", x[-1:], target=5, feature_names=["load", "temperature"])
dx.visualize.save_png(e.plot(), "forecast.png")

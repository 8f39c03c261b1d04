"""Which columns decide about a row of numbers and categories? Writes census_row.png, and census.png of many rows."""

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

import deepexplain_tf as dx

random = np.random.default_rng(0)
table = pd.DataFrame(random.uniform([18, 10], [70, 60], (800, 2)), columns=["age", "hours"])
table["job"] = random.choice(["clerk", "nurse", "chef"], 800)
rich = (table["hours"] + 0.5 * table["age"] + 20 * (table["job"] == "nurse") > 65).astype(int)
keras.utils.set_random_seed(0)
space = keras.utils.FeatureSpace({"age": "float_normalized", "hours": "float_normalized", "job": "string_categorical"})
space.adapt(tf.data.Dataset.from_tensor_slices(dict(table)))
score = keras.layers.Dense(1, "sigmoid")(keras.layers.Dense(16, "relu")(space.get_encoded_features()))
model = keras.Model(space.get_inputs(), score)
model.compile(keras.optimizers.Adam(0.03), "binary_crossentropy")
model.fit(tf.data.Dataset.from_tensor_slices((dict(table), rich)).batch(32), epochs=6, shuffle=False, verbose=0)

with dx.DeepExplain(model) as de:
    e = de.explain("kernel_shap", table[:100], baseline={"age": 44.0, "hours": 35.0, "job": ""}, seed=0)
dx.visualize.save_png(e.plot(), "census_row.png")
dx.visualize.save_png(e.plot("beeswarm"), "census.png")

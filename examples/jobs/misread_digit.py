"""Why did a network read this digit wrong? Writes misread_digit.png: what spoke for either answer."""

import keras
from sklearn.datasets import load_digits

import deepexplain_tf as dx

pixels, labels = load_digits(return_X_y=True)
x = pixels.reshape(-1, 8, 8, 1).astype("float32") / 16
keras.utils.set_random_seed(0)
layers = [keras.layers.Conv2D(16, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(10)]
model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x[:1200], labels[:1200], epochs=4, verbose=0)
read = model.predict(x, verbose=0).argmax(1)
wrong = 1200 + (read != labels)[1200:].argmax()

with dx.DeepExplain(model) as de:
    units = de.explain("deeplift", x[[wrong]], target="all").attributions[0]
maps = {f"for a {digit}": units[digit] for digit in (read[wrong], labels[wrong])}
title = f"a {labels[wrong]}, read as {read[wrong]}"
dx.visualize.save_png(dx.visualize.panels(maps, x[wrong], shared=True, title=title), "misread_digit.png")

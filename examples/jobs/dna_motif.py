"""Which letters of DNA does a network look at? Writes dna_motif.png; GATAAG was planted in half of the sequences."""

import keras
import numpy as np

import deepexplain_tf as dx

random = np.random.default_rng(0)
letters, labels = random.integers(0, 4, (2000, 60)), np.arange(2000) % 2
for row, start in zip(np.flatnonzero(labels), random.integers(0, 54, 1000), strict=True):
    letters[row, start : start + 6] = ["ACGT".index(letter) for letter in "GATAAG"]
x = np.eye(4, dtype="float32")[letters]
keras.utils.set_random_seed(0)
layers = [keras.layers.Conv1D(16, 8, activation="relu"), keras.layers.GlobalMaxPooling1D(), keras.layers.Dense(1)]
model = keras.Sequential([keras.Input((60, 4)), *layers, keras.layers.Activation("sigmoid")])
model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
model.fit(x[:1900], labels[:1900], epochs=8, verbose=0)

with dx.DeepExplain(model) as de:
    e = de.explain("deeplift", x[-1:], rule="genomics", feature_names=["A", "C", "G", "T"])
dx.visualize.save_png(e.plot(), "dna_motif.png")

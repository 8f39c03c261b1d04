"""Which words make a review good or bad? Writes review_words.png, for a model that reads texts."""

import keras
import numpy as np

import deepexplain_tf as dx

random = np.random.default_rng(0)
verdicts = [["dull", "awful", "silly"], ["lovely", "great", "clever"]]
labels = random.integers(0, 2, 1000)
things, much = ["film", "plot", "music"], ["very", "so", "quite"]
texts = [f"the {random.choice(things)} was {random.choice(much)} {random.choice(verdicts[label])}" for label in labels]
keras.utils.set_random_seed(0)
vectorise = keras.layers.TextVectorization(output_sequence_length=12)
vectorise.adapt(texts)
layers = [keras.layers.Embedding(vectorise.vocabulary_size(), 8), keras.layers.GlobalAveragePooling1D()]
model = keras.Sequential([keras.Input((), dtype="string"), vectorise, *layers, keras.layers.Dense(1, "sigmoid")])
model.compile(keras.optimizers.Adam(0.03), "binary_crossentropy")
model.fit(keras.ops.convert_to_tensor(texts), labels, epochs=4, verbose=0)

e = dx.text.explain(model, ["The film was so lovely, but the music was quite awful."])
dx.visualize.save_png(e.plot(title=f"praise or blame: {e.outputs[0]:+.2f}"), "review_words.png")

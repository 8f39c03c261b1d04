"""Which pixels decide about each of two outputs? Writes two_answers.png: the digit, and whether it is even."""

import keras
from sklearn.datasets import load_digits

import deepexplain_tf as dx

pixels, labels = load_digits(return_X_y=True)
x = pixels.reshape(-1, 8, 8, 1).astype("float32") / 16
keras.utils.set_random_seed(0)
image = keras.Input((8, 8, 1))
seen = keras.layers.Flatten()(keras.layers.Conv2D(16, 3, activation="relu")(image))
answers = {"digit": keras.layers.Dense(10, "softmax", name="digit")(seen)}
answers["even"] = keras.layers.Dense(1, "sigmoid", name="even")(keras.layers.Dense(32, "relu")(seen))
model = keras.Model(image, answers)
model.compile("adam", {"digit": "sparse_categorical_crossentropy", "even": "binary_crossentropy"})
model.fit(x[:1500], {"digit": labels[:1500], "even": labels[:1500] % 2 == 0}, epochs=10, verbose=0)

maps = {}
for output in answers:
    with dx.DeepExplain(model, output=output) as de:
        maps[output] = de.explain("deeplift", x[-1:]).attributions[0]
dx.visualize.save_png(dx.visualize.panels(maps, x[-1], title=f"a {labels[-1]}"), "two_answers.png")

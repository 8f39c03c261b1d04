import keras
import numpy as np

from reproduce_misclassified import _explained, _hidden


def test_the_first_tenth_of_the_features_is_taken_away():
    x = np.ones((2, 8, 8, 3), np.float32)
    order = np.stack([np.arange(16), np.arange(16)[::-1]])  # of blocks of 2 × 2; a tenth is two
    hidden = _hidden(x, np.full((8, 8, 3), -1, np.float32), order, 2)
    assert (hidden[0, :2, :4] == -1).all() and (hidden[0] == -1).sum() == 2 * 4 * 3
    assert (hidden[1, 6:, 4:] == -1).all() and (hidden[1] == -1).sum() == 2 * 4 * 3


def test_what_speaks_for_the_wrong_class_of_a_linear_net_is_found():
    model = keras.Sequential([keras.Input((4, 5, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    weights = np.zeros((20, 2), np.float32)
    weights[:2, 1], weights[2:, 0] = 10, 1  # class 1 by two features alone
    model.set_weights([weights, np.array([0.5, 0.0], np.float32)])
    model = keras.Sequential([keras.Input((20, 20, 1)), keras.layers.AveragePooling2D((5, 4)), model])
    x = np.ones((3, 20, 20, 1), np.float32)
    maps, hidden, found = _explained(model, x, np.ones(3, int), np.zeros(3, int), np.zeros((20, 20, 1), np.float32), 5)
    assert maps.shape == (3, 4, 4) and hidden.shape == x.shape
    assert found.examples == 3
    assert found.lost > found.lost_at_random
    assert found.corrected >= found.corrected_at_random

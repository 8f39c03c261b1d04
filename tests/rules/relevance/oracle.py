"""Rules for relevance in NumPy: a layer is the matrix of its linear part, which is read off its outputs."""

from collections.abc import Callable

import numpy as np

EPSILON = 0.01  # large, so that no quotient is mostly rounding


def linear_part(layer: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the matrix `[inputs, outputs]` and the bias `[outputs]` of an affine layer, from what it computes."""
    size = int(np.prod(shape))
    units = np.concatenate([np.zeros((1, size)), np.eye(size)]).reshape(size + 1, *shape)
    found = np.asarray(layer(units)).reshape(size + 1, -1)
    return found[1:] - found[0], found[0]


def _stable(z: np.ndarray) -> np.ndarray:
    return z + EPSILON * np.where(z >= 0, 1, -1)


def _shared(contributions: np.ndarray, bias: np.ndarray, relevance: np.ndarray) -> np.ndarray:
    """Relevance `[outputs]` by shares of contributions `[inputs, outputs]` and a bias `[outputs]`."""
    return contributions @ (relevance / _stable(contributions.sum(0) + bias))


def _by_sign(x: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The positive and the negative contributions."""
    each = x[:, None] * matrix
    return np.maximum(each, 0), np.minimum(each, 0)


def epsilon(x, matrix, bias, relevance):
    return _shared(x[:, None] * matrix, bias, relevance)


def epsilon_without_bias(x, matrix, bias, relevance):
    return epsilon(x, matrix, 0 * bias, relevance)


def alpha_beta(x, matrix, bias, relevance, alpha=2.0, beta=1.0):
    """An output whose contributions have one sign gives all its relevance to these."""
    more, less = _by_sign(x, matrix)
    above, below = np.maximum(bias, 0), np.minimum(bias, 0)
    rising, falling = more.sum(0) + above > 0, less.sum(0) + below < 0
    up, down = np.where(falling, alpha, 1) * rising, np.where(rising, beta, -1) * falling
    return _shared(more, above, up * relevance) - _shared(less, below, down * relevance)


def z_plus(x, matrix, bias, relevance):
    return alpha_beta(x, matrix, bias, relevance, 1.0, 0.0)


def gamma(x, matrix, bias, relevance, gamma=0.25):
    """Each contribution of the output's sign counts 1 + γ times."""
    z = x @ matrix + bias
    each = x[:, None] * matrix
    strengthened = each * np.where(each * z > 0, 1 + gamma, 1)
    return _shared(strengthened, bias * np.where(bias * z > 0, 1 + gamma, 1), relevance)


def absolute(x, matrix, bias, relevance):
    return _shared(np.abs(x[:, None] * matrix), np.abs(bias), relevance)


def w_square(x, matrix, bias, relevance):
    del x
    return _shared(matrix**2, bias**2, relevance)


def flat(x, matrix, bias, relevance):
    """Zeros of the matrix are pairs that no weight joins."""
    del x
    return _shared((matrix != 0).astype(float), 0 * bias, relevance)


def z_box(x, matrix, bias, relevance, low=-2.0, high=3.0):
    del bias
    contributions = x[:, None] * matrix - low * np.maximum(matrix, 0) - high * np.minimum(matrix, 0)
    return _shared(contributions, np.zeros(matrix.shape[1]), relevance)

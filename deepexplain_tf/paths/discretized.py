"""Paths of words through other words of a vocabulary, for Discretized Integrated Gradients."""

import numpy as np
import numpy.typing as npt

from deepexplain_tf.arguments.arrays import rectangular
from deepexplain_tf.arguments.options import require, require_between
from deepexplain_tf.errors import InputError

_STRATEGIES = ("greedy", "maxcount")


def discretized(
    tokens: npt.ArrayLike,
    baseline: npt.ArrayLike,
    table: npt.ArrayLike,
    neighbours: npt.ArrayLike,
    *,
    n_words: int = 30,
    strategy: str = "greedy",
) -> np.ndarray:
    """Returns paths from the embeddings of baseline words to those of words, near embeddings of real words in between.

    The straight line between two words leads through points that no word has. Here each point is the embedding of a
    word, made monotonic: from a word w towards its baseline word b, the next word is a neighbour c of w that is not yet
    on the path and not b; of these the nearest to its monotonic point (`"greedy"`), or the one with most features in
    order (`"maxcount"`); where there is none, b itself. A feature of c that does not lie between the point before, v,
    and b is moved there, to v + (b − v) / n_words.

    With `layer=` the embedding, `path=` of `integrated_gradients` follows these points; `n_steps=n_words + 1` with
    `quadrature="left"` is the paper's own sum, and other quadratures take the integral along the same path.

    Args:
      tokens: whole numbers `[batch, length]`, rows of the table.
      baseline: such a number, `[length]` or `[batch, length]`, the word that each is compared with. A word that equals
        its baseline, as padding should, stays where it is.
      table: `[vocabulary, features]`, the embeddings.
      neighbours: whole numbers `[vocabulary, n_neighbours]`, near words of each, such as scikit-learn's
        `NearestNeighbors(n_neighbors=k).fit(table).kneighbors(return_distance=False)`.
      n_words: the number of words between the two ends, 1 … 10,000.
      strategy: `"greedy"` or `"maxcount"`.

    Returns:
      Points `[batch, n_words + 2, length, features]` in the dtype of the table, from the baseline to the words.

    Raises:
      InputError: arrays of another form, or numbers that are no rows of the table.
      OptionError: `n_words` or `strategy` out of range.

    References:
      Sanyal, Ren, *Discretized Integrated Gradients for Explaining Language Models*, EMNLP 2021,
      https://arxiv.org/abs/2108.13654.
    """
    require_between("n_words", 1, 10_000, n_words)
    known = isinstance(strategy, str) and strategy in _STRATEGIES
    require(known, "strategy", " or ".join(map(repr, _STRATEGIES)), strategy)
    embeddings = _read_table(table)
    words = _read_words("tokens", tokens, len(embeddings), "[batch, length]")
    near = _read_words("neighbours", neighbours, len(embeddings), "[vocabulary, n_neighbours]")
    if len(near) != len(embeddings):
        raise InputError(f"neighbours must have a row for each of {len(embeddings)} words. Got {len(near)}.")
    ends = _read_baseline(baseline, len(embeddings), words.shape)
    pairs, places = np.unique(np.stack([words.ravel(), ends.ravel()], 1), axis=0, return_inverse=True)
    paths = [_path(word, end, embeddings, near, n_words, strategy) for word, end in pairs.tolist()]
    found = np.stack(paths) if paths else np.empty((0, n_words + 2, embeddings.shape[1]), embeddings.dtype)
    return found[places.reshape(words.shape)].swapaxes(1, 2)


def _path(word: int, end: int, table: np.ndarray, near: np.ndarray, n_words: int, strategy: str) -> np.ndarray:
    """Returns the points `[n_words + 2, features]` from the embedding of the word `end` to that of `word`."""
    visited, points = [word], [table[word]]
    for _ in range(n_words):
        visited.append(_next(visited, end, table, near, n_words, strategy))
        points.append(_monotonic(points[-1], table[end], table[visited[-1]], n_words)[0])
    return np.stack([*points, table[end]])[::-1]


def _next(visited: list[int], end: int, table: np.ndarray, near: np.ndarray, n_words: int, strategy: str) -> int:
    """Returns the word after the last of those visited."""
    last = visited[-1]
    candidates = [] if last == end else [word for word in near[last].tolist() if word != end and word not in visited]
    if not candidates:
        return end
    moved, in_order = _monotonic(table[last], table[end], table[candidates], n_words)
    costs = {
        "greedy": lambda: np.linalg.norm((moved - table[candidates]).astype(np.float64), axis=1),
        "maxcount": lambda: -in_order.sum(1),
    }
    return candidates[int(np.argmin(costs[strategy]()))]


def _monotonic(start: np.ndarray, end: np.ndarray, words: np.ndarray, n_words: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns words `[..., features]` with all features between start and end, and which lay there before."""
    in_order = (np.minimum(start, end) <= words) & (words <= np.maximum(start, end))
    return np.where(in_order, words, start + (end - start) / n_words), in_order


def _read_table(given: npt.ArrayLike) -> np.ndarray:
    values = rectangular(given, "table")
    if values.dtype.kind in "biu" or not np.can_cast(values.dtype, np.float64, "same_kind") or values.ndim != 2:
        raise InputError(
            f"table must be floats [vocabulary, features], a row for each word. Got {values.dtype}{list(values.shape)}."
        )
    if not len(values) or not np.isfinite(values).all():
        raise InputError("table must have one or more words, with finite embeddings. Got none, NaN or an infinity.")
    return values


def _read_words(option: str, given: npt.ArrayLike, count: int, shape: str) -> np.ndarray:
    values = rectangular(given, option)
    if values.dtype.kind not in "iu" or values.ndim != 2:
        raise InputError(f"{option} must be whole numbers {shape}. Got {values.dtype}{list(values.shape)}.")
    _require_rows(option, values, count)
    return values


def _read_baseline(given: npt.ArrayLike, count: int, shape: tuple[int, ...]) -> np.ndarray:
    values = rectangular(given, "baseline")
    if values.dtype.kind not in "iu" or values.shape not in ((), shape[1:], shape):
        raise InputError(
            f"baseline must be a whole number, or such numbers {list(shape[1:])} or {list(shape)}. Got "
            f"{values.dtype}{list(values.shape)}."
        )
    _require_rows("baseline", values, count)
    return np.broadcast_to(values, shape)


def _require_rows(option: str, values: np.ndarray, count: int) -> None:
    wrong = values[(values < 0) | (values >= count)]
    if wrong.size:
        raise InputError(f"{option} must be rows of the table, 0 … {count - 1}. Got {wrong[0]}.")

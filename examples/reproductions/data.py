"""The data of the nets: handwritten digits, pictures of clothes, mails that are spam or not, photos."""

from collections import Counter
from collections.abc import Iterable, Sequence
import dataclasses
import email
import html
import json
import pathlib
import re

import numpy as np

from deepexplain_tf.errors import DeepExplainError
from reproductions import photos
from reproductions.packages import CLOTHES, DIGITS, MAILS, archive, members

WORDS = 5000  # the size of the vocabulary, with numbers for padding and for all other words
_OTHER = 1  # 0 is padding, in front of the words
_TEST_CLOTHES = 10_000
GARMENTS = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


@dataclasses.dataclass(frozen=True)
class Data:
    """Examples `[n, ...]` and their classes `[n]`, for training and for tests.

    Attributes:
      whole: booleans `[n]`, whether a test example has no padding, and so can be explained.
    """

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    whole: np.ndarray


def digits(folder: pathlib.Path) -> Data:
    """Returns MNIST, `[n, 28, 28, 1]` from -1 (background) to 1 (stroke), as Ancona et al. use it."""
    files = {pathlib.PurePath(name).name: content for name, content in members(archive(DIGITS, folder), "-ubyte")}
    x, test_x = (pixels(files[f"{part}-images-idx3-ubyte"]) for part in ("train", "t10k"))
    y, test_y = (idx(files[f"{part}-labels-idx1-ubyte"]).astype(np.int32) for part in ("train", "t10k"))
    return Data(x, y, test_x, test_y, np.ones(len(test_y), bool))


def clothes(folder: pathlib.Path) -> Data:
    """Returns Fashion-MNIST, `[n, 28, 28, 1]` from 0 (background) to 1; a tenth, drawn from all, is for tests.

    The package has all pictures by class, and does not tell which were the authors' own test pictures.
    """
    classes: dict[int, np.ndarray] = {}
    for name, content in members(archive(CLOTHES, folder), ".json"):
        if "/clothes/" in name:
            whole = [row for row in json.loads(content)["data"] if len(row) == 784]  # some are empty
            classes[int(pathlib.PurePath(name).stem)] = np.array(whole, np.uint8)
    x = np.concatenate([classes[label] for label in sorted(classes)])
    y = np.concatenate([np.full(len(classes[label]), label, np.int32) for label in sorted(classes)])
    order = np.random.default_rng(0).permutation(len(y))
    x, y = x[order].reshape(-1, 28, 28, 1).astype(np.float32) / 255, y[order]
    count = min(_TEST_CLOTHES, len(y) // 7)
    return Data(x[count:], y[count:], x[:count], y[:count], np.ones(count, bool))


def crops(folder: pathlib.Path) -> Data:
    """Returns crops of photos for EfficientNet-Lite0, with the classes that it sees; none is for training."""
    del folder  # the photos come with packages of Python
    x, seen = photos.crops()
    return Data(x[:0], seen[:0], x, seen, np.ones(len(seen), bool))


def measurements() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the rows of scikit-learn's breast cancer data, scaled, their classes, and zeros before the scaling."""
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    mean, deviation = x.mean(0), x.std(0)
    return ((x - mean) / deviation).astype(np.float32), y, (-mean / deviation).astype(np.float32)


def pixels(content: bytes) -> np.ndarray:
    """Returns the pictures of an IDX file as numbers from -1 to 1."""
    return (idx(content).astype(np.float32) / 127.5 - 1)[..., np.newaxis]


def idx(content: bytes) -> np.ndarray:
    """Returns the array of bytes that an IDX file holds.

    Raises:
      DeepExplainError: the content is not a whole IDX file of bytes.
    """
    rank = content[3] if content[:3] == b"\0\0\x08" else 0
    shape = np.frombuffer(content, ">i4", rank, 4) if len(content) >= 4 + 4 * rank else np.zeros(0, int)
    if not rank or len(content) != 4 + 4 * rank + shape.prod():
        raise DeepExplainError(f"an IDX file of bytes must be whole. Got {len(content)} bytes.")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def mails(length: int, folder: pathlib.Path) -> Data:
    """Returns the first words of SpamAssassin's mails as numbers `[n, length]`; class 1 is spam."""
    texts: dict[tuple[str, ...], int] = {}  # each text once: equal texts could fall into training and test
    for name, content in members(archive(MAILS, folder), ".json"):
        if re.search(r"/(spam|\w+-ham)-\d/", name):
            texts.setdefault(tuple(words(json.loads(content)["text"])[:length]), int("/spam-" in name))
    order = np.random.default_rng(0).permutation(len(texts))
    known = [list(texts)[place] for place in order]
    labels = np.fromiter(texts.values(), np.int32)[order]
    test = len(known) // 5
    numbers = vocabulary(known[test:])
    x = encoded(known, numbers, length)
    return Data(x[test:], labels[test:], x[:test], labels[:test], x[:test, 0] != 0)


def words(text: str) -> list[str]:
    """Returns the words of a mail's subject and text, in lower case."""
    mail = email.message_from_string(text)
    parts = [part for part in mail.walk() if part.get_content_maintype() == "text"]
    payloads = [part.get_payload(decode=True) for part in parts]
    body = " ".join(payload.decode("latin-1") for payload in payloads if isinstance(payload, bytes))
    bare = html.unescape(re.sub(r"<[^>]*>", " ", body))
    return re.findall(r"[a-z]+(?:'[a-z]+)?", f"{mail.get('Subject', '')} {bare}".lower())


def vocabulary(texts: Iterable[Sequence[str]]) -> dict[str, int]:
    """Returns the most frequent words with their numbers."""
    counts = Counter(word for text in texts for word in text)
    return {word: number for number, (word, _) in enumerate(counts.most_common(WORDS - 2), _OTHER + 1)}


def encoded(texts: Sequence[Sequence[str]], numbers: dict[str, int], length: int) -> np.ndarray:
    """Returns texts as numbers `[n, length]`, padded in front."""
    rows = np.zeros((len(texts), length), np.int32)
    for row, text in zip(rows, texts, strict=True):
        if text:
            row[-len(text) :] = [numbers.get(word, _OTHER) for word in text]
    return rows

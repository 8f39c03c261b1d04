import threading
import time

import pytest

from deepexplain_tf.datasets.ahead import ahead


def _numbers(read, closed):
    try:
        for number in range(100):
            read.append(number)
            yield number
    finally:
        closed.append(True)


def test_two_more_than_were_taken_are_read():
    read, closed = [], []
    with ahead(_numbers(read, closed)) as items:
        assert [next(items) for _ in range(3)] == [0, 1, 2]
        time.sleep(0.1)
        assert len(read) <= 3 + 2 + 1  # one more is at hand while two wait
    assert closed and threading.active_count() < 100
    assert not [thread for thread in threading.enumerate() if thread.name == "reading ahead"]


def test_all_items_in_their_order():
    with ahead(range(50)) as items:
        assert list(items) == list(range(50))


def test_an_error_comes_where_its_item_would():
    def failing():
        yield 1
        raise OSError("the file is gone")

    with ahead(failing()) as items:
        assert next(items) == 1
        with pytest.raises(OSError, match="the file is gone"):
            next(items)

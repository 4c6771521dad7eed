"""A crew does every piece, in any number of threads, and waits for none that does not come."""

import threading
import time

import pytest
import torch

from quadrivium.agents.compute.crew import Crew, blocks, one_torch_thread


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_results_come_in_the_order_of_the_pieces(threads, count):
    with Crew(threads) as crew:
        for _ in range(50):
            assert crew.run([lambda k=k: k * k for k in range(count)]) == [k * k for k in range(count)]


def test_a_helper_that_does_not_come_is_not_waited_for():
    with Crew(2) as crew:
        asleep, wake = threading.Event(), threading.Event()

        def piece(number):
            if threading.current_thread() is not threading.main_thread():
                asleep.set()
                wake.wait(10)  # as if the machine ran something else
            else:
                asleep.wait(10)  # until the helper has taken a piece
            return number

        began = time.perf_counter()
        assert crew.run([lambda k=k: piece(k) for k in range(2)]) == [0, 1]
        assert crew.run([lambda k=k: k for k in range(2)]) == [0, 1]  # it still sleeps
        assert time.perf_counter() - began < 5
        wake.set()


def test_helpers_take_their_share():
    with Crew(2) as crew:
        both = threading.Barrier(2, timeout=10)
        crew.run([both.wait, both.wait])  # returns only if two threads are there at once


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_a_piece_is_the_callers(threads):
    def fail():
        raise ValueError("no such row")

    with Crew(threads) as crew, pytest.raises(ValueError, match="no such row"):
        crew.run([fail, fail])


def test_torchs_threads_become_the_crews_and_come_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        count = threading.active_count()
        with Crew() as crew:
            assert threading.active_count() == count + 1
            assert set(crew.run([torch.get_num_threads] * 4)) == {1}
        assert threading.active_count() == count
        with one_torch_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_blocks_cover_every_row_once():
    assert blocks(7, 3) == [slice(0, 2), slice(2, 4), slice(4, 7)]
    assert blocks(6, 8) == [slice(0, 6)]
    assert blocks(0, 8) == [slice(0, 0)]

"""Freed memory stays with the process."""

import resource

import pytest
import torch

from quadrivium.agents.compute.heap import keep_freed_memory


def test_tensors_made_again_and_again_need_no_new_pages_from_the_system() -> None:
    if not keep_freed_memory():
        pytest.skip("this system's C library is not glibc")
    rounds, pages = 50, (4 << 20) // resource.getpagesize()  # of the tensor below, 4 MiB

    def faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(rounds):
            torch.empty(1 << 20, dtype=torch.float32).fill_(1)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    faults()
    assert faults() < rounds * pages / 10

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from quadrivium.agents.compute.devices import autocast, choose_device, download, upload
from quadrivium.agents.nets import NetConfig

CPU = torch.device("cpu")


def product_dtype(bf16):
    with autocast(CPU, bf16):
        return torch.mm(torch.ones(2, 2), torch.ones(2, 2)).dtype


def test_bf16_is_used_where_it_is_asked_for_and_nowhere_else():
    assert product_dtype(True) == torch.bfloat16
    assert product_dtype(False) == torch.float32


@pytest.mark.parametrize("instructions", [False, True])
def test_auto_uses_bf16_where_the_processor_has_instructions_for_it(monkeypatch, instructions):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: instructions)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert product_dtype("auto") == (torch.bfloat16 if instructions else torch.float32)


def test_a_small_mlp_stays_on_the_cpu_although_there_is_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto", NetConfig(trunk="mlp", width=64)) == "cpu"
    assert choose_device("auto", NetConfig(trunk="cnn", width=64)) == "cuda"
    assert choose_device("cpu", NetConfig(trunk="cnn", width=64)) == "cpu"


# ---- copies


@pytest.fixture
def cuda(monkeypatch):
    """A stand-in for CUDA that copies late: only when an event is waited for, and in order.

    `log` says what was called.
    """
    fake = SimpleNamespace(log=[], queue=[], device=SimpleNamespace(type="cuda"))
    copy, empty = torch.Tensor.copy_, torch.empty

    def pin_memory(tensor):
        fake.log.append("pin")
        return tensor.clone()

    def to(tensor, device, non_blocking=False):
        fake.log.append(f"to {device.type}, non_blocking={non_blocking}")
        there = empty(tensor.shape, dtype=tensor.dtype)
        fake.queue.append(lambda: copy(there, tensor))
        return there

    def copy_late(target, source, non_blocking=False):
        fake.log.append(f"copy, non_blocking={non_blocking}")
        fake.queue.append(lambda: copy(target, source.held))

    def pinned(*shape, pin_memory=False, **others):
        fake.log.append(f"empty, pin_memory={pin_memory}")
        return empty(*shape, **others)

    class Event:
        def record(self, stream):
            fake.log.append(f"record on {stream}")
            self.before = len(fake.queue)

        def synchronize(self):
            fake.log.append("synchronize")
            while fake.queue:
                fake.queue.pop(0)()

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin_memory)
    monkeypatch.setattr(torch.Tensor, "to", to)
    monkeypatch.setattr(torch.Tensor, "copy_", copy_late)
    monkeypatch.setattr(torch, "empty", pinned)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: "the stream in use")
    return fake


def test_an_array_may_be_written_to_while_its_copy_to_cuda_is_under_way(cuda):
    array = np.arange(4.0, dtype=np.float32)
    there = upload(array, cuda.device)
    array[:] = -1
    for run in cuda.queue:
        run()
    assert there.tolist() == [0, 1, 2, 3]
    assert cuda.log == ["pin", "to cuda, non_blocking=True"]


def test_what_comes_from_cuda_is_read_only_when_the_copies_are_done(cuda):
    there = [
        SimpleNamespace(device=cuda.device, shape=(2,), dtype=torch.float32, held=torch.tensor(values))
        for values in ([1.0, 2.0], [3.0, 4.0])
    ]
    take = download(there)
    assert "synchronize" not in cuda.log
    assert [array.tolist() for array in take()] == [[1, 2], [3, 4]]
    assert cuda.log == [
        *["empty, pin_memory=True"] * 2,
        *["copy, non_blocking=True"] * 2,
        "record on the stream in use",
        "synchronize",
    ]


def test_on_the_cpu_arrays_are_handed_on_as_they_are():
    array = np.arange(3.0)
    assert upload(array, CPU).numpy().ctypes.data == array.ctypes.data
    assert [one.tolist() for one in download([torch.arange(2), torch.ones(1)])()] == [[0, 1], [1.0]]

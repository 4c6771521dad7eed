import pytest
import torch

from quadrivium.agents.compute.devices import autocast, choose_device
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

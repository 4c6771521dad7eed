import pytest
import torch

from quadrivium.agents.compute.adam import LeanAdam
from quadrivium.agents.runs.state import optimizer_from_tensors, optimizer_to_tensors


def parameters() -> list[torch.nn.Parameter]:
    torch.manual_seed(0)
    return [torch.nn.Parameter(torch.randn(3, 4)), torch.nn.Parameter(torch.randn(5))]


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_apply_equals_torchs_fused_step_bit_for_bit(weight_decay: float):
    ours, theirs = parameters(), parameters()
    lean = LeanAdam(ours, lr=0.01, weight_decay=weight_decay)
    adam = torch.optim.Adam(theirs, lr=0.01, weight_decay=weight_decay, fused=True)
    for step in range(20):
        gradients = [torch.randn_like(p) for p in ours]
        lean.param_groups[0]["lr"] = adam.param_groups[0]["lr"] = 0.01 / (step + 1)
        lean.apply(gradients)
        for p, gradient in zip(theirs, gradients, strict=True):
            p.grad = gradient
        adam.step()
    assert all(torch.equal(p, q) for p, q in zip(ours, theirs, strict=True))
    saved, expected = optimizer_to_tensors(lean), optimizer_to_tensors(adam)
    assert all(torch.equal(saved[name], expected[name]) for name in expected if name[0].isdigit())


def test_a_restored_optimizer_goes_on_as_before():
    first, second = parameters(), parameters()
    original, restored = LeanAdam(first, lr=0.01), LeanAdam(second, lr=0.5)
    gradients = [torch.ones_like(p) for p in first]
    original.apply(gradients)
    with torch.no_grad():
        for p, q in zip(first, second, strict=True):
            q.copy_(p)
    optimizer_from_tensors(restored, optimizer_to_tensors(original))
    for optimizer in (original, restored):
        optimizer.apply(gradients)
    assert all(torch.equal(p, q) for p, q in zip(first, second, strict=True))

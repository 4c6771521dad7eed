"""Optimisers and random generators continue exactly where they were captured."""

import copy
import json
import random

import numpy as np
import pytest
import torch

from quadrivium.agents.runs.checkpoint import CheckpointError, Snapshot, load_checkpoint, save_checkpoint
from quadrivium.agents.runs.state import (
    capture_rng,
    optimizer_from_tensors,
    optimizer_to_tensors,
    restore_rng,
)


def draws(generator: np.random.Generator, noise: torch.Generator) -> list[float]:
    return [
        random.random(),
        random.gauss(0, 1),
        np.random.rand(),  # noqa: NPY002 - Stable-Baselines3 draws from the global generator
        np.random.randn(),  # noqa: NPY002
        torch.rand(1).item(),
        torch.randn(3).sum().item(),
        generator.normal(),
        float(generator.integers(1 << 40)),
        torch.rand(1, generator=noise).item(),
    ]


@pytest.mark.parametrize("bits", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_every_generator_continues_exactly_after_json(bits: str):
    generator = np.random.Generator(getattr(np.random, bits)(5))
    noise = torch.Generator().manual_seed(3)
    draws(generator, noise)  # leaves half-used gaussians behind
    state = json.loads(json.dumps(capture_rng(env=generator, noise=noise)))
    expected = draws(generator, noise)
    draws(generator, noise)
    restore_rng(state, env=generator, noise=noise)
    assert draws(generator, noise) == expected


def test_random_state_and_python_random_can_be_named():
    legacy, python = np.random.RandomState(1), random.Random(2)
    state = json.loads(json.dumps(capture_rng(legacy=legacy, python_random=python)))
    expected = legacy.randn(3).tolist(), python.random()
    restore_rng(state, legacy=legacy, python_random=python)
    assert (legacy.randn(3).tolist(), python.random()) == expected


def replace(path: str, value: object):
    def change(state: dict) -> None:
        *parents, last = path.split("/")
        for key in parents:
            state = state[key]
        state[last] = value

    change.__name__ = f"{path}={str(value)[:12]}"
    return change


MALFORMED = [
    replace("python", None),
    replace("python/words", [1, 2, 3]),
    replace("python/words", ["x"] * 625),
    replace("python/gauss", "1; import os"),
    replace("numpy", {"kind": "torch", "state": "00"}),
    replace("numpy/state/bit_generator", "os.system"),
    replace("numpy/state/state/key", {"dtype": "object", "values": [1]}),
    replace("numpy/state/state/key", {"dtype": "uint32", "values": [1, 2]}),
    replace("numpy/state/state/pos", 10**9),  # NumPy takes it, and crashes at the next draw
    replace("numpy/state/state/pos", -1),
    replace("numpy/state/state/pos", 1.5),
    replace("torch/state", "zz"),
    replace("torch/state", "00" * 16),
    replace("torch/state", 5),
    replace("torch_cuda", 5),
    replace("named/env/state", {}),
    replace("named/env/state/bit_generator", "MT19937"),
    replace("named/env/state/state/state", -1),
    replace("named/env/state/state/inc", [1]),
    replace("named", {}),
    replace("named", None),
]


@pytest.mark.parametrize("change", MALFORMED, ids=lambda change: change.__name__)
def test_a_malformed_state_is_one_line_and_changes_no_generator(change):
    generator = np.random.default_rng(0)
    before = capture_rng(env=generator)
    bad = copy.deepcopy(before)
    change(bad)
    random.random(), np.random.rand(), torch.rand(1), generator.random()  # noqa: NPY002
    now = capture_rng(env=generator)
    with pytest.raises(CheckpointError, match=r"rng\.json") as error:
        restore_rng(bad, env=generator)
    assert "\n" not in str(error.value)
    assert capture_rng(env=generator) == now


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))


def train(net: torch.nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    for index in range(steps):
        loss = net(torch.full((3, 4), 0.1 * index + 0.3)).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


OPTIMIZERS = {
    "adam": lambda net: torch.optim.Adam(net.parameters(), lr=3e-3, eps=1e-5, amsgrad=True),
    "adamw": lambda net: torch.optim.AdamW(net.parameters(), lr=torch.tensor(1e-2), betas=(0.8, 0.95)),
    "sgd": lambda net: torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True),
    "sgd without momentum": lambda net: torch.optim.SGD(net.parameters(), lr=0.01),
    "rmsprop": lambda net: torch.optim.RMSprop(net.parameters(), centered=True),
    "adagrad": lambda net: torch.optim.Adagrad(net.parameters()),
    "two groups": lambda net: torch.optim.Adam(
        [{"params": net[0].parameters(), "lr": 0.1}, {"params": net[2].parameters()}], lr=0.01
    ),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_training_continues_bit_for_bit_through_a_file(make, tmp_path):
    straight, first, second = network(), network(), network()
    optimizer = make(straight)
    train(straight, optimizer, 4)
    interrupted = make(first)
    train(first, interrupted, 4)
    for group in (*optimizer.param_groups, *interrupted.param_groups):
        group["lr"] = (
            group["lr"] * 0.5
        )  # a schedule was at work: the restored value counts, not the new one's
    save_checkpoint(tmp_path, Snapshot(4, dict(first.state_dict()), optimizer_to_tensors(interrupted)))
    loaded = load_checkpoint(tmp_path)
    resumed = make(second)
    second.load_state_dict(loaded.weights)
    optimizer_from_tensors(resumed, loaded.optimizer)
    train(straight, optimizer, 4)
    train(second, resumed, 4)
    for expected, actual in zip(straight.parameters(), second.parameters(), strict=True):
        assert torch.equal(expected, actual)
    hyper = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
    assert hyper == [{k: v for k, v in group.items() if k != "params"} for group in resumed.param_groups]


@pytest.mark.parametrize("fused", [False, True])
def test_channels_last_weights_continue_bit_for_bit(fused: bool, tmp_path):
    """A fused step pairs weights and moments by their place in memory, which a file does not keep."""

    def convolution() -> torch.nn.Module:
        torch.manual_seed(0)
        return torch.nn.Conv2d(3, 5, 3).to(memory_format=torch.channels_last)

    def descend(net: torch.nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
        for index in range(steps):
            optimizer.zero_grad()
            net(torch.linspace(0, index + 1, 3 * 36).reshape(1, 3, 6, 6)).square().sum().backward()
            optimizer.step()

    straight, resumed = convolution(), convolution()
    optimizer = torch.optim.AdamW(straight.parameters(), lr=1e-2, fused=fused)
    descend(straight, optimizer, 3)
    save_checkpoint(tmp_path, Snapshot(3, dict(straight.state_dict()), optimizer_to_tensors(optimizer)))
    loaded = load_checkpoint(tmp_path)
    again = torch.optim.AdamW(resumed.parameters(), lr=1e-2, fused=fused)
    resumed.load_state_dict(loaded.weights)
    optimizer_from_tensors(again, loaded.optimizer)
    descend(straight, optimizer, 3)
    descend(resumed, again, 3)
    for expected, actual in zip(straight.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(expected, actual)


def test_the_tensors_are_copies_both_ways():
    net = network()
    optimizer = OPTIMIZERS["adam"](net)
    train(net, optimizer, 1)
    tensors = optimizer_to_tensors(optimizer)
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    optimizer_from_tensors(optimizer, tensors)
    train(net, optimizer, 3)
    assert all(torch.equal(before[name], tensors[name]) for name in tensors)


def test_full_precision_moments_of_half_precision_weights_keep_their_bits():
    net = network().to(torch.bfloat16)
    optimizer = torch.optim.Adam(net.parameters())
    for parameter in net.parameters():
        optimizer.state[parameter] = {"step": torch.tensor(1.0), "exp_avg": torch.full(parameter.shape, 0.1)}
    tensors = optimizer_to_tensors(optimizer)
    optimizer_from_tensors(optimizer, tensors)
    parameter = next(net.parameters())
    assert optimizer.state[parameter]["exp_avg"].dtype == torch.float32
    assert torch.equal(optimizer.state[parameter]["exp_avg"], tensors["0.exp_avg"])


def test_another_networks_optimizer_is_refused_in_one_line():
    tensors = optimizer_to_tensors(OPTIMIZERS["adam"](network()))
    for other in (
        torch.nn.Linear(4, 8),
        torch.nn.Sequential(torch.nn.Linear(4, 9), torch.nn.Tanh(), torch.nn.Linear(9, 2)),
    ):
        with pytest.raises(CheckpointError, match="resume with the run's own config"):
            optimizer_from_tensors(torch.optim.Adam(other.parameters()), tensors)
    with pytest.raises(CheckpointError, match="4 parameters in 1 groups, expected 4 in 2"):
        optimizer_from_tensors(OPTIMIZERS["two groups"](network()), tensors)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{", b'{"groups": 1}', b'{"groups": [{"lr": {"x": 1}}]}', b"\xff"]
)
def test_malformed_hyper_parameters_are_one_line(text: bytes):
    optimizer = OPTIMIZERS["adam"](network())
    bad = {"param_groups.json": torch.tensor(list(text), dtype=torch.uint8)}
    with pytest.raises(CheckpointError, match="malformed"):
        optimizer_from_tensors(optimizer, bad)
    with pytest.raises(CheckpointError, match="malformed"):
        optimizer_from_tensors(optimizer, {})


def test_an_optimizer_with_lists_is_refused():
    net = network()
    optimizer = torch.optim.LBFGS(net.parameters())

    def closure() -> torch.Tensor:
        loss = net(torch.ones(1, 4)).square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    with pytest.raises(TypeError, match="LBFGS keeps"):
        optimizer_to_tensors(optimizer)


@pytest.mark.parametrize(
    ("bits", "path", "value"),
    [
        ("MT19937", "state/key", {"dtype": "uint64", "values": [1] * 624}),
        ("Philox", "buffer_pos", 5),
        ("Philox", "buffer", {"dtype": "uint64", "values": [1]}),
        ("Philox", "state/counter", {"dtype": "uint64", "values": []}),
        ("SFC64", "state/state", {"dtype": "uint64", "values": [1, 2]}),
        ("PCG64", "has_uint32", 7),
    ],
)
def test_positions_and_sizes_that_numpy_would_not_check_are_refused(bits: str, path: str, value: object):
    generator = np.random.Generator(getattr(np.random, bits)(1))
    state = capture_rng(env=generator)
    replace(path, value)(state["named"]["env"]["state"])
    with pytest.raises(CheckpointError, match="malformed"):
        restore_rng(state, env=generator)

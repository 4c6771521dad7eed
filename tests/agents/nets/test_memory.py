"""Memories against their formulas step by step, against torch's own cells, and against autograd."""

import math

import pytest
import torch
from torch import nn

from quadrivium.agents.nets import Memory, NetConfig
from quadrivium.agents.nets.gated_transformer import GatedBlock

KINDS = ("gru", "lstm", "gtrxl")
LANES, TIME, FEATURES, WIDTH = 5, 11, 7, 8
SMALL = {"memory_width": WIDTH, "memory_depth": 2, "memory_length": 4, "heads": 2}


def make(kind, **changes):
    torch.manual_seed(3)
    memory = Memory(FEATURES, NetConfig(memory=kind, **(SMALL | changes)))
    with torch.no_grad():
        for parameter in memory.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return memory


def sequence(memory, seed=0, begun=3):
    """Returns steps, the state after `begun` others, and where episodes begin: in every lane elsewhere."""
    draw = torch.Generator().manual_seed(seed)
    state = torch.zeros(LANES, memory.state_size)
    if begun:
        state = memory(torch.randn(LANES, begun, FEATURES, generator=draw), state)[1]
    starts = torch.rand(LANES, TIME, generator=draw) < 0.25
    starts[0], starts[1] = False, True
    return torch.randn(LANES, TIME, FEATURES, generator=draw), state, starts


def step_by_step(memory, steps, state, starts):
    said = []
    for t in range(steps.shape[1]):
        state = state.masked_fill(starts[:, t : t + 1], 0.0)
        features, state = memory(steps[:, t : t + 1], state)
        said.append(features)
    return torch.cat(said, 1), state


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("begun", [0, 3, 9])
def test_a_sequence_says_what_its_steps_say_one_by_one_with_the_state_zeroed_where_episodes_begin(
    kind, begun
):
    memory = make(kind)
    steps, state, starts = sequence(memory, begun=begun)
    with torch.no_grad():
        said, after = memory(steps, state, starts)
        expected, state_then = step_by_step(memory, steps, state, starts)
        torch.testing.assert_close(said, expected, atol=1e-5, rtol=1e-5)
        later = torch.randn(LANES, 3, FEATURES)
        torch.testing.assert_close(
            memory(later, after)[0], memory(later, state_then)[0], atol=1e-5, rtol=1e-5
        )


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_before_an_episodes_first_step_is_heard_and_everything_since_is(kind):
    memory = make(kind)
    steps, state, _ = sequence(memory)
    starts = torch.zeros(LANES, TIME, dtype=torch.bool)
    starts[:, 6] = True
    other = steps.clone()
    other[:, :6] += 1
    with torch.no_grad():
        said, changed = memory(steps, state, starts)[0], memory(other, state * 2, starts)[0]
        assert torch.equal(said[:, 6:], changed[:, 6:])
        assert (said[:, :6] != changed[:, :6]).any(-1).all()
        fresh = memory(steps[:, 6:], torch.zeros_like(state))[0]
    torch.testing.assert_close(said[:, 6:], fresh, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_lanes_do_not_hear_each_other(kind):
    memory = make(kind)
    steps, state, starts = sequence(memory)
    with torch.no_grad():
        together = memory(steps, state, starts)
        for lane in range(LANES):
            row = slice(lane, lane + 1)
            alone = memory(steps[row], state[row], starts[row])
            for ours, all_of_it in zip(alone, together, strict=True):
                torch.testing.assert_close(ours, all_of_it[row], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("kind", "peer"), [("gru", nn.GRU), ("lstm", nn.LSTM)])
def test_recurrent_cells_and_their_gradients_are_torchs_own(kind, peer):
    memory = make(kind)
    other, cell = peer(FEATURES, WIDTH, batch_first=True), memory.cell
    steps, state, _ = sequence(memory)
    ours = [cell.of_input.weight, cell.of_state.weight, cell.of_input.bias, cell.of_state.bias]
    with torch.no_grad():
        for own, theirs in zip(ours, other.parameters(), strict=True):
            theirs.copy_(own)
    begin = state[None] if kind == "gru" else tuple(part[None].contiguous() for part in state.chunk(2, 1))
    inputs = [steps.clone().requires_grad_() for _ in range(2)]
    said, expected = memory(inputs[0], state)[0], other(inputs[1], begin)[0]
    torch.testing.assert_close(said, expected, atol=1e-6, rtol=1e-5)
    slope = torch.randn_like(said)
    found = torch.autograd.grad(said, [inputs[0], *ours], slope)
    theirs = torch.autograd.grad(expected, [inputs[1], *other.parameters()], slope)
    for own, true in zip(found, theirs, strict=True):
        torch.testing.assert_close(own, true, atol=1e-5, rtol=1e-4)


def naive_gru(cell, x, h):
    (r, z, n), (hr, hz, hn) = cell.of_input(x).chunk(3, 1), cell.of_state(h).chunk(3, 1)
    r, z = torch.sigmoid(r + hr), torch.sigmoid(z + hz)
    h = (1 - z) * torch.tanh(n + r * hn) + z * h
    return h, h


def naive_lstm(cell, x, state):
    h, c = state.chunk(2, 1)
    i, f, g, o = (cell.of_input(x) + cell.of_state(h)).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return h, torch.cat([h, c], 1)


@pytest.mark.parametrize(("kind", "naive"), [("gru", naive_gru), ("lstm", naive_lstm)])
def test_the_gradient_by_hand_is_that_of_backpropagation_through_every_step(kind, naive):
    """Where an episode begins the state is zeroed, and no gradient flows back across it."""
    memory = make(kind)
    steps, state, starts = sequence(memory)
    inputs = [steps.clone().requires_grad_() for _ in range(2)]
    said = memory(inputs[0], state, starts)[0]
    carried, expected = state, []
    for t in range(TIME):
        carried = torch.where(starts[:, t : t + 1], torch.zeros_like(carried), carried)
        out, carried = naive(memory.cell, inputs[1][:, t], carried)
        expected.append(out)
    expected = torch.stack(expected, 1)
    torch.testing.assert_close(said, expected, atol=1e-6, rtol=1e-5)
    slope, parameters = torch.randn_like(said), list(memory.parameters())
    found = torch.autograd.grad(said, [inputs[0], *parameters], slope)
    true = torch.autograd.grad(expected, [inputs[1], *parameters], slope)
    for ours, theirs in zip(found, true, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def attend_alone(block: GatedBlock, x, seen, ages):
    """One head after the other, one step of one lane: x (D,), seen (K, D) and how long ago (K,) each was."""
    width, heads = len(x), block.heads
    size = width // heads
    query, keys = block.query(block.norm_attention(x)), block.norm_attention(seen)
    key, value = block.key_value(keys).chunk(2, -1)
    frequencies = 10_000.0 ** (-torch.arange(0, width, 2) / width)
    mixed = []
    for head in range(heads):
        own = slice(head * size, (head + 1) * size)
        scores = []
        for k, age in enumerate(ages):
            angles = age * frequencies
            place = block.place(torch.cat([angles.sin(), angles.cos()]))[own]
            content = (query[own] + block.content_bias[head, 0]) @ key[k, own]
            scores.append((content + (query[own] + block.place_bias[head, 0]) @ place) / math.sqrt(size))
        mixed.append(torch.softmax(torch.stack(scores), 0) @ value[:, own])
    x = gated(block.gate_attention, x, torch.relu(block.project(torch.cat(mixed))))
    return gated(block.gate_feed_forward, x, torch.relu(block.feed_forward(block.norm_feed_forward(x))))


def gated(gate, x, y):
    """Parisotto et al. 2020, section 3.2."""
    w_r, w_z, w_g = gate.of_new.weight.chunk(3)
    u_r, u_z = gate.of_old.weight.chunk(2)
    r, z = torch.sigmoid(w_r @ y + u_r @ x), torch.sigmoid(w_z @ y + u_z @ x - gate.bias)
    return (1 - z) * x + z * torch.tanh(w_g @ y + gate.of_kept.weight @ (r * x))


def test_the_gated_transformer_and_its_gradient_are_the_papers_step_by_step():
    """Each block attends to the last four of its episode's inputs and the step itself, whatever is in
    between.
    """
    memory = make("gtrxl")
    steps, _, starts = sequence(memory, begun=0)
    said = memory(steps, torch.zeros(LANES, memory.state_size), starts)[0]
    expected = []
    for lane in range(LANES):
        inputs = [memory.cell.embed(step) for step in steps[lane]]
        for block in memory.cell.blocks:
            outputs = []
            for t in range(TIME):
                begins = max((s for s in range(t + 1) if starts[lane, s]), default=0)
                moments = range(max(begins, t - 4), t + 1)
                seen = torch.stack([inputs[s] for s in moments])
                outputs.append(attend_alone(block, inputs[t], seen, [t - s for s in moments]))
            inputs = outputs
        expected.append(torch.stack(inputs))
    expected = torch.stack(expected)
    torch.testing.assert_close(said, expected, atol=1e-5, rtol=1e-4)
    slope, parameters = torch.randn_like(said), list(memory.parameters())
    found = torch.autograd.grad(said, parameters, slope)
    for ours, theirs in zip(found, torch.autograd.grad(expected, parameters, slope), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)


def test_the_gated_transformer_looks_back_depth_times_length_steps_and_no_further():
    memory, steps = make("gtrxl"), torch.randn(1, 12, FEATURES)
    state = torch.zeros(1, memory.state_size)
    with torch.no_grad():
        said = memory(steps, state)[0][0, -1]
        for ago, heard in ((8, True), (9, False)):  # two blocks of four steps
            other = steps.clone()
            other[0, 11 - ago] += 1
            assert torch.equal(memory(other, state)[0][0, -1], said) != heard


def test_what_a_state_of_zeros_does_not_count_is_never_heard():
    memory = make("gtrxl")
    state = torch.full((1, memory.state_size), 9.0)
    state[0, -1] = 0  # remembered steps
    steps = torch.randn(1, 2, FEATURES)
    with torch.no_grad():
        assert torch.equal(memory(steps, state)[0], memory(steps, torch.zeros_like(state))[0])


@pytest.mark.parametrize("kind", KINDS)
def test_autocast_leaves_a_memory_in_float32(kind):
    memory = make(kind)
    steps, state, starts = sequence(memory)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        said, after = memory(steps, state, starts)
    assert said.dtype == after.dtype == torch.float32
    with torch.no_grad():
        assert torch.equal(said, memory(steps, state, starts)[0])


def test_a_width_that_heads_do_not_divide_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"net\.memory_width=10 .* net\.heads=4; try memory_width=12\.$"):
        make("gtrxl", memory_width=10, heads=4)

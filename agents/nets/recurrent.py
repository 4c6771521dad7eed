"""Recurrent cells over sequences in which episodes begin anywhere, differentiated by hand.

A sequence is cut where episodes begin, and all pieces are stepped side by side, the longest first: the t-th
step is of those that have one. The input's part of all steps is one matrix product, and so are the
derivatives by all weights; what is left for a step is one product and a handful of operations in place.
torch.nn.GRU and LSTM know no episode that begins within a sequence, and are slower on packed pieces
(benchmarks/memory_speed.py --cells).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

_MINUS_ONE = torch.tensor(-1.0)


class _Cell(nn.Module):
    """Weights in the layout of torch.nn.GRU and LSTM: gates below each other."""

    def __init__(self, features: int, width: int, gates: int) -> None:
        super().__init__()
        self.width = width
        self.of_input, self.of_state = nn.Linear(features, gates * width), nn.Linear(width, gates * width)
        for linear in (self.of_input, self.of_state):
            for gate in linear.weight.chunk(gates):
                nn.init.orthogonal_(gate)
            nn.init.zeros_(linear.bias)

    def _weights(self) -> tuple[Tensor, ...]:
        return (*self.of_input.parameters(), *self.of_state.parameters())


class Gru(_Cell):
    """A gated recurrent unit; its state is what it last said.

    r, z = σ(W x + U h);  n = tanh(W x + r ∘ (U h));  h' = (1 − z) ∘ n + z ∘ h, with a bias beside each
    matrix.
    Source: Cho et al. 2014, with r after the product, as cuDNN and torch have it.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__(features, width, 3)
        self.state_size = width

    def forward(self, steps: Tensor, state: Tensor, starts: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns what it says (B, T, W) and its state (B, W); see `Memory`."""
        pieces = _cut(steps, starts)
        begin = pieces.begin(state)
        said: Tensor = _GruSteps.apply(steps, begin, pieces, *self._weights())  # pyright: ignore
        return said, said[:, -1].detach()


class Lstm(_Cell):
    """Long short-term memory; its state is what it last said beside its cells.

    i, f, o = σ(W x + U h);  g = tanh(W x + U h);  c' = f ∘ c + i ∘ g;  h' = o ∘ tanh(c').
    The forget gate begins open, with a bias of 1 (Jozefowicz et al. 2015). Source: Gers et al. 2000.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__(features, width, 4)
        self.state_size = 2 * width
        nn.init.ones_(self.of_input.bias.chunk(4)[1])

    def forward(self, steps: Tensor, state: Tensor, starts: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns what it says (B, T, W) and its state (B, 2W); see `Memory`."""
        pieces = _cut(steps, starts)
        before = pieces.begin(state).split(self.width, 1)
        said, cells = _LstmSteps.apply(steps, *before, pieces, *self._weights())  # pyright: ignore
        return said, torch.cat([said[:, -1].detach(), cells[:, -1]], 1)


class _Pieces(NamedTuple):
    """How Q pieces of sequences (B, T) are stepped side by side: by step, the longest piece first."""

    sizes: list[int]  # of each step: pieces that have one
    rows: Tensor | None = None  # (B * T,) int64, lane by lane, where each row is from; None: as they are
    places: Tensor | None = None  # (B * T,) int64, where each went
    lanes: Tensor | None = None  # (Q,) int64, in which each piece is
    fresh: Tensor | None = None  # (Q, 1) bool, whether it begins an episode

    def begin(self, state: Tensor) -> Tensor:
        """Returns the states (Q, S) before the pieces from those (B, S) before the sequences."""
        if self.lanes is None or self.fresh is None:
            return state
        return state.index_select(0, self.lanes).masked_fill_(self.fresh, 0.0)

    def put(self, steps: Tensor) -> Tensor:
        """Returns the rows (B * T, F) of steps (B, T, F)."""
        flat = steps.flatten(0, 1)
        return flat if self.rows is None else flat.index_select(0, self.rows)

    def back(self, rows: Tensor, like: Tensor) -> Tensor:
        """Returns the steps (B, T, F) of rows (B * T, F); like: (B, T, ...)."""
        rows = rows if self.places is None else rows.index_select(0, self.places)
        return rows.view(*like.shape[:2], -1)

    def before(self, begin: Tensor, said: Tensor) -> Tensor:
        """Returns what was said one step earlier, of each row (B * T, W); begin: (Q, W) before the first."""
        earlier = zip(said.split(self.sizes), self.sizes[1:], strict=False)
        return torch.cat([begin, *(rows[:size] for rows, size in earlier)])


def _cut(steps: Tensor, starts: Tensor | None) -> _Pieces:
    """Returns the pieces of sequences (B, T, ...) between starts (B, T)."""
    lanes, time = steps.shape[:2]
    if time == 1 and starts is None:
        return _Pieces([lanes])
    device = steps.device
    begins = torch.zeros((lanes, time), dtype=torch.bool, device=device) if starts is None else starts.clone()
    fresh = begins.flatten()
    begins = begins.index_fill(1, torch.zeros(1, dtype=torch.int64, device=device), True)
    first = begins.flatten().nonzero()[:, 0]  # (Q,)
    lengths, order = first.diff(append=first.new_tensor([lanes * time])).sort(descending=True, stable=True)
    first, moments = first[order], torch.arange(int(lengths[0]), device=device)
    step, piece = (lengths > moments[:, None]).nonzero().unbind(1)  # of each row
    rows = first[piece] + step
    places = torch.empty_like(rows)
    places[rows] = torch.arange(len(rows), device=device)
    return _Pieces(torch.bincount(step).tolist(), rows, places, first // time, fresh[first].unsqueeze(1))


def _by_weights(slope: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the derivatives by weight and bias from those by the gates (K, G); inputs (K, F)."""
    return slope.t() @ inputs, slope.sum(0)


def _doubled(weight: Tensor, gates: slice) -> Tensor:
    """Returns a copy with some gates' rows doubled: tanh(x) is 2 σ(2x) − 1, as in `layers.Tanh`."""
    weight = weight.clone()
    weight[gates].mul_(2)
    return weight


class _GruSteps(torch.autograd.Function):
    """The steps of a GRU; nothing flows into the state that they begin with."""

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, steps: Tensor, begin: Tensor, pieces: _Pieces, w: Tensor, b: Tensor, u: Tensor, c: Tensor
    ) -> Tensor:
        width, sizes = u.shape[1], pieces.sizes
        last = slice(2 * width, None)
        x = pieces.put(steps)  # (K, P)
        given = torch.addmm(_doubled(b, last), x, _doubled(w, last).t())  # (K, 3W)
        by_state, bias = _doubled(u, last).t(), _doubled(c, last)
        new, said = x.new_empty(len(x), width), x.new_empty(len(x), width)
        gates = torch.empty_like(given)  # r, z, 2 U h of n
        columns = (
            *(new, said, gates, gates[:, : 2 * width], *gates.split(width, 1)),
            *(given[:, : 2 * width], given[:, last]),
        )
        h = begin
        for size, *parts in zip(sizes, *(column.split(sizes) for column in columns), strict=True):
            n, end, gate, switches, r, z, of_state, to_switches, to_new = parts
            h = h[:size]
            torch.addmm(bias, h, by_state, out=gate)
            switches.add_(to_switches).sigmoid_()
            torch.addcmul(to_new, r, of_state, out=n).sigmoid_()
            torch.add(_MINUS_ONE, n, alpha=2, out=n)
            h = torch.lerp(n, h, z, out=end)
        ctx.pieces = pieces
        ctx.save_for_backward(x, begin, new, said, gates, w, u)
        return pieces.back(said, steps)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore
        x, begin, new, said, gates, w, u = ctx.saved_tensors
        pieces: _Pieces = ctx.pieces
        before = pieces.before(begin, said)
        r, z, of_state = gates.split(u.shape[1], 1)
        by_n = (1 - z).mul_(1 - new.square())
        # dh times these are the derivatives by what the state's matrix said to r, z and n
        of_h = torch.stack([by_n * of_state * (r * (1 - r) / 2), (before - new) * z * (1 - z), by_n * r], 1)
        slopes = pieces.put(slope)  # (K, W): dh, to which the step after each adds
        slopes = slopes.clone() if pieces.rows is None else slopes
        by_state = torch.empty_like(of_h)  # (K, 3, W)
        columns = (slopes, slopes.unsqueeze(1), z, of_h, by_state, by_state.flatten(1))
        rows = list(zip(*(column.split(pieces.sizes) for column in columns), strict=True))
        for t in range(len(rows) - 1, -1, -1):
            d_h, broad, stays, factors, own, to_gates = rows[t]
            torch.mul(broad, factors, out=own)
            if t:
                rows[t - 1][0][: len(d_h)].add_(torch.mul(d_h, stays).addmm_(to_gates, u))
        by_input = by_state.clone()
        torch.mul(slopes, by_n, out=by_input[:, 2])
        by_state, by_input = by_state.flatten(1), by_input.flatten(1)
        by_steps = pieces.back(by_input @ w, slope) if ctx.needs_input_grad[0] else None
        return by_steps, None, None, *_by_weights(by_input, x), *_by_weights(by_state, before)


class _LstmSteps(torch.autograd.Function):
    """The steps of an LSTM, and its cells; nothing flows into the state that they begin with."""

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,
        steps: Tensor,
        begin: Tensor,
        begin_cells: Tensor,
        pieces: _Pieces,
        w: Tensor,
        b: Tensor,
        u: Tensor,
        c: Tensor,
    ) -> tuple[Tensor, Tensor]:
        width, sizes = u.shape[1], pieces.sizes
        third = slice(2 * width, 3 * width)
        x = pieces.put(steps)  # (K, P)
        gates = torch.addmm(_doubled(b + c, third), x, _doubled(w, third).t())  # (K, 4W)
        by_state = _doubled(u, third).t()
        cells, tanh, said = (x.new_empty(len(x), width) for _ in range(3))
        columns = (cells, tanh, said, gates, *gates.split(width, 1))
        h, held = begin, begin_cells
        for size, *parts in zip(sizes, *(column.split(sizes) for column in columns), strict=True):
            cell, squashed, end, gate, i, f, g, o = parts
            gate.addmm_(h[:size], by_state).sigmoid_()
            torch.add(_MINUS_ONE, g, alpha=2, out=g)
            held = torch.mul(f, held[:size], out=cell).addcmul_(i, g)
            torch.add(held, held, out=squashed).sigmoid_()
            torch.add(_MINUS_ONE, squashed, alpha=2, out=squashed)
            h = torch.mul(o, squashed, out=end)
        ctx.pieces = pieces
        ctx.save_for_backward(x, begin, begin_cells, cells, tanh, said, gates, w, u)
        all_cells = pieces.back(cells, steps)
        ctx.mark_non_differentiable(all_cells)
        return pieces.back(said, steps), all_cells

    @staticmethod
    def backward(ctx: Any, slope: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore
        x, begin, begin_cells, cells, tanh, said, gates, w, u = ctx.saved_tensors
        pieces: _Pieces = ctx.pieces
        width = u.shape[1]
        i, f, g, o = gates.split(width, 1)
        through = o * (1 - tanh.square())  # from dh to dc
        old = pieces.before(begin_cells, cells)
        of_cells = torch.stack([g * i * (1 - i), old * f * (1 - f), i * (1 - g.square())], 1)  # (K, 3, W)
        slopes = pieces.put(slope)
        by_gates = torch.empty_like(gates)  # (K, 4W)
        columns = (
            *(slopes, through, of_cells, tanh * o * (1 - o), f, by_gates),
            *(by_gates[:, : 3 * width].unflatten(1, (3, -1)), by_gates[:, 3 * width :]),
        )
        rows = list(zip(*(column.split(pieces.sizes) for column in columns), strict=True))
        d_h = d_cells = slopes[:0]  # of the step after, whose pieces are fewer
        for own_slope, to_cells, factors, to_output, stays, own, three, fourth in reversed(rows):
            d_h = _added(own_slope, d_h)
            d_cells = _added(d_h * to_cells, d_cells)
            torch.mul(d_cells.unsqueeze(1), factors, out=three)
            torch.mul(d_h, to_output, out=fourth)
            d_h, d_cells = own @ u, d_cells * stays
        by_steps = pieces.back(by_gates @ w, slope) if ctx.needs_input_grad[0] else None
        by_w, by_b = _by_weights(by_gates, x)
        by_u, by_c = _by_weights(by_gates, pieces.before(begin, said))
        return by_steps, None, None, None, by_w, by_b, by_u, by_c


def _added(rows: Tensor, first: Tensor) -> Tensor:
    """Returns rows (K, W) with `first` (at most K, W) added to the first of them."""
    if len(first) == len(rows):
        return first.add_(rows)
    rows = rows.clone()
    rows[: len(first)].add_(first)
    return rows

"""Recurrent cells over whole sequences in which episodes begin anywhere, differentiated by hand.

The input's part of all steps is one matrix product, and so are the derivatives by all weights. What is left for
each step is one product and a handful of operations in place: autograd over the same steps takes twice as long,
and torch.nn.GRU knows no episode that begins within a sequence (see benchmarks/memory_speed.py).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_MINUS_ONE = torch.tensor(-1.0)


class _Cell(nn.Module):
    """Weights in the layout of torch.nn.GRU and LSTM: gates below each other."""

    def __init__(self, features: int, width: int, gates: int) -> None:
        super().__init__()
        self.of_input, self.of_state = nn.Linear(features, gates * width), nn.Linear(width, gates * width)
        for linear in (self.of_input, self.of_state):
            for gate in linear.weight.chunk(gates):
                nn.init.orthogonal_(gate)
            nn.init.zeros_(linear.bias)

    def _weights(self) -> tuple[Tensor, ...]:
        return (*self.of_input.parameters(), *self.of_state.parameters())


class Gru(_Cell):
    """A gated recurrent unit; its state is what it last said.

    r, z = σ(W x + U h);  n = tanh(W x + r ∘ (U h));  h' = (1 − z) ∘ n + z ∘ h, with a bias beside each matrix.
    Source: Cho et al. 2014, with r after the product, as cuDNN and torch have it.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__(features, width, 3)
        self.state_size = width

    def forward(self, steps: Tensor, state: Tensor, starts: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns what it says (B, T, W) and its state (B, W); see `Memory`."""
        said: Tensor = _GruSteps.apply(steps, state, _kept(starts), *self._weights())  # pyright: ignore
        return said, said[:, -1].detach()


class Lstm(_Cell):
    """Long short-term memory; its state is what it last said beside its cells.

    i, f, o = σ(W x + U h);  g = tanh(W x + U h);  c' = f ∘ c + i ∘ g;  h' = o ∘ tanh(c').
    The forget gate begins open, with a bias of 1 (Jozefowicz et al. 2015). Source: Gers et al. 2000.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__(features, width, 4)
        self.width, self.state_size = width, 2 * width
        nn.init.ones_(self.of_input.bias.chunk(4)[1])

    def forward(self, steps: Tensor, state: Tensor, starts: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns what it says (B, T, W) and its state (B, 2W); see `Memory`."""
        before = state.split(self.width, 1)
        said, cells = _LstmSteps.apply(steps, *before, _kept(starts), *self._weights())  # pyright: ignore
        return said, torch.cat([said[:, -1].detach(), cells], 1)


def _kept(starts: Tensor | None) -> Tensor | None:
    """Returns what each step leaves of the state before it, (T, B, 1): 0 where an episode begins, else 1."""
    return None if starts is None else 1.0 - starts.t().float().unsqueeze(2)


def _leading(steps: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Returns steps (B, T, P) step-major (T, B, P), and the input's part of their gates (T, B, G)."""
    steps = steps.transpose(0, 1).contiguous()
    return steps, torch.addmm(bias, steps.flatten(0, 1), weight.t()).view(*steps.shape[:2], -1)


def _by_weights(slope: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the derivatives by weight and bias from those by the gates (T, B, G); inputs (T, B, F)."""
    slope = slope.flatten(0, 1)
    return slope.t() @ inputs.flatten(0, 1), slope.sum(0)


def _doubled(weight: Tensor, gates: slice) -> Tensor:
    """Returns a copy with some gates' rows doubled: tanh(x) is 2 σ(2x) − 1, as in `layers.Tanh`."""
    weight = weight.clone()
    weight[gates].mul_(2)
    return weight


def _begin(state: Tensor, kept: Tensor | None, t: int, out: Tensor) -> Tensor:
    """Returns what step t knows of the state before it, written to `out`."""
    return out.copy_(state) if kept is None else torch.mul(state, kept[t], out=out)


class _GruSteps(torch.autograd.Function):
    """The steps of a GRU; nothing flows into the state that they begin with."""

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, steps: Tensor, h: Tensor, kept: Tensor | None, w: Tensor, b: Tensor, u: Tensor, c: Tensor
    ) -> Tensor:
        width = u.shape[1]
        last = slice(2 * width, None)
        steps, given = _leading(steps, _doubled(w, last), _doubled(b, last))  # (T, B, P), (T, B, 3W)
        by_state, bias = _doubled(u, last).t(), _doubled(c, last)
        before, new, said = (steps.new_empty(*steps.shape[:2], width) for _ in range(3))
        gates = torch.empty_like(given)  # r, z, 2 U h of n
        rows = zip(
            *(before.unbind(), new.unbind(), said.unbind(), gates.unbind(), gates[..., : 2 * width].unbind()),
            *(part.unbind() for part in gates.split(width, 2)),
            *(given[..., : 2 * width].unbind(), given[..., last].unbind()),
            strict=True,
        )
        for t, (start, n, end, gate, switches, r, z, of_state, to_switches, to_new) in enumerate(rows):
            h = _begin(h, kept, t, start)
            torch.addmm(bias, h, by_state, out=gate)
            switches.add_(to_switches).sigmoid_()
            torch.addcmul(to_new, r, of_state, out=n).sigmoid_()
            torch.add(_MINUS_ONE, n, alpha=2, out=n)
            h = torch.lerp(n, h, z, out=end)
        ctx.kept = kept
        ctx.save_for_backward(steps, before, new, gates, w, u)
        return said.transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore
        steps, before, new, gates, w, u = ctx.saved_tensors
        r, z, of_state = gates.split(u.shape[1], 2)
        by_n = (1 - z).mul_(1 - new.square())
        # dh times these are the derivatives by what the state's matrix said to r, z and n
        of_h = torch.stack([by_n * of_state * (r * (1 - r) / 2), (before - new) * z * (1 - z), by_n * r], 2)
        slopes = slope.transpose(0, 1).clone(memory_format=torch.contiguous_format)  # (T, B, W): dh
        by_state = torch.empty_like(of_h)  # (T, B, 3, W)
        wide, flat = slopes.unsqueeze(2).unbind(), by_state.flatten(2).unbind()
        rows = list(zip(slopes.unbind(), wide, z.unbind(), of_h.unbind(), by_state.unbind(), flat, strict=True))
        for t in range(len(rows) - 1, -1, -1):
            d_h, broad, stays, factors, own, to_gates = rows[t]
            torch.mul(broad, factors, out=own)
            if t:
                back = torch.mul(d_h, stays).addmm_(to_gates, u)
                earlier = rows[t - 1][0]
                earlier.add_(back) if ctx.kept is None else earlier.addcmul_(back, ctx.kept[t])
        by_input = by_state.clone()
        torch.mul(slopes, by_n, out=by_input[:, :, 2])
        by_state, by_input = by_state.flatten(2), by_input.flatten(2)
        by_steps = (by_input @ w).transpose(0, 1) if ctx.needs_input_grad[0] else None
        return by_steps, None, None, *_by_weights(by_input, steps), *_by_weights(by_state, before)


class _LstmSteps(torch.autograd.Function):
    """The steps of an LSTM, and its last cells; nothing flows into the state that they begin with."""

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,
        steps: Tensor,
        h: Tensor,
        cells: Tensor,
        kept: Tensor | None,
        w: Tensor,
        b: Tensor,
        u: Tensor,
        c: Tensor,
    ) -> tuple[Tensor, Tensor]:
        width = u.shape[1]
        third = slice(2 * width, 3 * width)
        steps, gates = _leading(steps, _doubled(w, third), _doubled(b + c, third))  # (T, B, P), (T, B, 4W)
        by_state = _doubled(u, third).t()
        before, old, tanh, said = (steps.new_empty(*steps.shape[:2], width) for _ in range(4))
        rows = zip(
            *(before.unbind(), old.unbind(), tanh.unbind(), said.unbind(), gates.unbind()),
            *(part.unbind() for part in gates.split(width, 2)),
            strict=True,
        )
        for t, (start, had, squashed, end, gate, i, f, g, o) in enumerate(rows):
            h, cells = _begin(h, kept, t, start), _begin(cells, kept, t, had)
            gate.addmm_(h, by_state).sigmoid_()
            torch.add(_MINUS_ONE, g, alpha=2, out=g)
            cells = torch.mul(f, cells).addcmul_(i, g)
            torch.add(cells, cells, out=squashed).sigmoid_()
            torch.add(_MINUS_ONE, squashed, alpha=2, out=squashed)
            h = torch.mul(o, squashed, out=end)
        ctx.kept = kept
        ctx.save_for_backward(steps, before, old, tanh, gates, w, u)
        ctx.mark_non_differentiable(cells)
        return said.transpose(0, 1), cells

    @staticmethod
    def backward(ctx: Any, slope: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore
        steps, before, old, tanh, gates, w, u = ctx.saved_tensors
        i, f, g, o = gates.split(u.shape[1], 2)
        by_cells = o * (1 - tanh.square())  # of dh
        of_cells = torch.stack([g * i * (1 - i), old * f * (1 - f), i * (1 - g.square())], 2)  # (T, B, 3, W)
        of_h = tanh * o * (1 - o)
        by_gates = torch.empty_like(gates)  # (T, B, 4W)
        first, last = by_gates.split([3 * u.shape[1], u.shape[1]], 2)
        rows = list(
            zip(
                *(slope.unbind(1), by_cells.unbind(), of_cells.unbind(), of_h.unbind(), f.unbind()),
                *(by_gates.unbind(), first.unflatten(2, (3, -1)).unbind(), last.unbind()),
                strict=True,
            )
        )
        d_h, d_cells = slope[:, -1], torch.zeros_like(tanh[0])
        for t in range(len(rows) - 1, -1, -1):
            _, through, factors, to_output, stays, own, three, fourth = rows[t]
            d_cells = torch.addcmul(d_cells, d_h, through)
            torch.mul(d_cells.unsqueeze(1), factors, out=three)
            torch.mul(d_h, to_output, out=fourth)
            if t:
                d_h, d_cells = own @ u, d_cells * stays
                if ctx.kept is not None:
                    d_h.mul_(ctx.kept[t])
                    d_cells.mul_(ctx.kept[t])
                d_h.add_(rows[t - 1][0])
        by_steps = (by_gates @ w).transpose(0, 1) if ctx.needs_input_grad[0] else None
        (by_w, by_b), (by_u, _) = _by_weights(by_gates, steps), _by_weights(by_gates, before)
        return by_steps, None, None, None, by_w, by_b, by_u, by_b

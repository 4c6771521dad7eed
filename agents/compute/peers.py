"""Processes that learn as one: each has a share of the environments, and all take the same steps.

What is added up arrives as the same bits in each of them, so that their networks never part.
"""

# torch.distributed's own functions are made of the same calls; torch does not list them as public.
# pyright: reportPrivateImportUsage=false

from __future__ import annotations

import os
import socket
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

_PATIENCE = timedelta(hours=1)  # who is lost is noticed by others than the exchange, and long before


class PeerLostError(Exception):
    """Another of the processes does not answer any more."""


class Peers:
    """A process by itself: what all have is what it has.

    Attributes:
        rank: of this process, from 0.
        size: how many there are.
    """

    rank = 0
    size = 1

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Makes each tensor the sum of everybody's, in place; all of float32 and of the same shapes."""

    def join(self, rows: Tensor, axis: int = 0) -> Tensor:
        """Returns everybody's rows one after the other, by rank, along `axis`; of the same shape each."""
        return rows


ALONE = Peers()


class Group(Peers):
    """Processes that exchange tensors by torch.distributed: gloo on the CPU, NCCL on CUDA.

    Args:
        meeting: HOST:PORT where rank 0 listens.
        host: this machine's address, to which all that listens is bound.
        rank: of this process.
        size: how many there are.
        device: of the tensors.
        listener: of rank 0, which it gives away.

    Raises:
        PeerLostError: somebody does not come.
    """

    def __init__(
        self,
        meeting: str,
        host: str,
        rank: int,
        size: int,
        device: torch.device,
        listener: socket.socket | None = None,
    ) -> None:
        self.rank, self.size = rank, size
        self._memory: dict[tuple[torch.Size, ...], tuple[Tensor, list[Tensor]]] = {}
        name, _, port = meeting.rpartition(":")
        # By itself the store would listen on every interface of the machine.
        given: dict[str, Any] = {} if listener is None else {"master_listen_fd": listener.detach()}
        with _others():
            self._store = dist.TCPStore(
                name, int(port), size, rank == 0, _PATIENCE, wait_for_workers=False, **given
            )
            make = _nccl if device.type == "cuda" else _gloo
            self._group = make(self._store, rank, size, host)

    @torch.no_grad()
    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Makes each tensor the sum of everybody's, in place: one exchange for all of them."""
        flat, pieces = self._flat(tensors)
        torch._foreach_copy_(pieces, list(tensors))
        with _others():
            self._group.allreduce([flat]).wait()
        # Into the old places: fused optimizers pair elements by memory layout, such as channels last.
        torch._foreach_copy_(list(tensors), pieces)

    def _flat(self, tensors: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Returns memory for all of such tensors in a row, and the pieces of it in their shapes."""
        shapes = tuple(tensor.shape for tensor in tensors)
        if shapes not in self._memory:
            sizes = [shape.numel() for shape in shapes]
            flat = torch.empty(sum(sizes), device=tensors[0].device)
            pieces = zip(flat.split(sizes), shapes, strict=True)
            self._memory[shapes] = flat, [piece.view(shape) for piece, shape in pieces]
        return self._memory[shapes]

    def join(self, rows: Tensor, axis: int = 0) -> Tensor:
        """Returns everybody's rows one after the other, by rank, along `axis`; of the same shape each."""
        rows = rows.contiguous()
        pieces = [torch.empty_like(rows) for _ in range(self.size)]
        with _others():
            self._group.allgather([pieces], [rows]).wait()
        return torch.cat(pieces, axis)


def listen(host: str) -> socket.socket:
    """Returns a socket that listens on a free port of this address and of no other."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.bind((host, 0))
    listener.listen()
    return listener


def _gloo(store: Any, rank: int, size: int, host: str) -> Any:
    options = dist.ProcessGroupGloo._Options()  # pyright: ignore[reportAttributeAccessIssue]
    options._timeout = _PATIENCE
    # By itself gloo takes the address that the machine's name stands for.
    options._devices = [dist.ProcessGroupGloo.create_device(hostname=host)]
    return dist.ProcessGroupGloo(store, rank, size, options)


def _nccl(store: Any, rank: int, size: int, host: str) -> Any:
    if host == "127.0.0.1":
        os.environ.setdefault("NCCL_SOCKET_IFNAME", "lo")
    options = dist.ProcessGroupNCCL.Options()
    options._timeout = _PATIENCE
    return dist.ProcessGroupNCCL(store, rank, size, options)


@contextmanager
def _others() -> Generator[None]:
    """Turns what torch.distributed says of a broken connection into PeerLostError."""
    try:
        yield
    except RuntimeError as error:  # DistBackendError and DistNetworkError are its kinds
        raise PeerLostError(" ".join(str(error).split())[:200]) from None

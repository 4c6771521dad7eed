"""Adam for small networks, where the optimizer's own bookkeeping costs more than its arithmetic."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

# The kernel below is what torch.optim.Adam(fused=True) calls; torch does not list it as public.
# pyright: reportPrivateImportUsage=false


class LeanAdam(torch.optim.Adam):
    """torch's fused Adam (Kingma and Ba 2015), and `apply`, the same step at a fifth of the cost.

    On a 64x64 MLP `step` takes 40 µs, of which the kernel takes 6: the rest sorts parameters by device and
    dtype and serves hooks and profilers. State and hyper-parameters are Adam's: checkpoints interchange.

    Args:
        params: parameters, of one device and dtype.
        lr: learning rate.
        betas: decay of the averages of gradient and squared gradient.
        eps: added to the denominator.
        weight_decay: L2 penalty, as in Adam.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=True)

    @torch.no_grad()
    def apply(self, gradients: list[Tensor]) -> None:
        """Makes one step along `gradients`, one for each parameter in order; `.grad` is not looked at."""
        (group,) = self.param_groups
        parameters = group["params"]
        states = [self.state[parameter] for parameter in parameters]
        if not states[0]:
            for parameter, state in zip(parameters, states, strict=True):
                state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
                state["exp_avg"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
                state["exp_avg_sq"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        steps = [state["step"] for state in states]
        torch._foreach_add_(steps, 1)
        torch._fused_adam_(
            parameters,
            gradients,
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            steps,
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )

"""What agents of action values share: the best legal action or a random one, and the log of their updates."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from quadrivium.agents.batches.observations import ObsArray, batch_size, to_tensors
from quadrivium.agents.dqn.policy import ACTION_MASK, QNetwork, greedy
from quadrivium.agents.nets.heads import mask_logits
from quadrivium.agents.nets.layers import learned
from quadrivium.agents.training.schedules import Schedule
from quadrivium.agents.training.vector_agent import VectorAgent

_UPDATE_NAMES = ("loss", "q_mean", "target_q_mean", "td_error", "gradient_norm")

Step = tuple[Tensor, Tensor, Tensor, Tensor]
"""What a gradient step says: the loss (), the gradient's norm before clipping (), Q and its targets (B,)."""


class QAgent(VectorAgent):
    """An agent that acts by `policy.q_net`, and explores epsilon-greedily, decided for each environment.

    Args:
        exploration: epsilon.
        learning_rate: of the optimizer.
        others: see `VectorAgent`.

    Attributes:
        exploration_rate: epsilon of `act` where it is not deterministic, as it was at the last step.
    """

    generator: np.random.Generator
    counters = ("iterations", "n_updates", "exploration_rate", "_update_count")

    def __init__(self, *others: Any, exploration: Schedule, learning_rate: Schedule) -> None:
        super().__init__(*others)
        self.actions = int(self.policy.action_space.n)
        self.exploration, self.learning_rate = exploration, learning_rate
        self.exploration_rate = 0.0
        self._update_sums = torch.zeros(len(_UPDATE_NAMES), device=self.device)  # since the last log line
        self._update_count = 0
        self._last_rate = self.learning_rate(1.0)
        # Kept: walking through the modules for them would cost a tenth of a gradient step.
        self._online: list[Tensor] = [*learned(self.policy.q_net)]

    # ---- acting

    def act(self, obs: ObsArray, deterministic: bool = True) -> np.ndarray:
        """Returns actions (N,) int64 for a batch of observations (N, ...): greedy, or epsilon-greedy."""
        self.policy.train(False)
        epsilon = 0.0 if deterministic else self.exploration_rate
        return self.explored(obs, epsilon, lambda: self.greedy(obs))

    def explored(self, obs: ObsArray, epsilon: float, best: Callable[[], np.ndarray]) -> np.ndarray:
        """Returns the `best` actions (N,), in a share `epsilon` of the rows a random one in their place."""
        if epsilon <= 0.0:
            return best()
        count = batch_size(obs)
        explores = self.generator.random(count) < epsilon
        if not explores.any():
            return best()
        random = self.random_legal(obs, count)
        return random if explores.all() else np.where(explores, random, best())

    @torch.no_grad()
    def greedy(self, obs: ObsArray) -> np.ndarray:
        """Returns the best legal actions (N,) int64."""
        batch = to_tensors(obs, self.device)
        return greedy(self.policy.q_net(batch), batch).cpu().numpy()

    @torch.no_grad()
    def preferences(self, policy: QNetwork, obs: ObsArray) -> np.ndarray:
        """Returns the logarithms (N, A) of the chances with which another policy of this kind would act:
        greedy, but as often at random as this agent explores now.
        """
        batch = to_tensors(obs, self.device)
        q = policy.q_net(batch)
        best = F.one_hot(greedy(q, batch), self.actions).float()
        legal = mask_logits(torch.zeros_like(q), batch[ACTION_MASK]).softmax(1)  # pyright: ignore
        return torch.lerp(best, legal, self.exploration_rate).log().cpu().numpy()

    def random_legal(self, obs: ObsArray, count: int) -> np.ndarray:
        """Returns actions (count,), uniform over the legal ones; 0 where there is none."""
        if not (isinstance(obs, Mapping) and ACTION_MASK in obs):
            return self.generator.integers(0, self.actions, count)
        # In (0, 1]: every legal action beats an illegal 0.
        keys = 1.0 - self.generator.random((count, self.actions))
        return np.where(np.asarray(obs[ACTION_MASK]) != 0, keys, 0.0).argmax(1)

    # ---- learning

    def set_rate(self, remaining: float) -> None:
        """Sets the optimizer's learning rate; remaining: of the training, 1 to 0."""
        self._last_rate = self.learning_rate(remaining)
        for group in self.optimizer.param_groups:
            group["lr"] = self._last_rate

    def count_update(self, steps: list[Step]) -> None:
        """Adds what gradient steps said to the sums since the last log line, on the device."""
        losses, norms, values, targets = zip(*steps, strict=True)
        q, target = torch.cat(values), torch.cat(targets)  # (K*B,)
        logged = (torch.stack(losses), q, target, (q - target).abs(), torch.stack(norms))
        self._update_sums += torch.stack([x.mean() for x in logged]) * len(steps)
        self._update_count += len(steps)

    # ---- the log, and exact resume

    def update_summary(self) -> dict[str, float]:
        """Returns means over the gradient steps since the last call."""
        entries = {"rollout/exploration_rate": self.exploration_rate}
        if self._update_count:
            means = (self._update_sums / self._update_count).tolist()
            entries |= {f"train/{name}": mean for name, mean in zip(_UPDATE_NAMES, means, strict=True)}
            entries["train/learning_rate"] = self._last_rate
        self._update_sums.zero_()
        self._update_count = 0
        return entries

    def own_state(self) -> dict[str, np.ndarray]:
        """Returns the sums of the gradient steps that no log line has shown yet."""
        return {"update_sums": self._update_sums.cpu().numpy().copy()}

    def load_own_state(self, state: dict[str, np.ndarray]) -> None:
        """Takes back what `own_state` returned."""
        self._update_sums.copy_(torch.from_numpy(state["update_sums"]))

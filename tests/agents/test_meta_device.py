"""Every agent, trunk and kind of observation on torch's `meta` device: shapes without numbers.

What would go wrong on a GPU goes wrong here, without one: a tensor left on the CPU, a float64 (which Apple's
GPUs refuse), and waiting for the device (`.item()`, a boolean index), since there is nothing to wait for.
Only what is *meant* to be read back is left out: actions for the environments, and the log.
"""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector.utils import batch_space
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.learn.learner import Learner
from quadrivium.agents.alphazero.learn.network import Networks, PolicyValueNet
from quadrivium.agents.alphazero.play.records import Samples
from quadrivium.agents.batches.observations import concatenate, to_tensors
from quadrivium.agents.compute.crew import Crew
from quadrivium.agents.dqn import DQN, DQNConfig
from quadrivium.agents.dqn.replay import Replay
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.nets.value_heads import OutcomeHead, ReturnHead
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.ppo.loss import LossSettings, UpdateLog
from quadrivium.agents.ppo.rollout import RolloutBuffer
from tests.agents.toys import LineWalk

META = torch.device("meta")
LANES = 4
TRUNKS = ["mlp", "cnn", "transformer"]
VECTOR = spaces.Box(-1, 1, (7,), np.float64)
TOKENS = spaces.Box(-1, 1, (5, 6), np.float32)
GRID = spaces.Box(0, 255, (3, 6, 7), np.uint8)
MASK = spaces.MultiBinary(3)
OBSERVATIONS = {
    "vector": VECTOR,
    "tokens": TOKENS,
    "grid": GRID,
    "dict": spaces.Dict({"cars": TOKENS, "map": GRID, "self": VECTOR}),
    "masked": spaces.Dict({"action_mask": MASK, "observation": VECTOR}),
    "masked dict": spaces.Dict({"action_mask": MASK, "cars": TOKENS, "map": GRID}),
}
MORE_OF_DQN = {"optimize_memory": True, "n_steps": 3, "dueling": True, "tau": 0.5}


class OnOneDevice(TorchDispatchMode):
    """Refuses float64 on the device, and operations on tensors of two devices other than copies."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, torch.Tensor)]
        doubles = [tensor for tensor in tensors if tensor.is_meta and tensor.dtype == torch.float64]
        assert not doubles, f"{func} with float64 on the device"
        if func not in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default):
            devices = {tensor.device.type for tensor in tensors if tensor.ndim}
            assert len(devices) <= 1, f"{func} with tensors on {devices}"
        return out


def net_of(trunk):
    return NetConfig(trunk, width=8, depth=1, heads=2, token_mask_feature=0)


class Shown(LineWalk):
    """LineWalk that shows something else: random observations of any space."""

    def __init__(self, space, continuous):
        super().__init__(LANES, continuous=continuous)
        self.single_observation_space = space
        self.observation_space = batch_space(space, LANES)
        self.single_action_space = self.single_action_space if continuous else spaces.Discrete(3)
        self.action_space = batch_space(self.single_action_space, LANES)

    def observe(self):
        return self.observation_space.sample()


def move(module, optimizer):
    """Moves a network to the device as `module.to` does on a GPU: its parameters stay the same objects."""
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        module.to(META)
    finally:
        torch.__future__.set_swap_module_params_on_conversion(False)
    known = {id(parameter) for parameter in module.parameters()}
    assert {id(p) for group in optimizer.param_groups for p in group["params"]} <= known


def samples(env, count):
    return [env.observation_space.sample() for _ in range(count)]


@pytest.mark.parametrize("continuous", [False, True], ids=["discrete", "box"])
@pytest.mark.parametrize("trunk", TRUNKS)
@pytest.mark.parametrize("kind", OBSERVATIONS)
def test_ppo_collects_and_updates_on_the_device(kind, trunk, continuous):
    if continuous and "masked" in kind:
        pytest.skip("masks are for discrete actions")
    env = Shown(OBSERVATIONS[kind], continuous)
    config = PPOConfig(n_steps=3, batch_size=4, normalize_returns=True, net=net_of(trunk))
    agent = PPO(config, env, seed=0, device="cpu")
    move(agent.policy, agent.optimizer)
    agent.device, agent._divided, agent.generator, agent.crew = META, None, None, Crew(1)
    space = env.single_observation_space
    rollout = RolloutBuffer(3, space, env.single_action_space, META, LANES)
    agent.rollout_buffer = rollout
    settings = LossSettings(clip_range=0.2, clip_range_vf=0.1, ent_coef=0.01, vf_coef=0.5)
    log = UpdateLog(settings)
    with OnOneDevice():
        with torch.no_grad():
            for obs in samples(env, 3):
                actions, values, log_probs = agent._policy_step(rollout.put_obs(obs))
                rollout.mark_truncated(np.array([1, 2]), env.observation_space.sample())
                rollout.add(actions, values, log_probs, np.ones(LANES, np.float32), np.ones(LANES, bool))
            agent._late_values(rollout)
            agent._bootstrap(rollout)
            rollout.finish(torch.zeros(LANES, device=META), 0.9, 0.9)
        assert agent._train_epoch(list(agent.policy.parameters()), settings, log)
        log.end_epoch()
        agent.policy.update_statistics(rollout.flat().obs)
    assert all(tensor.is_meta for tensor in agent.policy.state_dict().values())


@pytest.mark.parametrize(
    "options", [{}, {"optimize_memory": True, "n_steps": 3, "dueling": True, "tau": 0.5}]
)
@pytest.mark.parametrize("trunk", TRUNKS)
@pytest.mark.parametrize("kind", OBSERVATIONS)
def test_dqn_stores_samples_and_updates_on_the_device(kind, trunk, options):
    env = Shown(OBSERVATIONS[kind], continuous=False)
    config = DQNConfig(
        buffer_size=32,
        learning_starts=0,
        batch_size=8,
        target_update_interval=4,
        net=net_of(trunk),
        **options,
    )
    agent = DQN(config, env, seed=0, device="cpu")
    move(agent.policy, agent.optimizer)
    agent.device = META
    agent._update_sums = agent._update_sums.to(META)
    n_step = options.get("n_steps", 1)
    memory = options.get("optimize_memory", False)
    agent.replay_buffer = replay = Replay(
        32, env.single_observation_space, LANES, device=META, n_step=n_step, optimize_memory=memory
    )
    with OnOneDevice():
        observations, actions, rewards = samples(env, 4), np.zeros(LANES, int), np.ones(LANES)
        cut, over = np.array([True, False, False, False]), np.array([False, True, False, False])
        for obs, following in pairwise(observations):
            replay.add_batch(obs, actions, rewards, over, cut, following, env.observation_space.sample())
        agent.policy.update_statistics(to_tensors(concatenate(observations), META))
        agent.train(3, remaining=1.0)
        agent._follow()
    assert all(tensor.is_meta for tensor in agent.policy.state_dict().values())


@pytest.mark.parametrize("value_head", [OutcomeHead, ReturnHead])
@pytest.mark.parametrize("trunk", TRUNKS)
@pytest.mark.parametrize("kind", ["vector", "tokens", "grid"])
def test_alphazero_adapts_and_learns_on_the_device(kind, trunk, value_head):
    shape, actions, count = OBSERVATIONS[kind].shape, 6 * 7, 5
    auxiliary = ("ownership", "score") if kind == "grid" and trunk != "mlp" else ()
    net = NetConfig(trunk, width=8, depth=1, heads=2, normalize_inputs=value_head is ReturnHead)
    coefficients = {f"{name}_coef": 0.1 for name in auxiliary}
    config = AlphaZeroConfig(batch_size=count, net=net, **coefficients)
    networks = Networks(
        *(
            PolicyValueNet(spaces.Box(-1, 1, shape), actions, net, value_head=value_head, auxiliary=auxiliary)
            for _ in range(3)
        )
    )
    learner = Learner(networks, config)
    move(networks, learner.optimizer)
    for group in learner.optimizer.param_groups:
        group["fused"] = False  # torch's own has no such kernel for shapes alone
    learner._device = META
    draw = np.random.default_rng(0)
    found = Samples(
        obs=draw.random((count, *shape), np.float32),
        legal=np.ones((count, actions), bool),
        policy=draw.random((count, actions), np.float32),
        outcome=np.ones(count, np.float32),
        root_value=np.zeros(count, np.float32),
        root_draw=np.full(count, 0.5, np.float32),
        root_share=np.full(count, 0.25, np.float32),
        auxiliary={"ownership": np.zeros((count, 42), np.float32), "score": np.zeros(count, np.float32)},
    )
    practice = SimpleNamespace(
        sample=lambda count, rng: found,
        replay=SimpleNamespace(column=lambda field: np.ones(count)),
        outcomes=SimpleNamespace(records=SimpleNamespace(unpack=lambda records: found)),
        symmetries=None,
    )
    with OnOneDevice():
        learner.adapt(practice, SimpleNamespace(records=np.zeros(count)))
        learner._step(practice, draw)
        networks.average.judge(torch.zeros(count, *shape, device=META))
    assert all(tensor.is_meta for tensor in networks.state_dict().values())

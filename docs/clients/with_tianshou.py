import json
import sys

import gymnasium
from tianshou.algorithm import DQN
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.trainer import OffPolicyTrainerParams
from tianshou.utils.net.common import Net

import quadrivium  # noqa: F401

world, kwargs = sys.argv[1], json.loads(sys.argv[2])
env = gymnasium.make(world, **kwargs)
net = Net(state_shape=env.observation_space.shape, action_shape=env.action_space.n, hidden_sizes=[64])
policy = DiscreteQLearningPolicy(model=net, action_space=env.action_space, eps_training=0.1)
agent = DQN(policy=policy, optim=AdamOptimizerFactory(lr=1e-3), target_update_freq=100)
envs = DummyVectorEnv([lambda: gymnasium.make(world, **kwargs) for _ in range(4)])
collector = Collector(agent, envs, VectorReplayBuffer(4096, 4), exploration_noise=True)
agent.run_training(
    OffPolicyTrainerParams(training_collector=collector, max_epochs=1, epoch_num_steps=512, batch_size=32)
)

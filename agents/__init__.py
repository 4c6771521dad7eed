"""Agents: networks, PPO, DQN. They know spaces and vector environments, never the worlds (`envs`)."""

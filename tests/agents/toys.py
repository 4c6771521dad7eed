"""Small NumPy vector environments with known dynamics, for tests of agents."""

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

ROW = np.dtype([("x", "f8"), ("step", "i8"), ("random", "u8")])


class LineWalk(VectorEnv):
    """A walk on a line, action 1 goes right: beyond ±1 it terminates, after `limit` steps it is truncated.

    Each lane is one row (position, step, state of its own generator), so its future depends on its row only.
    """

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(
        self, num_envs: int, limit: int = 20, continuous: bool = False, masked: bool = False
    ) -> None:
        self.num_envs, self.limit, self.masked = num_envs, limit, masked
        vector = spaces.Box(-2.0, 2.0, (2,), np.float32)
        mask = spaces.Box(0, 1, (2,), np.int8)
        self.single_observation_space = (
            spaces.Dict({"observation": vector, "action_mask": mask}) if masked else vector
        )
        box = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.single_action_space = box if continuous else spaces.Discrete(2)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.rows = np.zeros(num_envs, ROW)
        self.rows["random"] = np.arange(num_envs) + 1

    def _uniform(self, rows: np.ndarray) -> np.ndarray:
        self.rows["random"][rows] = self.rows["random"][rows] * np.uint64(6364136223846793005) + np.uint64(
            1442695
        )
        return (self.rows["random"][rows] >> np.uint64(40)) / 2.0**24

    def _start(self, rows: np.ndarray) -> None:
        self.rows["x"][rows] = self._uniform(rows) - 0.5
        self.rows["step"][rows] = 0

    def observe(self):
        vector = np.stack([self.rows["x"], self.rows["step"] / self.limit], 1).astype(np.float32)
        if not self.masked:
            return vector
        return {"observation": vector, "action_mask": np.tile(np.array([0, 1], np.int8), (self.num_envs, 1))}

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.rows["random"] = np.arange(self.num_envs) + np.uint64(seed * 1000 + 1)
        self._start(np.arange(self.num_envs))
        return self.observe(), {}

    def step(self, actions):
        everyone = np.arange(self.num_envs)
        actions = np.asarray(actions, dtype=np.float64).reshape(self.num_envs)
        direction = 2 * actions - 1 if isinstance(self.single_action_space, spaces.Discrete) else actions
        self.rows["x"] += 0.2 * direction + 0.2 * (self._uniform(everyone) - 0.5)
        self.rows["step"] += 1
        terminated = np.abs(self.rows["x"]) > 1
        truncated = self.rows["step"] >= self.limit
        done = terminated | truncated
        terms = {
            "centre": (1 - np.abs(self.rows["x"])).astype(np.float32),
            "effort": (-0.1 * np.abs(direction)).astype(np.float32),
        }
        final_obs, steps = self.observe(), self.rows["step"].astype(np.float32)
        self._start(np.flatnonzero(done))
        info = {
            "final_obs": final_obs,
            "_final_obs": done,
            "reward_terms": terms,
            "metrics": {"steps": steps},
            "_metrics": done,
        }
        return self.observe(), terms["centre"] + terms["effort"], terminated, truncated, info

    def get_state(self):
        return self.rows.copy()

    def set_state(self, rows):
        self.rows[:] = rows


class GoalLine(LineWalk):
    """`LineWalk` towards a goal a lane, by continuous actions: nearer pays; being there pays 1 and ends the
    episode, and so does leaving ±1, which costs 1.
    """

    def __init__(self, num_envs: int, limit: int = 20) -> None:
        super().__init__(num_envs, limit, continuous=True)
        goal = spaces.Box(-2.0, 2.0, (1,), np.float32)
        self.single_observation_space = spaces.Dict(
            {"observation": self.single_observation_space, "achieved_goal": goal, "desired_goal": goal}
        )
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.goals = np.linspace(-0.6, 0.6, num_envs, dtype=np.float32)[:, None]

    def observe(self):
        achieved = self.rows["x"].astype(np.float32)[:, None]
        return {
            "observation": super().observe(),
            "achieved_goal": achieved,
            "desired_goal": self.goals.copy(),
        }

    def step(self, actions):
        before = self.observe()["achieved_goal"]
        self.rows["x"] += 0.2 * np.asarray(actions, dtype=np.float64).reshape(self.num_envs)
        self.rows["step"] += 1
        final_obs = self.observe()
        out = (np.abs(self.rows["x"]) > 1).astype(np.float32)
        infos = [
            {"achieved_before": before[lane], "metrics": {"out": out[lane]}} for lane in range(self.num_envs)
        ]
        goals = final_obs["achieved_goal"], self.goals, infos
        rewards, terminated = self.compute_reward(*goals), self.compute_terminated(*goals)
        truncated = self.rows["step"] >= self.limit
        done = terminated | truncated
        self._start(np.flatnonzero(done))
        info = {"final_obs": final_obs, "_final_obs": done, "metrics": {"out": out}, "_metrics": done}
        return self.observe(), rewards, terminated, truncated, info

    def compute_reward(self, achieved, desired, infos):
        before = np.stack([info["achieved_before"] for info in infos])
        out = np.array([info["metrics"].get("out", 0.0) for info in infos], np.float32)
        nearer = np.abs(before - desired) - np.abs(achieved - desired)
        return (nearer + (np.abs(achieved - desired) < 0.1))[:, 0].astype(np.float32) - out

    def compute_terminated(self, achieved, desired, infos):
        out = np.array([info["metrics"].get("out", 0.0) for info in infos]) > 0
        return out | (np.abs(achieved - desired) < 0.1)[:, 0]


def sync_cartpole(num_envs: int, mode: AutoresetMode = AutoresetMode.SAME_STEP) -> VectorEnv:
    """Gymnasium's own CartPole in its own SyncVectorEnv."""
    return gymnasium.make_vec(
        "CartPole-v1", num_envs, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}
    )

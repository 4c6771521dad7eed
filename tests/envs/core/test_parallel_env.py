"""Agents that act at once: PettingZoo's parallel form, and the batch in which each is an environment."""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
from gymnasium.spaces import Box
from gymnasium.utils.env_checker import data_equivalence
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test
from pettingzoo.utils.conversions import parallel_to_aec

from quadrivium.envs.core.checks import check_vector_env
from quadrivium.envs.core.gym_env import LaneEnv, LaneVectorEnv
from quadrivium.envs.core.lane import LANE_HEADER, World, lane
from quadrivium.envs.core.parallel_env import ParallelLaneEnv
from quadrivium.envs.core.setup import Setup
from tests.worlds.line import AGENTS, LENGTH, MAX_STEPS, LineVectorEnv, parallel_env, setup

KINDS = [{"walls": walls, "leave": leave} for walls in (False, True) for leave in (False, True)]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
LEFT, STAY, RIGHT = 0, 1, 2


def placed(env, x: tuple[int, int], goal: tuple[int, int]):
    """Returns `env` with its runners at `x` on the way to `goal`."""
    env.reset(seed=0)
    rows = env.get_state()
    rows["x"], rows["goal"] = x, goal
    env.set_state(rows)
    return env


def reward_terms(infos) -> dict[str, list[float]]:
    return {agent: list(info["reward_terms"].values()) for agent, info in infos.items()}


def test_rewards_of_a_hand_computed_episode():
    env = placed(parallel_env(), (2, 4), (4, 1))
    _, rewards, terminations, truncations, infos = env.step({"left": RIGHT, "right": LEFT})
    # Both come a cell nearer and meet on cell 3.
    assert reward_terms(infos) == {"left": [0.25, -0.5, 0], "right": [0.25, -0.5, 0]}
    assert rewards == {"left": -0.25, "right": -0.25}
    _, rewards, terminations, truncations, infos = env.step({"left": RIGHT, "right": RIGHT})
    # Both on cell 4: the left one's goal, while the right one has gone astray.
    assert reward_terms(infos) == {"left": [0.25, -0.5, 1], "right": [-0.25, -0.5, 0]}
    assert rewards == {"left": 0.75, "right": -0.75}
    assert not any(terminations.values())
    for _ in range(2):
        _, rewards, *_ = env.step({"left": RIGHT, "right": LEFT})
        assert rewards == {"left": 0, "right": 0.25}  # who has arrived stands still and is in nobody's way
    obs, rewards, terminations, truncations, infos = env.step({"left": STAY, "right": LEFT})
    assert rewards == {"left": 0, "right": 1.25}
    assert terminations == {"left": True, "right": True}
    assert truncations == {"left": False, "right": False}
    assert infos["left"]["metrics"] == {"arrived": 1, "steps": 2}
    assert infos["right"]["metrics"] == {"arrived": 1, "steps": 5}
    assert obs["right"]["own"].tolist() == np.array([1 / 8, 1 / 8, 5 / 12], np.float32).tolist()
    assert obs["right"]["others"].tolist() == [[0, 0.5]]
    assert env.agents == []


def test_an_agent_that_leaves_early_is_terminated_and_gone():
    env = placed(parallel_env(leave=True), (3, 7), (4, 0))
    obs, rewards, terminations, truncations, infos = env.step({"left": RIGHT, "right": LEFT})
    assert rewards == {"left": 1.25, "right": 0.25}
    assert terminations == {"left": True, "right": False}
    assert set(obs) == {"left", "right"}  # its last observation
    assert infos["left"]["metrics"] == {"arrived": 1, "steps": 1}
    assert infos["right"]["metrics"] == {"arrived": 0, "steps": 1}  # so far
    assert env.agents == ["right"]
    obs, rewards, terminations, truncations, infos = env.step({"right": LEFT})
    assert obs.keys() == rewards.keys() == terminations.keys() == infos.keys() == {"right"}
    for _ in range(MAX_STEPS - 2):
        assert env.agents == ["right"]
        _, _, terminations, truncations, infos = env.step({"right": STAY})
    assert (terminations, truncations) == ({"right": False}, {"right": True})
    assert infos["right"]["metrics"] == {"arrived": 0, "steps": MAX_STEPS}
    assert env.agents == []


def test_actions_of_agents_that_have_left_are_left_aside():
    # AgileRL's workers go on to give one for every possible agent.
    env, other = (placed(parallel_env(leave=True), (3, 7), (4, 0)) for _ in range(2))
    for one in (env, other):
        one.step({"left": RIGHT, "right": STAY})
    while env.agents:
        assert env.agents == ["right"]
        given = env.step({"left": np.array([7, 7]), "right": LEFT})
        assert data_equivalence(given, other.step({"right": LEFT}), exact=True)
    with pytest.raises(ValueError, match="episode that has ended"):
        env.step({"left": STAY, "right": STAY})


def test_infos_have_one_structure_from_the_reset_on():
    env = parallel_env()
    _, infos = env.reset(seed=0)
    assert infos["left"] == {
        "reward_terms": {"progress": 0.0, "bump": 0.0, "arrival": 0.0},
        "metrics": {"arrived": 0.0, "steps": 0.0},
    }
    while env.agents:
        *_, infos = env.step(dict.fromkeys(env.agents, STAY))
        assert all(info.keys() == {"reward_terms", "metrics"} for info in infos.values())


def test_time_that_is_up_truncates_all():
    env = placed(parallel_env(), (3, 5), (0, 0))
    for step in range(1, MAX_STEPS + 1):
        _, _, terminations, truncations, _ = env.step({"left": STAY, "right": STAY})
        assert not any(terminations.values())
        assert set(truncations.values()) == {step == MAX_STEPS}
    assert env.agents == []


@every_kind
@pytest.mark.filterwarnings("error")
def test_pettingzoos_parallel_tests_pass(kind):
    parallel_api_test(parallel_env(**kind), num_cycles=200)
    parallel_seed_test(partial(parallel_env, **kind))


@every_kind
@pytest.mark.filterwarnings("ignore:Observation is not a NumPy array")  # but a Dict of them
@pytest.mark.filterwarnings("ignore:Observation is not NumPy array")  # likewise
@pytest.mark.filterwarnings("ignore:Observation space for each agent probably should be")  # likewise
@pytest.mark.filterwarnings("ignore:We recommend agents to be named")
def test_pettingzoos_tests_pass_in_the_form_where_agents_act_in_turn(kind):
    api_test(parallel_to_aec(parallel_env(**kind)), num_cycles=200)


@every_kind
def test_the_same_seed_gives_the_same_episodes_and_none_the_next(kind):
    def play(env, seed):
        records = []
        for episode in range(3):
            obs, _ = env.reset(seed=seed if episode == 0 else None)
            records.append(obs)
            while env.agents:
                records.append(env.step(dict.fromkeys(env.agents, STAY)))
        return records

    env = parallel_env(**kind)
    first = play(env, 5)
    assert data_equivalence(first, play(env, 5), exact=True)
    assert data_equivalence(first, play(parallel_env(**kind), 5), exact=True)
    assert not data_equivalence(first, play(env, 6), exact=True)
    assert not data_equivalence(first[0], env.reset()[0], exact=True)


def test_a_state_goes_on_with_those_who_are_still_in():
    env = placed(parallel_env(leave=True), (3, 7), (4, 0))
    env.step({"left": RIGHT, "right": LEFT})
    other = parallel_env(leave=True)
    other.set_state(env.get_state())
    assert other.agents == ["right"]
    for _ in range(6):
        assert data_equivalence(env.step({"right": LEFT}), other.step({"right": LEFT}), exact=True)
    assert other.agents == []


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ({"left": 0}, r"actions were given for \['left'\]; give one for each of \['left', 'right'\]"),
        ({"left": 0, "right": 0, "middle": 0}, "'middle'"),
        ({"left": 0, "right": 3}, r"action 3 of right is outside Discrete\(3\)"),
        ({"left": 0, "right": [0]}, r"the action of right has shape \(1,\); Discrete\(3\) needs \(\)"),
        ({"left": 0.5, "right": 0}, r"dtype float64; Discrete\(3\) needs integers"),
        ({"left": 1, "right": 2}, r"action 2 is illegal; legal actions: \[0, 1\] \(right\)"),
    ],
)
def test_wrong_actions_are_refused_in_a_line_and_change_nothing(actions, message):
    env = placed(parallel_env(walls=True), (0, LENGTH - 1), (3, 3))
    before = env.get_state()
    with pytest.raises(ValueError, match=message) as error:
        env.step(actions)
    assert "\n" not in str(error.value)
    assert env.get_state().tobytes() == before.tobytes()


def test_an_episode_that_is_over_or_not_begun_is_not_stepped():
    env = parallel_env()
    with pytest.raises(ValueError, match=r"has ended or not begun; call reset\(\) first"):
        env.step({"left": STAY, "right": STAY})


def test_pictures_and_text():
    env = parallel_env(render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().shape == (8, 8 * LENGTH, 3)
    env.close()
    text = placed(parallel_env(render_mode="ansi"), (1, 2), (3, 4)).render()
    assert text == "[1 2] to [3 4]"
    with pytest.raises(ValueError, match="render_mode='video' is unknown; use one of"):
        parallel_env(render_mode="video")


# ---- the batch: an environment an agent


@every_kind
def test_batch_conforms(kind):
    report = check_vector_env(partial(LineVectorEnv, **kind), num_envs=10, agents=2)
    assert set(report.left_out) <= {"lanes_equal_the_single_environment", "thread_count_does_not_matter"}


@pytest.mark.parametrize("walls", [False, True])
def test_lanes_of_the_batch_equal_the_parallel_environment(walls):
    lanes = 3
    batch = LineVectorEnv(2 * lanes, walls=walls)
    batch.action_space.seed(0)
    singles = [parallel_env(walls=walls) for _ in range(lanes)]
    shown = batch.reset(seed=7)[0]
    expected = [env.reset(seed=7 + i)[0] for i, env in enumerate(singles)]
    ended = 0
    for _ in range(60):
        actions = batch.action_space.sample()
        obs, rewards, terminated, truncated, info = batch.step(actions)
        for i, env in enumerate(singles):
            for k, agent in enumerate(AGENTS):
                row = 2 * i + k
                for key, part in expected[i][agent].items():
                    assert shown[key][row].tobytes() == part.tobytes()
            own = dict(zip(AGENTS, actions[2 * i : 2 * i + 2], strict=True))
            expected[i], gains, over, cut, infos = env.step(own)
            for k, agent in enumerate(AGENTS):
                row = 2 * i + k
                assert (rewards[row], terminated[row], truncated[row]) == (
                    np.float32(gains[agent]),
                    over[agent],
                    cut[agent],
                )
                for name, value in infos[agent]["reward_terms"].items():
                    assert info["reward_terms"][name][row] == np.float32(value)
                if not env.agents:
                    ended += 1
                    for name, value in infos[agent]["metrics"].items():
                        assert info["metrics"][name][row] == value
                    for key, part in expected[i][agent].items():
                        assert info["final_obs"][row][key].tobytes() == part.tobytes()
            if not env.agents:
                expected[i] = env.reset()[0]
        shown = obs
    assert ended >= 2 * lanes


@pytest.mark.parametrize("walls", [False, True])
@pytest.mark.parametrize("mode", ["SameStep", "NextStep", "Disabled"])
def test_agents_of_the_batch_leave_as_those_of_the_parallel_environment(walls, mode):
    lanes, kind = 4, {"walls": walls, "leave": True}
    batch = LaneVectorEnv(setup(**kind), 2 * lanes, autoreset_mode=mode)
    singles = [parallel_env(**kind) for _ in range(lanes)]
    batch.action_space.seed(0)
    _, info = batch.reset(seed=7)
    assert info["active"].all()
    for i, env in enumerate(singles):
        env.reset(seed=7 + i)
    left_early = 0
    for _ in range(80):
        waiting = [not env.agents for env in singles]
        if mode == "Disabled" and any(waiting):
            batch.reset(options={"reset_mask": np.array(waiting)})
        actions = batch.action_space.sample()
        obs, rewards, terminated, truncated, info = batch.step(actions)
        for i, env in enumerate(singles):
            if waiting[i]:
                env.reset()
                if mode == "NextStep":  # this step has begun the episode, and no more
                    assert info["active"][2 * i : 2 * i + 2].all()
                    assert not rewards[2 * i : 2 * i + 2].any()
                    assert not (terminated | truncated)[2 * i : 2 * i + 2].any()
                    continue
            acted = env.agents
            own = {agent: actions[2 * i + AGENTS.index(agent)] for agent in acted}
            shown, gains, over, cut, infos = env.step(own)
            begun = mode == "SameStep" and not env.agents
            for k, agent in enumerate(AGENTS):
                row = 2 * i + k
                assert info["active"][row] == (begun or agent in env.agents or cut.get(agent, False))
                ends = (over.get(agent, False), cut.get(agent, False))
                assert (terminated[row], truncated[row]) == ends
                assert rewards[row] == np.float32(gains.get(agent, 0.0))
                if any(ends):
                    left_early += bool(env.agents)
                    assert info["_metrics"][row]
                    assert {k: v[row] for k, v in info["metrics"].items()} == infos[agent]["metrics"]
                    last = {key: part[row] for key, part in obs.items()}
                    last = info["final_obs"][row] if mode == "SameStep" else last
                    assert data_equivalence(last, shown[agent], exact=True)
            if begun:
                first, _ = env.reset()
                own = {key: part[2 * i] for key, part in obs.items()}
                assert data_equivalence(own, first[AGENTS[0]], exact=True)
    assert left_early > 10
    for env in singles:
        env.close()


def test_a_state_in_which_some_have_left_goes_on_without_them():
    env, other = (LaneVectorEnv(setup(leave=True), 2) for _ in range(2))
    env.reset(seed=0)
    other.reset(seed=1)
    rows = env.get_state()
    rows["x"], rows["goal"] = (3, 7), (4, 0)
    env.set_state(rows)
    _, _, terminated, _, info = env.step(np.array([RIGHT, STAY]))
    assert terminated.tolist() == [True, False]
    assert info["active"].tolist() == [False, True]
    other.set_state(env.get_state())
    assert other.taking_part.tolist() == [False, True]
    for one in (env, other):
        _, rewards, terminated, _, _ = one.step(np.array([LEFT, LEFT]))
        assert rewards.tolist() == [0, 0.25]
        assert not terminated.any()
    assert env.get_state().tobytes() == other.get_state().tobytes()


def test_lanes_are_reset_and_seeded_one_by_one():
    batch, other = LineVectorEnv(6), LineVectorEnv(6)
    batch.reset(seed=[3, 9, 3])
    other.reset(seed=9)
    x = batch.states["x"].copy()
    assert (x[0] == x[2]).all()
    assert (x[1] == other.states["x"][0]).all()
    batch.reset(options={"reset_mask": np.array([False, True, False])})
    assert batch.states["episode"].tolist() == [1, 2, 1]
    with pytest.raises(ValueError, match="6 seeds were given for 3 lanes; give one each"):
        batch.reset(seed=list(range(6)))
    with pytest.raises(ValueError, match=r"reset_mask is bool of shape \(6,\); one bool a lane is \(3,\)"):
        batch.reset(options={"reset_mask": np.ones(6, bool)})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LineVectorEnv(5), "num_envs=5 is no multiple of the 2 agents of a lane of line; try 6"),
        (lambda: LaneEnv(setup()), "line has 2 agents that act at once; use a ParallelLaneEnv"),
        (lambda: replace(setup(), agents=("a", "a")), r"agents=\('a', 'a'\) of line; give each its own name"),
        (lambda: replace(setup(), agents=()), "give each its own name"),
        (lambda: replace(setup(), active="alive"), "active='alive' is no field of line's record"),
        (lambda: replace(setup(), active="step"), "with one number for each of 2 agents; name one"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_a_line(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


# ---- rows of actions and observations: three agents with two continuous actions each


class DriftParams(NamedTuple):
    """No parameters but the engine's."""

    split: int


DRIFT = np.dtype([*LANE_HEADER, ("x", "f4", (3, 2)), ("step", "i4")], align=True)


@lane
def drift_reset(s, p):
    for i in range(3):
        s.x[i, 0] = 0
        s.x[i, 1] = 0
    s.step = 0


@lane
def drift_step(s, action, p, terms):
    for i in range(3):
        for axis in range(2):
            s.x[i, axis] += action[2 * i + axis]
            terms[2 * i + axis] = action[2 * i + axis] * (10 if axis == 0 else 1)
    s.step += 1
    return False, s.step >= 2


@lane
def drift_observe(s, p, out):
    for i in range(3):
        out[2 * i] = s.x[i, 0]
        out[2 * i + 1] = s.x[i, 1]


@lane
def drift_metrics(s, p, out):
    for i in range(3):
        out[i] = s.x[i, 0] + s.x[i, 1]


DRIFT_WORLD = World(
    "drift",
    DriftParams,
    drift_reset,
    drift_step,
    drift_observe,
    drift_metrics,
    ("tens", "ones"),
    ("sum",),
)


def test_rows_hold_agent_after_agent():
    drift = Setup(
        DRIFT_WORLD, DriftParams(0), DRIFT, Box(-9, 9, (2, 1)), Box(-4, 4, (2,)), agents=("a", "b", "c")
    )
    batch = LaneVectorEnv(drift, 6)
    batch.reset(seed=0)
    actions = np.array([[1, 2], [3, 4], [-1, -2], [0.5, 0], [0, 0.5], [-3, -4]], np.float32)
    for _ in range(2):
        obs, rewards, _, truncated, info = batch.step(actions)
        assert rewards.tolist() == [12, 34, -12, 5, 0.5, -34]
        assert info["reward_terms"]["tens"].tolist() == [10, 30, -10, 5, 0, -30]
    assert truncated.all()
    assert [last.tolist() for last in info["final_obs"]] == (2 * actions)[:, :, None].tolist()
    assert info["metrics"]["sum"].tolist() == [6, 14, -6, 1, 1, -14]
    assert obs.shape == (6, 2, 1)
    env = ParallelLaneEnv(drift, "drift_v0")
    env.reset(seed=0)
    shown, rewards, *_ = env.step(dict(zip("cab", actions[[2, 0, 1]], strict=True)))
    assert rewards == {"a": 12, "b": 34, "c": -12}
    assert {agent: row.ravel().tolist() for agent, row in shown.items()} == {
        "a": [1, 2],
        "b": [3, 4],
        "c": [-1, -2],
    }

"""Episodes are played once, whole, and on the scenarios asked for; players are found by name."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from quadrivium.agents.batches.environments import make_film_env, make_vector_env
from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation import episodes as evaluation
from quadrivium.agents.evaluation.episodes import AgentPlayer, RandomPlayer, film_episode, play_episodes
from quadrivium.agents.evaluation.evaluator import Evaluator, baseline_players, play_together
from quadrivium.agents.evaluation.players import PLAYER_KINDS, make_player
from quadrivium.agents.evaluation.report import to_json, verdicts, write_report
from quadrivium.measures import rate


class Countdown(VectorEnv):
    """Scenario s lasts 1 + s % 3 steps; each pays the scenario's number. Afterwards everything pays 1000."""

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(self, num_envs):
        self.num_envs = num_envs
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)
        self.single_action_space = spaces.Discrete(2)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.baselines = {"zeros": lambda env: np.zeros(env.num_envs, np.int64)}

    def _obs(self):
        return self.scenario[:, None].astype(np.float32)

    def reset(self, *, seed=None, options=None):
        self.scenario = seed + np.arange(self.num_envs)
        self.age = np.zeros(self.num_envs, np.int64)
        self.first = np.ones(self.num_envs, bool)
        return self._obs(), {}

    def step(self, actions):
        self.age += 1
        rewards = np.where(self.first, self.scenario, 1000).astype(np.float32)
        done = self.age > self.scenario % 3
        info = {
            "reward_terms": {"scenario": rewards},
            "metrics": {"acted": np.asarray(actions, np.float32)},
            "_metrics": done,
        }
        self.first &= ~done
        self.age[done] = 0
        return self._obs(), rewards, done & (self.scenario % 2 == 0), done & (self.scenario % 2 == 1), info


class Ones:
    def act(self, obs, deterministic=True):
        assert deterministic
        return np.ones(len(obs), np.int64)


@pytest.mark.parametrize("lanes", [1, 2, 4, 7])
def test_each_scenario_is_played_once_whatever_the_size_of_the_batch(lanes):
    played = play_episodes(AgentPlayer("agent", Ones()), Countdown(lanes), episodes=7, seed=10)
    scenarios = np.arange(10, 17)
    np.testing.assert_array_equal(played.lengths, 1 + scenarios % 3)
    np.testing.assert_array_equal(played.returns, scenarios * (1 + scenarios % 3))
    np.testing.assert_array_equal(played.metrics["acted"], np.ones(7))
    np.testing.assert_array_equal(played.reward_terms["scenario"], played.returns)
    assert list(played.columns()) == ["return", "length", "acted", "reward/scenario"]


def test_an_episode_without_end_is_an_error_that_says_so(monkeypatch):
    monkeypatch.setattr(evaluation, "MAX_STEPS", 2)
    with pytest.raises(UserError, match="1 of 3 episodes of agent did not end within 2 steps"):
        play_episodes(AgentPlayer("agent", Ones()), Countdown(3), episodes=3, seed=0)


def test_gymnasiums_own_environments_are_played_like_ours():
    class Balance:
        def act(self, obs, deterministic=True):
            return (obs[:, 2] + obs[:, 3] > 0).astype(np.int64)

    def play_single(seed):
        obs, _ = single.reset(seed=seed)
        length, done = 0, False
        while not done:
            obs, _, terminated, truncated, _ = single.step(int(obs[2] + obs[3] > 0))
            length, done = length + 1, terminated or truncated
        return length

    single = gymnasium.make("CartPole-v1")
    batch = make_vector_env("CartPole-v1", 4, {})
    played = play_episodes(AgentPlayer("balance", Balance()), batch, episodes=6, seed=100)
    assert played.lengths.tolist() == [play_single(seed) for seed in range(100, 106)]
    np.testing.assert_array_equal(played.returns, played.lengths)


def test_random_play_is_the_same_every_time():
    env = make_vector_env("CartPole-v1", 5, {})
    first, second = (play_episodes(RandomPlayer(), env, episodes=10, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.returns, second.returns)
    assert len(set(first.returns)) > 1


def test_an_evaluation_gives_scalars_with_intervals_beside_the_baselines():
    evaluator = Evaluator(Countdown, episodes=6, seed=0, baselines=None)
    scalars, score = evaluator(AgentPlayer("agent", Ones()))
    # Scenarios 0..5 pay s * (1 + s % 3): 0, 2, 6, 3, 8, 15.
    assert score == scalars["evaluation/return"] == pytest.approx(34 / 6)
    assert scalars["uncertainty/return_low"] < score < scalars["uncertainty/return_high"]
    assert scalars["evaluation/acted"] == 1.0
    assert scalars["versus/zeros/acted"] == 0.0
    assert scalars["versus/zeros/return"] == pytest.approx(34 / 6)


def test_without_baselines_of_its_own_an_environment_is_compared_with_random_play():
    env = make_vector_env("CartPole-v1", 2, {})
    assert [player.name for player in baseline_players(env, None)] == ["random"]
    assert [player.name for player in baseline_players(Countdown(2), ["zeros", "random"])] == [
        "zeros",
        "random",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rnadom", "player 'rnadom' is unknown; did you mean 'random'"),
        (
            "baseline:zeroes",
            "baseline 'zeroes' is unknown; did you mean 'zeros'?; this environment has: zeros",
        ),
        ("random:5", "random takes no argument"),
        ("mcts:800", "expected run:DIRECTORY, model:NAME, baseline:NAME or random"),
    ],
)
def test_an_unknown_player_is_one_line_with_the_nearest_name(text, complaint):
    with pytest.raises(UserError) as caught:
        make_player(text, Countdown(2), PLAYER_KINDS)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("env_id", "kwargs", "complaint"),
    [
        ("CartPol-v1", {}, "did you mean 'CartPole-v1'"),
        ("CartPole-v1", {"lanes": 3}, "CartPole-v1 has no argument 'lanes'"),
    ],
)
def test_an_environment_that_cannot_be_made_is_one_line(env_id, kwargs, complaint):
    with pytest.raises(UserError) as caught:
        make_vector_env(env_id, 2, kwargs)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_film_shows_every_state_and_the_last_one():
    env = make_film_env("CartPole-v1", {})
    assert env is not None

    class Left:
        def act(self, obs, deterministic=True):
            return np.zeros(len(obs), np.int64)

    frames, fps = film_episode(Left(), env, seed=0, fps=5)
    assert fps == env.metadata["render_fps"]
    env.close()
    assert frames[0].shape == (400, 600, 3)
    assert frames[0].dtype == np.uint8
    assert len(frames) > 5
    assert not np.array_equal(frames[0], frames[-1])


def played(returns):
    returns = np.asarray(returns, float)
    return evaluation.Episodes(returns, np.ones(len(returns), np.int64))


def test_no_winner_is_claimed_where_the_interval_of_the_difference_contains_zero():
    noise = np.random.default_rng(0).normal(0, 1, 100)
    lines = verdicts({"a": played(noise), "b": played(noise[::-1]), "c": played(noise - 1.0)})
    assert lines[0] == "a and b: no difference in return is shown by 100 episodes"
    assert lines[1].startswith("a has a higher return than c, by 1.00 [1.00, 1.00]")
    assert lines[2].startswith("b has a higher return than c")


def test_few_episodes_give_no_verdict():
    (line,) = verdicts({"a": played([1, 1]), "b": played([0, 0])})
    assert line == "a and b: no verdict from 2 episodes; play at least 100"


def test_the_report_holds_means_intervals_and_paired_differences():
    report = to_json({"a": played([1, 2, 3]), "b": played([0, 0, 3])}, {"seed": 5})
    assert report["seed"] == 5
    assert report["players"]["a"]["measures"]["return"]["mean"] == 2.0
    assert report["paired_differences"][0]["a_minus_b"]["return"]["mean"] == 1.0


def test_a_film_shows_the_motion_within_a_step_where_the_environment_draws_it():
    class Slow(gymnasium.Env):
        """Two steps, a second each; its picture is as bright as the time."""

        metadata = {"render_modes": ["rgb_array"], "render_fps": 1}  # noqa: RUF012
        observation_space = spaces.Box(0, 1, (1,), np.float32)
        action_space = spaces.Discrete(2)
        render_mode = "rgb_array"

        def reset(self, *, seed=None, options=None):
            self.time = 0
            return np.zeros(1, np.float32), {}

        def step(self, action):
            self.time += 1
            return np.zeros(1, np.float32), 0.0, self.time == 2, False, {}

        def picture(self, time):
            return np.full((2, 2, 3), round(100 * time), np.uint8)

        def render(self):
            return self.picture(self.time)

        def render_motion(self, count):
            return [self.picture(self.time - 1 + (k + 1) / count) for k in range(count)]

    frames, fps = film_episode(Ones(), Slow(), seed=0, fps=4)
    assert fps == 4
    assert [int(frame[0, 0, 0]) for frame in frames] == [0, 25, 50, 75, 100, 125, 150, 175, 200]


def test_a_measure_is_a_rate_because_it_is_defined_as_one_not_because_of_its_values():
    never, often = np.zeros(50), np.arange(50.0)
    results = {
        name: evaluation.Episodes(never, never, {rate("off_road"): never, "lane_changes": changes})
        for name, changes in (("a", never), ("b", often))
    }
    report = to_json(results, {})
    measures = report["players"]["a"]["measures"]
    assert measures["off_road"]["high"] > 0.05  # Wilson
    assert measures["lane_changes"]["high"] == 0.0


# ---- several agents of one world


class Pairs(Countdown):
    """Worlds of two: agent j of scenario s lasts 1 + (s + j) % 3 steps, and earns its action each step."""

    class setup:
        agents = ("first", "second")

    def reset(self, *, seed=None, options=None):
        lanes = self.num_envs // 2
        self.scenario = (seed + np.arange(lanes)).repeat(2) + np.tile([0, 1], lanes)
        self.age, self.first = np.zeros(self.num_envs, np.int64), np.ones(self.num_envs, bool)
        return self._obs(), {}

    def step(self, actions):
        _, _, terminated, truncated, info = super().step(actions)
        rewards = np.asarray(actions, np.float32)
        return self._obs(), rewards, terminated, truncated, info | {"reward_terms": {"own": rewards}}


class Always:
    def __init__(self, action):
        self.action = action

    def act(self, obs, deterministic=True):
        return np.full(len(obs), self.action)


@pytest.mark.parametrize("lanes", [1, 2, 5])
def test_agents_of_a_world_are_episodes_of_one_scenario_in_their_order(lanes):
    played = play_episodes(AgentPlayer("agent", Ones()), Pairs(2 * lanes), episodes=5, seed=10)
    assert (played.agents, played.scenarios) == (2, 5)
    expected = [1 + (10 + k + j) % 3 for k in range(5) for j in range(2)]
    assert played.lengths.tolist() == expected
    assert played.summary()["return"].estimate == np.mean(expected)


@pytest.mark.parametrize("lanes", [1, 3])
def test_players_who_meet_have_equally_many_seats_dealt_by_the_scenario_alone(lanes):
    players = [AgentPlayer(str(k), Always(k)) for k in range(2)]
    played = play_together(players, Pairs(2 * lanes), episodes=40, seed=10)
    mine, theirs = (~np.isnan(played[str(k)].returns) for k in range(2))
    assert (mine ^ theirs).all()
    assert (mine.reshape(40, 2).sum(1) == 1).all()
    assert 8 < mine[::2].sum() < 32  # by lot, not always the same seat
    assert (played["0"].returns[mine] == 0).all()
    lengths = np.array([1 + (10 + k + j) % 3 for k in range(40) for j in range(2)])
    assert (played["1"].returns[theirs] == lengths[theirs]).all()
    again = play_together(players, Pairs(8), episodes=40, seed=10)
    np.testing.assert_array_equal(again["1"].returns, played["1"].returns)


def test_more_players_than_seats_take_turns():
    players = [AgentPlayer(str(k), Always(0)) for k in range(3)]
    played = play_together(players, Pairs(4), episodes=30, seed=0)
    assert [int((~np.isnan(one.returns)).sum()) for one in played.values()] == [20, 20, 20]
    met = {k: ~np.isnan(one.returns).reshape(30, 2).all(1) for k, one in played.items()}
    assert all(both.any() for both in met.values())


def test_a_report_counts_scenarios_and_names_each_agent(tmp_path):
    players = [AgentPlayer(str(k), Always(k)) for k in range(2)]
    played = play_together(players, Pairs(8), episodes=120, seed=10)
    told = to_json(played, {"seed": 10})
    assert (told["players"]["0"]["episodes"], told["players"]["0"]["agents"]) == (120, 2)
    assert verdicts(played)[0].startswith("1 has a higher return than 0, by ")
    write_report(tmp_path, played, {"seed": 10})
    lines = (tmp_path / "episodes.csv").read_text().splitlines()
    assert lines[0].startswith("player,seed,agent,return,length")
    assert len(lines) == 1 + 240
    assert {line.split(",")[2] for line in lines[1:]} == {"0", "1"}
    assert sorted(int(line.split(",")[1]) for line in lines[1:]) == sorted([*range(10, 130)] * 2)


class Counts:
    """Remembers how many observations of each lane's episode it has seen, and acts on the first alone."""

    def __init__(self):
        self.seen, self.log = np.zeros(64, np.int64), []

    def act(self, obs, deterministic=True):
        self.log.append(self.seen[: len(obs)].copy())
        self.seen[: len(obs)] += 1
        return np.ones(len(obs), np.int64)

    def forget(self, lanes=None):
        self.seen[slice(None) if lanes is None else lanes] = 0


def test_a_player_that_remembers_hears_of_every_beginning():
    """Scenario k lasts 1 + k % 3 steps; a lane whose episode has ended goes on with others."""
    counts = Counts()
    counts.seen[:] = 9
    play_episodes(AgentPlayer("counts", counts), Countdown(3), episodes=6, seed=0)
    starts = np.array([log == 0 for log in counts.log])
    np.testing.assert_array_equal(counts.log[0], [0, 0, 0])
    np.testing.assert_array_equal(counts.log[1], [0, 1, 1])  # lane 0's first episode lasted one step
    np.testing.assert_array_equal(counts.log[2][2], 2)
    assert starts[3].all()  # the second block of scenarios


def test_players_in_one_world_hear_of_it_too():
    kept = [Counts(), Counts()]
    for one in kept:
        one.seen[:] = 9
    players = [AgentPlayer(str(k), one) for k, one in enumerate(kept)]
    play_together(players, Pairs(4), episodes=2, seed=0)
    for one in kept:
        assert not one.log[0].any()

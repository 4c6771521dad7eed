import gymnasium
import numpy as np
import pytest

from quadrivium.agents.batches.environments import make_drawn_env, make_vector_env
from quadrivium.agents.batches.finite import NotFiniteError
from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation import live
from quadrivium.agents.evaluation.episodes import play_episodes
from quadrivium.agents.evaluation.live import LiveEpisode
from quadrivium.agents.evaluation.players import make_player

WORLDS = [
    ("quadrivium/SignChain-v0", {"split": "test"}, 1, "baseline:follow"),
    (
        "quadrivium/Intersection-v0",
        {"split": "test", "drivers": 3},
        3,
        "baseline:idm",
    ),  # who leave one by one
    ("CartPole-v1", {}, 1, "random"),
]


@pytest.mark.parametrize(("env_id", "kwargs", "agents", "text"), WORLDS)
def test_at_the_end_it_has_come_to_what_evaluation_counts(env_id, kwargs, agents, text):
    batch, drawn = make_vector_env(env_id, agents, kwargs), make_drawn_env(env_id, agents, kwargs)
    expected = play_episodes(make_player(text, batch), batch, episodes=1, seed=7)
    episode = LiveEpisode(drawn, make_player(text, drawn))
    episode.reset(7)
    while not episode.over:
        episode.step()
    assert episode.total == pytest.approx(expected.returns.mean(), rel=1e-6)
    assert episode.length == expected.lengths.max()
    assert set(episode.terms) == set(expected.reward_terms)
    assert set(episode.metrics) == set(expected.metrics)
    for name, values in expected.reward_terms.items():
        assert episode.terms[name] == pytest.approx(values.mean(), rel=1e-5, abs=1e-6)
    for name, values in expected.metrics.items():
        assert episode.metrics[name] == pytest.approx(values.mean(), nan_ok=True)
    episode.step()  # nothing more
    assert episode.length == expected.lengths.max()


def test_metrics_grow_with_the_steps_and_a_reset_begins_anew():
    env = make_drawn_env("quadrivium/SingleAsset-v0", 1, {})
    episode = LiveEpisode(env, make_player("baseline:buy_and_hold", env))
    episode.reset(3)
    assert (episode.metrics, episode.terms, episode.total) == ({}, {}, 0.0)
    lengths = []
    for _ in range(4):
        episode.step()
        lengths.append(episode.metrics["length"])
    assert lengths == [1, 2, 3, 4]
    assert episode.total == pytest.approx(sum(episode.terms.values()), abs=1e-5)
    episode.reset(3)
    assert (episode.length, episode.total, episode.curve) == (0, 0.0, [(0, 0.0)])


def test_a_person_acts_where_there_is_no_player_and_must_say_how():
    env = make_drawn_env("quadrivium/SignChain-v0", 1, {})
    episode = LiveEpisode(env, None)
    episode.reset(0)
    with pytest.raises(ValueError, match=r"give step\(\) an action"):
        episode.step()
    episode.step(np.array([1]))
    assert episode.length == 1


def test_the_curve_is_short_and_ends_at_the_newest_step(monkeypatch):
    monkeypatch.setattr(live, "MOST_POINTS", 16)
    env = make_drawn_env("quadrivium/SingleAsset-v0", 1, {})
    episode = LiveEpisode(env, make_player("baseline:momentum", env))
    episode.reset(0)
    totals = {0: 0.0}
    while not episode.over:
        episode.step()
        totals[episode.length] = episode.total
        assert len(episode.curve) <= 17
        assert episode.curve[0] == (0, 0.0)
        assert episode.curve[-1] == (episode.length, episode.total)
    assert episode.length > 32  # else nothing was left out
    assert dict(episode.curve).items() <= totals.items()


class Broken(gymnasium.Env):
    metadata = {"render_modes": ["rgb_array"], "render_fps": 5}  # noqa: RUF012
    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        return np.zeros(2, np.float32), {}

    def step(self, action):
        return np.full(2, np.nan, np.float32), 0.0, False, False, {}


class Undrawn(Broken):
    metadata = {"render_modes": []}  # noqa: RUF012


def test_a_nan_ends_it_with_one_line():
    gymnasium.register("Broken-v0", Broken)
    env = make_drawn_env("Broken-v0", 1, {})
    episode = LiveEpisode(env, make_player("random", env))
    episode.reset(0)
    with pytest.raises(NotFiniteError, match="Broken-v0"):
        episode.step()


@pytest.mark.parametrize(
    ("env_id", "kwargs", "said"),
    [
        ("quadrivium/Highwy-v0", {}, "did you mean 'quadrivium/Highway-v0'"),
        ("quadrivium/Highway-v0", {"lanes": 99}, "lanes=99"),
        ("quadrivium/Highway-v0", {"lane": 3}, "lane"),
        ("Undrawn-v0", {}, "no render mode rgb_array"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(env_id, kwargs, said):
    gymnasium.register("Undrawn-v0", Undrawn)
    with pytest.raises(UserError, match=said):
        make_drawn_env(env_id, 1, kwargs)


def test_who_remembers_is_told_where_episodes_begin():
    class Counts:
        """Acts at random, and counts the observations of an episode."""

        name, seen, counted = "counts", 0, []

        def act(self, obs, env):
            self.seen += 1
            return env.action_space.sample()

        def forget(self, lanes=None):
            if lanes is None or len(lanes):
                self.counted.append(self.seen)
                self.seen = 0

    player = Counts()
    episode = LiveEpisode(make_drawn_env("CartPole-v1", 1, {}), player)
    lengths = []
    for seed in (3, 4):
        episode.reset(seed)
        while not episode.over:
            episode.step()
        lengths.append(episode.length)
    assert player.counted == [0, lengths[0], 0, lengths[1]]

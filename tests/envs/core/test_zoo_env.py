"""Every board game as a PettingZoo environment: PettingZoo's own tests, and what they do not look at."""

import importlib
import re
import subprocess
import sys
import warnings
from types import ModuleType

import numpy as np
import pytest
from pettingzoo.test import api_test, performance_benchmark, render_test, seed_test

from quadrivium.envs.board import connect_four_v0, othello_v0, tic_tac_toe_v0
from quadrivium.envs.board.registry import GAMES
from quadrivium.envs.core.zoo_env import AGENTS, GameAECEnv

# What api_test says of every environment with a Dict observation, PettingZoo's own games included.
EXPECTED_WARNINGS = "probably should be gymnasium.spaces.box|is not a NumPy array|numpy array is all zeros"


def module_of(game_name: str) -> ModuleType:
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", game_name).lower()
    return importlib.import_module(f"quadrivium.envs.board.{snake}_v0")


def play(env, actions) -> None:
    for action in actions:
        env.step(action)


def snapshot(env: GameAECEnv) -> tuple:
    return (
        env.get_state().tobytes(),
        env.agent_selection,
        list(env.agents),
        dict(env.rewards),
        dict(env._cumulative_rewards),
        dict(env.terminations),
    )


@pytest.fixture
def connect_four() -> GameAECEnv:
    env = connect_four_v0.raw_env()
    env.reset(seed=0)
    return env


@pytest.mark.parametrize("name", GAMES)
class TestEveryGame:
    def test_passes_pettingzoos_api_test(self, name: str):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            api_test(module_of(name).env(), num_cycles=300)
        messages = {str(warning.message) for warning in caught if warning.category is UserWarning}
        assert [message for message in messages if not re.search(EXPECTED_WARNINGS, message)] == []

    def test_passes_pettingzoos_seed_test(self, name: str):
        seed_test(module_of(name).env, num_cycles=100)

    def test_passes_pettingzoos_performance_benchmark(self, name: str, monkeypatch: pytest.MonkeyPatch):
        class FastClock:  # a twentieth of a second each time that it is read: a hundred cycles, not 5 s
            now = 0.0

            def time(self) -> float:
                self.now += 0.05
                return self.now

        monkeypatch.setattr(sys.modules["pettingzoo.test.performance_benchmark"], "time", FastClock())
        performance_benchmark(module_of(name).env())

    def test_passes_pettingzoos_render_test(self, name: str, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
        monkeypatch.setattr("quadrivium.envs.board.render.renderer.MOVES_PER_SECOND", 1000)
        render_test(module_of(name).env)

    def test_is_named_after_its_module_and_is_not_parallel(self, name: str):
        module = module_of(name)
        env = module.env()
        assert env.metadata["name"] == str(env) == module.__name__.rpartition(".")[2]
        assert env.metadata["is_parallelizable"] is False
        assert env.metadata["render_modes"] == ["human", "ansi", "rgb_array"]
        assert isinstance(env.unwrapped, GameAECEnv)

    def test_random_games_end_with_the_games_own_result(self, name: str):
        env, rng = module_of(name).raw_env(), np.random.default_rng(3)
        game, rewards_seen = env.game, set()
        for _ in range(5):
            env.reset()
            pool, rows = env.get_state(), np.arange(1)
            while not game.result(pool, rows).over[0]:
                seat = int(game.result(pool, rows).to_move[0])
                assert env.agent_selection == AGENTS[seat]
                assert list(env.terminations.values()) == [False, False]
                mask = env.observe(AGENTS[seat])["action_mask"]
                np.testing.assert_array_equal(mask, game.legal(pool, rows)[0])
                action = int(rng.choice(np.flatnonzero(mask)))
                env.step(action)
                game.step(pool, rows, np.array([action]))
            returns = game.result(pool, rows).returns[0]
            assert list(env.terminations.values()) == [True, True]
            assert list(env.rewards.values()) == returns.tolist()
            assert not any(env.observe(agent)["action_mask"].any() for agent in AGENTS)
            for _ in AGENTS:
                seat = AGENTS.index(env.agent_selection)
                assert env.last()[1:4] == (returns[seat], True, False)
                env.step(None)
            assert env.agents == []
            rewards_seen.add(tuple(returns.tolist()))
        assert rewards_seen <= {(1.0, -1.0), (-1.0, 1.0), (0.0, 0.0)}

    def test_a_game_goes_on_from_a_positions_text(self, name: str):
        env = module_of(name).raw_env()
        game = env.game
        for moves in (0, 1, 4):
            pool = game.pool(1, seed=5)
            game.play_random(pool, np.arange(1), moves)
            text = game.position_text(pool[0])
            env.reset(seed=9, options={"position": text})
            here = game.position_text(env.get_state()[0])
            if game.num_outcomes:  # the last word is the stream of the dice, which the seed decides
                here, text = here.rpartition(" ")[0], text.rpartition(" ")[0]
            assert here == text
            assert env.agent_selection == AGENTS[int(pool["to_move"][0])]
            assert env.get_state()["seed"][0] == 9
            seen = env.observe(env.agent_selection)
            np.testing.assert_array_equal(seen["action_mask"], game.legal(pool, np.arange(1))[0])
            env.step(int(np.argmax(seen["action_mask"])))

    def test_an_illegal_move_raises_and_changes_nothing(self, name: str):
        env = module_of(name).raw_env()
        env.reset()
        legal = env.observe("player_0")["action_mask"]
        wrong = [-1, env.game.num_actions, None, 0.5, "a", *np.flatnonzero(legal == 0)[:1].tolist()]
        for action in wrong:
            before = snapshot(env)
            with pytest.raises(ValueError) as caught:
                env.step(action)
            assert "\n" not in str(caught.value)
            assert snapshot(env) == before
        env.step(np.int32(np.argmax(legal)))
        assert env.get_state()["ply"][0] == 1
        assert env.agent_selection == AGENTS[int(env.get_state()["to_move"][0])]

    def test_text_and_pictures_come_from_the_state(self, name: str):
        env = module_of(name).env(render_mode="ansi")
        env.reset()
        assert re.search(r"to move( with \d-\d)?\x1b\[0m$", env.render())
        env = module_of(name).env(render_mode="rgb_array")
        env.reset()
        first = env.render()
        env.step(int(np.argmax(env.observe("player_0")["action_mask"])))
        assert first.shape == env.render().shape
        assert (first != env.render()).any()
        env.close()


def test_four_in_a_column_gives_one_and_minus_one(connect_four: GameAECEnv):
    play(connect_four, [0, 1, 0, 1, 0, 1])
    assert connect_four.rewards == {"player_0": 0.0, "player_1": 0.0}
    connect_four.step(0)
    assert connect_four.rewards == {"player_0": 1.0, "player_1": -1.0}
    assert connect_four.terminations == {"player_0": True, "player_1": True}
    assert connect_four.truncations == {"player_0": False, "player_1": False}
    assert connect_four.agent_selection == "player_1"
    assert connect_four.last()[1:] == (-1.0, True, False, {})


def test_the_second_player_can_win(connect_four: GameAECEnv):
    play(connect_four, [0, 1, 0, 1, 0, 1, 2, 1])
    assert connect_four.rewards == {"player_0": -1.0, "player_1": 1.0}


def test_a_draw_gives_nothing():
    env = tic_tac_toe_v0.env()
    env.reset()
    play(env, [0, 1, 2, 4, 3, 5, 7, 6, 8])  # xox xoo oxx
    assert env.rewards == {"player_0": 0.0, "player_1": 0.0}
    assert env.terminations == {"player_0": True, "player_1": True}


def test_a_full_column_is_masked(connect_four: GameAECEnv):
    play(connect_four, [3] * 6)
    assert connect_four.observe("player_0")["action_mask"].tolist() == [1, 1, 1, 0, 1, 1, 1]
    with pytest.raises(ValueError, match="move d is illegal; legal moves: a, b, c, e, f, g"):
        connect_four.step(3)


def test_each_agent_sees_its_own_pieces_first_and_only_the_mover_may_move(connect_four: GameAECEnv):
    connect_four.step(3)
    waiting, moving = connect_four.observe("player_0"), connect_four.observe("player_1")
    assert np.argwhere(waiting["observation"]).tolist() == [[0, 5, 3]]
    assert np.argwhere(moving["observation"]).tolist() == [[1, 5, 3]]
    assert waiting["action_mask"].tolist() == [0] * 7
    assert moving["action_mask"].tolist() == [1] * 7
    for agent, seen in zip(AGENTS, (waiting, moving), strict=True):
        assert connect_four.observation_space(agent).contains(seen)


def test_what_observe_returns_is_the_callers_to_keep(connect_four: GameAECEnv):
    seen = connect_four.observe("player_0")
    connect_four.step(3)
    assert not seen["observation"].any()
    assert seen["action_mask"].all()


def test_an_ended_game_takes_no_moves_but_none(connect_four: GameAECEnv):
    play(connect_four, [0, 1, 0, 1, 0, 1, 0])
    with pytest.raises(ValueError, match="only valid action is None"):
        connect_four.step(2)
    connect_four.step(None)
    assert connect_four.agents == ["player_0"]
    connect_four.reset()
    assert connect_four.agents == ["player_0", "player_1"]
    assert connect_four.agent_selection == "player_0"
    play(connect_four, [0, 1, 0, 1, 0, 1, 0, None, None])
    assert connect_four.agents == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"position": "nonsense"}, "does not say who is to move"),
        ({"position": ". . . . . . .\n" * 5 + "x x x . . . .\nyellow to move"}, "3 red and 0 yellow"),
        ({"postion": ""}, "did you mean 'position'"),
    ],
)
def test_a_bad_position_raises_and_the_game_goes_on_as_it_was(connect_four: GameAECEnv, options, message):
    connect_four.step(3)
    before = snapshot(connect_four)
    with pytest.raises(ValueError, match=message):
        connect_four.reset(options=options)
    assert snapshot(connect_four) == before


def test_a_game_cannot_begin_where_it_has_ended(connect_four: GameAECEnv):
    game = connect_four.game
    text = game.position_text(game.play_moves("a b a b a b a")[0])
    with pytest.raises(ValueError, match="has ended in that position"):
        connect_four.reset(options={"position": text})


def test_the_games_own_options_are_arguments_and_no_others():
    assert othello_v0.env(size=6).observation_space("player_0")["observation"].shape[1:] == (6, 6)
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'sise': .* did you mean 'size'\?"):
        othello_v0.env(sise=6)
    with pytest.raises(
        TypeError, match="unexpected keyword argument 'opponent': use one of 'threats', 'render_mode'"
    ):
        connect_four_v0.env(opponent="random")
    with pytest.raises(ValueError, match="size=7"):
        othello_v0.env(size=7)


def test_an_unknown_render_mode_is_refused():
    with pytest.raises(ValueError, match=r"render_mode='text' is unknown; use one of \['human', 'ansi'"):
        connect_four_v0.env(render_mode="text")


def test_the_modules_load_neither_torch_nor_pygame():
    code = (
        "import sys; from quadrivium.envs.board import connect_four_v0; "
        "env = connect_four_v0.env(render_mode='ansi'); "
        "print([name for name in ('torch', 'pygame', 'stable_baselines3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

"""A run's seed decides its games: other seeds, other scenarios and openings, in every game and world."""

import gymnasium
import numpy as np
import pytest

import quadrivium  # noqa: F401 (registers the environment ids)
from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.play.outcomes import Returns, WinDrawLoss
from quadrivium.agents.alphazero.play.self_play import SelfPlay, SelfPlayConfig
from quadrivium.agents.errors import UserError
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.search.protocols import Evaluation
from quadrivium.commands.build import make_game
from tests.agents.search.toys import Coins

IDS = [name for name in gymnasium.registry if name.startswith("quadrivium/")]


class Drawn:
    """A search that draws nothing of its own: random moves from the rows' streams, as openings do."""

    draws = values = np.zeros(6, np.float32)

    def __init__(self, game, roots):
        self.actions = game.random_actions(roots, np.arange(len(roots)))
        self.policy = np.eye(game.num_actions, dtype=np.float32)[self.actions]


def nothing(obs, legal):
    return Evaluation(np.zeros(legal.shape, np.float32), np.zeros(len(legal), np.float32))


def seen(game, seed, moves=8):
    """Returns what six games look like, move after move (moves, 6, ...): only their numbers differ."""
    outcomes = Returns(game, 1.0, 1.0) if game.num_players == 1 else WinDrawLoss(game)
    search, config = lambda roots, *_: Drawn(game, roots), SelfPlayConfig()
    play, looks = SelfPlay(game, outcomes, search, config, 6, np.random.default_rng(seed)), []
    for _ in range(moves):
        play.play(1, nothing, 4)
        looks.append(game.observe(play.pool, np.arange(6)))
    return np.array(looks)


@pytest.mark.parametrize("name", IDS)
def test_every_world_and_game_follows_from_the_seed(name):
    try:
        game = make_game(name, {})
    except UserError:
        pytest.skip("no search plans in this world")
    one, same, other = (seen(game, seed) for seed in (1, 1, 2))
    assert (one == same).all()
    differ = (one != other).reshape(len(one), 6, -1).any((0, 2))
    assert differ.sum() >= 5, "games of different seeds are alike"  # by chance one may be


def test_a_coin_falls_otherwise_with_another_seed():
    """Rows of two runs share no stream: of 4,000 numbers of games none is drawn twice."""
    starts = []
    for seed in range(40):
        play = SelfPlay(
            Coins(), Returns(Coins(), 1.0, 1.0), None, SelfPlayConfig(), 100, np.random.default_rng(seed)
        )
        starts.append(play.pool["rng"])
        assert (np.diff(play.pool["rng"]) == 1).all()
    assert len(np.unique(starts)) == 4000


def test_new_games_go_on_from_the_number_where_the_last_ones_ended_after_a_restart_too():
    def fresh(seed):
        search = lambda roots, *_: Drawn(game, roots)  # noqa: E731
        return SelfPlay(game, WinDrawLoss(game), search, SelfPlayConfig(), 6, np.random.default_rng(seed))

    game = make_game("quadrivium/TicTacToe-v0", {})
    one, other = fresh(1), fresh(2)
    one.play(7, nothing, 4)
    other.load_state(one.state())
    for play in (one, other):
        play.play(9, nothing, 4)
    assert one.pool.tobytes() == other.pool.tobytes()


def test_agents_of_two_seeds_begin_other_games():
    config = AlphaZeroConfig(net=NetConfig("cnn", width=8, depth=1, normalize_inputs=False), random_plies=4)
    game = make_game("quadrivium/ConnectFour-v0", {})
    one, same, other = (
        AlphaZero(config, game, games=32, seed=seed, device="cpu")._practices[0]._self_play.pool
        for seed in (0, 0, 12345)
    )
    assert one.tobytes() == same.tobytes()
    assert (game.observe(one, np.arange(32)) != game.observe(other, np.arange(32))).any()
    assert not np.isin(one["rng"], other["rng"]).any()

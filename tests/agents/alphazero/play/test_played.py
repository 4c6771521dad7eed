"""Games of others as positions: the move that was played, who won, and only what is known of the end."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig, RecordsConfig
from quadrivium.agents.alphazero.learn.loss import alphazero_loss, to_targets
from quadrivium.agents.alphazero.learn.network import Outputs
from quadrivium.agents.alphazero.play.played import PlayedGame, pack_played, parted
from quadrivium.agents.alphazero.play.records import RecordFormat
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.training.hooks import Hooks
from quadrivium.envs.board import GAMES
from tests.agents.search.toys import Corridor

ROW = np.arange(1)


def random_game(game, seed, stop=None):
    """Returns a random game, played to its end or given up by whoever is to move after `stop` moves."""
    rng, pool, actions = np.random.default_rng(seed), game.pool(1), []
    start = pool.copy()
    while not game.result(pool, ROW).over[0]:
        if len(actions) == stop:
            outcome = -1 if pool["to_move"][0] == 0 else 1
            return PlayedGame(start, tuple(actions), outcome, settled=False)
        actions.append(int(rng.choice(np.flatnonzero(game.legal(pool, ROW)[0]))))
        game.step(pool, ROW, np.array(actions[-1:]))
    outcome = int(np.sign(game.result(pool, ROW).returns[0, 0]))
    return PlayedGame(start, tuple(actions), outcome, settled=True)


@pytest.mark.parametrize("name", ["ConnectFour", "Othello", "Chess"])
def test_positions_are_those_of_the_games_with_the_move_played_and_the_outcome(name):
    game = GAMES[name]()
    form = RecordFormat(game, td_lambda=0.5, root_share=0.3)  # of no matter to games without searches
    games = [random_game(game, seed, stop=12 if seed == 1 else 30) for seed in range(3)]
    samples = form.unpack(pack_played(game, form, games, ()))
    at = 0
    for one in games:
        pool = one.start.copy()
        for action in one.actions:
            np.testing.assert_allclose(samples.obs[at], game.observe(pool, ROW)[0], rtol=1e-3)  # float16
            np.testing.assert_array_equal(samples.legal[at], game.legal(pool, ROW)[0] != 0)
            assert samples.policy[at].argmax() == action
            assert samples.policy[at].sum() == 1
            assert samples.outcome[at] == (one.outcome if pool["to_move"][0] == 0 else -one.outcome)
            assert samples.root_share[at] == 0
            game.step(pool, ROW, np.array([action]))
            at += 1
    assert at == len(samples.obs)


def test_what_the_end_tells_is_learned_of_settled_games_alone():
    game = GAMES["Othello"](size=6)
    form = RecordFormat(game, ("disc_difference",))
    settled, given_up = random_game(game, 0), random_game(game, 1, stop=9)
    samples = form.unpack(pack_played(game, form, [settled, given_up], ["disc_difference"]))
    told = samples.auxiliary["disc_difference"]
    pool = settled.start.copy()
    for action in settled.actions:
        game.step(pool, ROW, np.array([action]))
    assert abs(told[0]) == abs(game.cells(pool[0]).sum())
    assert np.isnan(told[-9:]).all()
    assert not np.isnan(told[:-9]).any()


@pytest.mark.parametrize("name", ["ownership", "score"])
def test_what_is_not_known_moves_nothing(name):
    game = GAMES["Go"](size=5)
    form = RecordFormat(game, (name,))
    samples = form.unpack(pack_played(game, form, [random_game(game, 2, stop=8)], [name]))
    assert np.isnan(samples.auxiliary[name]).all()
    targets = to_targets(samples, torch.device("cpu"))
    said = torch.zeros(targets.auxiliary[name].shape, requires_grad=True)
    outputs = Outputs(torch.zeros(8, 26), torch.zeros(8, 3), {name: said})
    losses = alphazero_loss(outputs, targets, 1.0, {name: 1.0})
    assert losses.auxiliary[name] == 0
    (slope,) = torch.autograd.grad(losses.total, said)
    assert (slope == 0).all()


def test_the_same_games_are_held_out_each_time():
    game = GAMES["TicTacToe"]()
    games = [random_game(game, seed) for seed in range(40)]
    learned, out = parted(games, 0.1)
    assert (len(learned), len(out)) == (36, 4)
    assert [games.index(one) for one in parted(games, 0.1)[1]] == [games.index(one) for one in out]
    assert parted(games, 0.0) == (games, [])


CONFIG = AlphaZeroConfig(
    n_steps=4,
    simulations=4,
    first_simulations=2,
    batch_size=16,
    learning_starts=16,
    ladder_games=0,
    exam_simulations=0,
    symmetries=False,  # else of four edges each is as good
    learning_rate=1e-2,
    ema_decay=0.5,
    net=NetConfig(trunk="cnn", width=8, depth=1, normalize_inputs=False),
    records=RecordsConfig(files=["read before"], passes=3, share=0.5, held_out=0.2),
)


def agent_with_records(seed=0, config=CONFIG):
    game = GAMES["TicTacToe"]()
    # The first player takes the centre, then the corners as they are free; the other ones the edges.
    wins = [PlayedGame(game.pool(1), (4, 1, 0, 3, 8), 1, settled=True)] * 25
    return AlphaZero(config, game, played=wins, games=8, seed=seed, device="cpu")


class Note(Hooks):
    def __init__(self, stop=10**9):
        self.stop, self.lines, self.snapshot = stop, [], None

    def on_iteration_logged(self):
        self.lines.append((self.agent.num_timesteps, self.agent.summary()))
        if self.agent.num_timesteps == self.stop:
            self.snapshot = self.agent.snapshot()
        return self.agent.num_timesteps < self.stop


def test_records_are_studied_first_and_mixed_in_afterwards():
    agent, note = agent_with_records(), Note()
    agent.learn(32 * 14, hooks=note)
    # 20 of 25 games are learned from: 100 positions, three times, in iterations of 32 moves.
    studied = [step for step, line in note.lines if "self_play/positions" not in line]
    assert studied == list(range(32, 321, 32))
    assert all(line["train/updates"] == step // 16 for step, line in note.lines if step <= 320)
    assert {line["self_play/window"] > 0 for step, line in note.lines if step > 384} == {True}
    said = agent.recall()
    assert said["records/policy_accuracy"] > 0.9
    assert said["records/policy_loss"] < 0.7
    assert agent_with_records().recall()["records/policy_accuracy"] < 0.5


@pytest.mark.parametrize("stop", [128, 384])
def test_resuming_among_records_is_exact(stop):
    whole = agent_with_records()
    whole.learn(32 * 14)
    half, note = agent_with_records(), Note(stop)
    half.learn(32 * 14, hooks=note)
    again = agent_with_records(seed=9)
    again.restore(note.snapshot)
    again.learn(32 * 14 - stop, reset_num_timesteps=False)
    for name, value in whole.policy.state_dict().items():
        assert torch.equal(value, again.policy.state_dict()[name]), name


def test_a_world_with_one_player_has_no_records():
    played = [PlayedGame(GAMES["TicTacToe"]().pool(1), (4,), 1, settled=False)] * 5
    config = replace(CONFIG, gamma=0.9, symmetries=False, net=NetConfig("mlp", width=8, depth=1))
    with pytest.raises(ValueError, match="records are of games between two players"):
        AlphaZero(config, Corridor(4), played=played, games=8, seed=0, device="cpu")

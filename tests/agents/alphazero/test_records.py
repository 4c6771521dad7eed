"""What self-play stores of a position comes back as it was."""

import numpy as np
import pytest

from agents.alphazero.records import RecordFormat
from envs.board.registry import GAMES


def positions(game, n, moves):
    pool = game.pool(n, 5)
    for k in range(n):
        game.play_random(pool, np.array([k]), moves * k // n, restart=True)
    return pool, np.arange(n)


@pytest.mark.parametrize("name", GAMES)
def test_a_position_comes_back_exactly_or_within_half_precision(name):
    game = GAMES[name]()
    record_format = RecordFormat(game)
    pool, rows = positions(game, 40, 60)
    obs, legal = game.observe(pool, rows), game.legal(pool, rows)
    policy = np.random.default_rng(0).dirichlet(np.ones(game.num_actions), 40).astype(np.float32)
    values = np.linspace(-1, 1, 40, dtype=np.float32)
    samples = record_format.unpack(record_format.pack(obs, legal, policy, values, pool["to_move"]))
    whole = (obs == 0) | (obs == 1)
    assert (samples.obs[whole] == obs[whole]).all()
    np.testing.assert_allclose(samples.obs, obs, atol=5e-4)  # float16 near 1
    assert (samples.legal == (legal == 1)).all()
    np.testing.assert_allclose(samples.policy, policy, atol=5e-4)
    assert (samples.root_value == values).all()


def test_planes_of_zeros_and_ones_are_stored_in_bits():
    # 2 planes x 42 cells = 84 bits = 11 bytes; mask 1; policy 7 x 2; value 4; to_move and outcome.
    assert RecordFormat(GAMES["ConnectFour"]()).dtype.itemsize == 11 + 1 + 14 + 4 + 2


def test_the_outcome_is_from_the_view_of_the_player_to_move():
    game = GAMES["TicTacToe"]()
    record_format = RecordFormat(game)
    records = np.zeros(3, record_format.dtype)
    records["to_move"] = [0, 1, 0]
    record_format.finish(records, np.array([-1.0, 1.0], np.float32), {})
    assert records["outcome"].tolist() == [-1, 1, -1]


def test_ownership_and_score_turn_with_the_player_to_move():
    """On 2 x 2, X owns the left column: 2 points to 2, less 0.5 komi."""
    game = GAMES["Go"](size=2, komi=0.5)
    record_format = RecordFormat(game, ("ownership", "score"))
    records = np.zeros(2, record_format.dtype)
    records["to_move"] = [0, 1]
    ends = {"ownership": np.array([[1, -1], [1, -1]], np.int8), "score": np.float32(-0.5)}
    record_format.finish(records, np.array([-1.0, 1.0], np.float32), ends)
    assert records["ownership"].tolist() == [[1, -1, 1, -1], [-1, 1, -1, 1]]
    assert records["score"].tolist() == [-0.5, 0.5]


def test_a_plane_that_is_not_binary_after_all_is_an_error():
    game = GAMES["TicTacToe"]()
    obs = np.full((1, 2, 3, 3), 0.5, np.float32)
    zeros = np.zeros((1, 9), np.float32)
    with pytest.raises(ValueError, match="another number"):
        RecordFormat(game).pack(obs, zeros, zeros, np.zeros(1), np.zeros(1))

"""AlphaZero learns tic-tac-toe, with convolutions to perfection: shown on every position that there is."""

from dataclasses import dataclass

import numpy as np
import pytest

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.nets import NetConfig
from quadrivium.envs.board import TicTacToe

SIMULATIONS = 64


@dataclass
class Solved:
    """All running positions of a game (n,), and what they are worth to the player to move."""

    positions: np.ndarray
    values: np.ndarray  # (n,), with best play of both
    action_values: np.ndarray  # (n, A), -inf where illegal


def solve(game) -> Solved:
    """Enumerates the game ply by ply, then values it from the end (negamax)."""
    plies, links = [game.pool(1)], []
    while len(plies[-1]):
        pool = plies[-1]
        parents, actions = np.nonzero(game.legal(pool, np.arange(len(pool))))
        children = pool[parents]
        game.step(children, np.arange(len(children)), actions)
        _, first, which = np.unique(children["marks"], axis=0, return_index=True, return_inverse=True)
        links.append((parents, actions, which.reshape(-1)))
        plies.append(children[first])
    below = np.zeros(0)
    found = []
    for pool, (parents, actions, which) in zip(plies[-2::-1], links[::-1], strict=True):
        result = game.result(pool, np.arange(len(pool)))
        worth = np.full((len(pool), game.num_actions), -np.inf)
        worth[parents, actions] = -below[which]
        values = np.where(
            result.over, result.returns[np.arange(len(pool)), result.to_move], worth.max(axis=1)
        )
        found.append((pool[~result.over], values[~result.over], worth[~result.over]))
        below = values
    return Solved(*(np.concatenate(column) for column in zip(*found[::-1], strict=True)))


@pytest.fixture(scope="module")
def solved():
    return solve(TicTacToe())


def learn(net: NetConfig, learning_rate: float = 3e-3) -> AlphaZero:
    """Returns an agent that has learned from 46,080 moves."""
    config = AlphaZeroConfig(
        n_steps=9,
        simulations=16,
        first_simulations=8,
        growth=0.2,
        random_plies=6,
        random_share=0.8,
        batch_size=256,
        reuse=8,
        learning_starts=256,
        window_min=5_000,
        window_max=10_000,
        learning_rate=learning_rate,
        learning_rate_end=learning_rate / 10,
        ema_decay=0.98,
        net=net,
    )
    agent = AlphaZero(config, TicTacToe(), games=128, seed=0, device="cpu")
    return agent.learn(128 * 9 * 40)


@pytest.fixture(scope="module")
def agent():
    return learn(NetConfig("cnn", width=32, depth=1, normalize_inputs=False))


def kept(solved: Solved, actions: np.ndarray) -> np.ndarray:
    """Returns which of the moves (n,), one a position, give nothing away."""
    return solved.action_values[np.arange(len(actions)), actions] == solved.values


def kept_by_policy(agent: AlphaZero, solved: Solved) -> float:
    """Returns the share of the policy's moves, without search, that give nothing away."""
    rows = np.arange(len(solved.positions))
    obs = {
        "observation": agent.game.observe(solved.positions, rows),
        "action_mask": agent.game.legal(solved.positions, rows),
    }
    return float(kept(solved, agent.act(obs)).mean())


def test_the_solution_is_the_known_one(solved):
    """4520 running positions of 5478; nobody wins from the start, whatever the first move."""
    assert len(solved.positions) == 5478 - 958
    assert solved.values[0] == 0
    assert (solved.action_values[0] == 0).all()


def test_no_move_in_any_position_gives_anything_away(agent, solved):
    """So every won position is kept, and against an exhaustive opponent no drawn one is lost."""
    good = kept(solved, agent.best_actions(solved.positions, SIMULATIONS))
    assert good.all(), f"{(~good).sum()} of {len(good)} moves give something away"


def test_it_loses_no_game_against_any_sequence_of_replies(agent):
    """All games in which the agent has one seat and the other tries every move."""
    game = TicTacToe()
    for seat in (0, 1):
        pool = game.pool(1)
        while len(pool):
            rows = np.arange(len(pool))
            if pool["to_move"][0] == seat:
                actions = agent.best_actions(pool, SIMULATIONS)
            else:
                rows, actions = np.nonzero(game.legal(pool, rows))
            pool = pool[rows]
            game.step(pool, np.arange(len(pool)), actions)
            result = game.result(pool, np.arange(len(pool)))
            assert (result.returns[:, seat] >= 0).all()
            pool = pool[~result.over]


def test_the_policy_alone_nearly_plays_perfectly(agent, solved):
    assert kept_by_policy(agent, solved) > 0.985


def test_a_transformer_learns_the_same_game(solved):
    """Random moves give nothing away in 58 of 100 positions.

    Measured with six seeds: 89 to 97 by the policy, 99.2 to 99.7 with search. The convolutions'
    learning rate is too high for attention: with 3e-3 one of seven seeds stays at 76.
    """
    agent = learn(NetConfig("transformer", width=32, depth=1, normalize_inputs=False), learning_rate=2e-3)
    assert kept_by_policy(agent, solved) > 0.85
    some = Solved(solved.positions[::5], solved.values[::5], solved.action_values[::5])
    assert kept(some, agent.best_actions(some.positions, SIMULATIONS)).mean() > 0.985

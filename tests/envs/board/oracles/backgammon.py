"""Random games of backgammon beside OpenSpiel: after each two checkers' moves all that can have come of them.

OpenSpiel's action is two moves at once, or what can be played of them; a double is two such actions. So what
is compared is the set of positions that they may lead to, ours by all sequences of two actions.
"""

from functools import cache
from typing import Any

import numpy as np

from quadrivium.envs.board.backgammon.game import Backgammon
from quadrivium.envs.board.backgammon.kernel import POINTS

ONE = np.arange(1)
X, O = 0, 1  # OpenSpiel's players  # noqa: E741
AT_ONCE = 2  # moves of an action there

Board = tuple[tuple[int, ...], tuple[int, ...]]  # checkers of both seats, off, 1 to 24, bar


@cache
def _game() -> Any:
    import pyspiel

    return pyspiel.load_game("backgammon(scoring_type=full_scoring)")


@cache
def _openings() -> dict[tuple[int, frozenset[int]], int]:
    """Returns OpenSpiel's outcome for (who begins, the dice)."""
    found = {}
    for outcome, _ in _game().new_initial_state().chance_outcomes():
        state = _game().new_initial_state()
        state.apply_action(outcome)
        found[state.current_player(), frozenset(dice_of(state))] = outcome
    return found


def dice_of(state: Any) -> list[int]:
    """Returns the two dice that OpenSpiel shows."""
    line = next(line for line in str(state).splitlines() if line.startswith("Dice: "))
    return [int(face) for face in line.split()[1]]


def roll_outcome(state: Any, large: int, small: int) -> int:
    """Returns OpenSpiel's outcome for a roll of the dice."""
    wanted = {f"{large}{small}", f"{small}{large}"}
    for outcome, _ in state.chance_outcomes():
        text = state.action_to_string(state.current_player(), outcome)
        if text.rpartition("roll: ")[2].rstrip(")") in wanted:
            return outcome
    raise AssertionError(f"OpenSpiel cannot roll {large}-{small}")


def board_of(state: Any, first: int) -> Board:
    """Returns OpenSpiel's checkers by our seats; first: the player of theirs who has our first seat."""
    seen = state.observation_tensor(X)  # X's points, O's points, four features each; then bar, off, turn, ...
    features = np.array(seen[: 2 * 4 * POINTS]).reshape(2, POINTS, 4)
    counts = (features * [1, 2, 3, 1]).sum(axis=2) + 3 * (features[:, :, 3] > 0)
    counts = counts.astype(int)
    bars, offs = (seen[192], seen[195]), (seen[193], seen[196])
    own = {X: counts[X][::-1], O: counts[O]}  # X runs to position 23, O to 0
    whole = [(int(offs[player]), *map(int, own[player]), int(bars[player])) for player in (X, O)]
    return whole[first], whole[1 - first]


def ours_of(row: np.void) -> Board:
    return tuple(row["points"][0].tolist()), tuple(row["points"][1].tolist())


def continuations(game: Backgammon, pool: np.ndarray) -> dict[Board, list[int]]:
    """Returns the positions that two actions of the player to move may lead to, and ways there.

    Fewer actions where the turn ends before.
    """
    seat, found = int(pool["to_move"][0]), {}
    waiting: list[tuple[np.ndarray, list[int]]] = [(pool, [])]
    while waiting:
        at, way = waiting.pop()
        actions = np.flatnonzero(game.legal(at, ONE)[0])
        after = np.repeat(at, len(actions) + 1)
        targets = np.arange(1, len(after))
        result = game.branch(after, np.zeros(len(actions), np.int64), targets, actions)
        for k, action in enumerate(actions.tolist()):
            row, taken = after[k + 1], [*way, action]
            if len(taken) < AT_ONCE and not result.over[k] and result.to_move[k] == seat:
                waiting.append((after[k + 1 : k + 2], taken))
            else:
                found[ours_of(row)] = taken
    return found


def play_games(count: int, seed: int, *, gammons: bool = True) -> int:
    """Plays random games beside OpenSpiel; returns how many turns, or halves of doubles, were compared.

    Raises AssertionError at the first difference, with our position.
    """
    game, rng, compared = Backgammon(gammons=gammons), np.random.default_rng(seed), 0
    for number in range(count):
        pool, state, first = game.pool(1, int(rng.integers(2**40))), _game().new_initial_state(), number % 2
        state.apply_action(_openings()[first, frozenset(pool["dice"][0].tolist())])
        while True:
            here = game.position_text(pool[0])
            assert ours_of(pool[0]) == board_of(state, first), f"board at {here}"
            seat, (large, small) = int(pool["to_move"][0]), pool["dice"][0].tolist()
            assert seat == state.current_player() ^ first, f"to move at {here}"
            assert sorted(dice_of(state)) == sorted([large, small or large]), f"dice at {here}"
            ours, theirs = continuations(game, pool), {}
            for action in state.legal_actions():
                after = state.clone()
                after.apply_action(action)
                theirs[board_of(after, first)] = action
            assert ours.keys() == theirs.keys(), f"moves at {here}"
            compared += 1
            chosen = list(ours)[int(rng.integers(len(ours)))]
            for action in ours[chosen]:
                game.step(pool, ONE, np.array([action]))
            state.apply_action(theirs[chosen])
            result = game.result(pool, ONE)
            assert bool(result.over[0]) == state.is_terminal(), f"over after {here}"
            if state.is_terminal():
                returns = np.array(state.returns())[[first, 1 - first]]
                assert result.returns[0].tolist() == (returns if gammons else np.sign(returns)).tolist(), here
                break
            if not state.is_chance_node() and int(result.to_move[0]) != state.current_player() ^ first:
                (action,) = state.legal_actions()  # the rest of a double, of which nothing can be played
                state.apply_action(action)
                assert ours_of(pool[0]) == board_of(state, first), f"pass after {here}"
            if state.is_chance_node():
                large, small = pool["dice"][0].tolist()
                state.apply_action(roll_outcome(state, large, small or large))
    return compared

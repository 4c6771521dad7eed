"""Rows from outside are refused where a kernel would index by what they hold."""

import re
from typing import NamedTuple

import gymnasium
import numpy as np
import pytest

from quadrivium.envs.board.registry import GAMES
from quadrivium.envs.core.ranges import require_in_range, require_valid
from tests.registry import IDS, setup_of

SMALL = {  # arguments that make a world's setup cheap
    "quadrivium/PointNav-v0": {"map_count": 2},
    "quadrivium/Explore-v0": {"map_count": 2},
    "quadrivium/SingleAsset-v0": {"scenarios": 3, "episode_bars": 8},
    "quadrivium/Portfolio-v0": {"scenarios": 3, "episode_bars": 8},
}
# Integers by which no kernel indexes: counts, sums and units.
HARMLESS = {
    *("seed", "episode", "rng", "countdown", "low_ttc_frames", "frames", "comfort_frames", "lane_changes"),
    *("changed", "at_fault", "off_road", "traffic_crashes", "intrusions", "steps", "bumps", "right", "wrong"),
    *("cells", "trades", "liquidations", "inventory", "fills", "carried", "sign", "position", "turnover"),
    *("exercised", "cash", "made", "taken", "captured2", "trade_price", "trade_size", "trade_handle"),
    *("trade_maker", "trade_side", "messages", "quote", "largest", "mid2_start", "near", "seen", "own_map"),
    *("begun", "serial", "clock", "centred_frames", "direction", "turns", "turned", "beside", "peaceful"),
    "present",  # 0 or another number
    "collided",  # 0 or 1
    "mask",  # what it leaves out is not seen; nothing is indexed by it
    "score",
}
OWN_HARMLESS = {  # of one world
    "quadrivium/Backgammon-v0": {"occupied", "blocked"},  # bits, which `consistent` holds to the points
    "quadrivium/TwentyFortyEight-v0": {"board", "moves"},  # each 16 bits of a board are a row of its tables
}


class Params(NamedTuple):
    """No world's."""

    split: int = 0


def rows_of(lane: list[int], x: list[float]) -> np.ndarray:
    rows = np.zeros(len(lane), [("lane", "i4"), ("x", "f4", (2,))])
    rows["lane"], rows["x"] = lane, np.reshape(x, (-1, 2))
    return rows


def test_what_lies_in_its_range_its_ends_included_is_let_through():
    require_in_range(rows_of([0, 2], [0, 1, 1, 0]), {"lane": (0, 2), "x": (0.0, 1.0)})


@pytest.mark.parametrize(
    ("lane", "x", "message"),
    [
        ([0, 3], [0] * 4, r"lane of row 1 is 3; it must lie in \[0, 2\]: use the same arguments, market or"),
        ([-1, 0], [0] * 4, r"lane of row 0 is -1"),
        ([0, 0], [0, 0, 0, 1.5], r"x\[1\] of row 1 is 1.5; it must lie in \[0.0, 1.0\]"),
        ([0, 0], [0, np.nan, 0, 0], r"x\[1\] of row 0 is nan"),
        ([0, 0], [np.inf, 0, 0, 0], r"x\[0\] of row 0 is inf"),
    ],
)
def test_the_first_value_outside_is_named_with_its_place_and_what_is_allowed(lane, x, message):
    with pytest.raises(ValueError, match=message):
        require_in_range(rows_of(lane, x), {"lane": (0, 2), "x": (0.0, 1.0)})


def test_bounds_can_differ_from_element_to_element():
    ranges = {"x": (np.array([0.0, 5.0]), np.array([1.0, 6.0]))}
    require_in_range(rows_of([0], [0.5, 5.5]), ranges)
    with pytest.raises(ValueError, match=r"x\[1\] of row 0 is 0.5; it must lie in \[5.0, 6.0\]"):
        require_in_range(rows_of([0], [0.5, 0.5]), ranges)


@pytest.mark.parametrize("name", IDS)
def test_every_integer_of_a_record_has_a_range_or_is_known_to_be_no_index(name):
    setup = setup_of(name, **SMALL.get(name, {}))
    ranges = setup.world.ranges(setup.params) if setup.world.ranges else {}
    fields = fields_of(setup.state_dtype)
    # What is left are bits and tables of the board games, which `consistent` looks at.
    known = {
        "castling",
        "castlers",
        "ep",
        "clock",
        "known",
        "repeats",
        "pairs",
        "ep_pawns",
        "attacked",
        "checkers",
        "pinned",
    }
    known |= {"history", "fallen", "board", "stones", "discs", "moves", "pieces", "marks"}
    known = known if setup.world.consistent else set()
    integers = {key for key, dtype in fields.items() if dtype.kind in "iu" and key not in ranges}
    assert {key.rpartition(".")[2] for key in integers} - HARMLESS - known <= {"step"} | OWN_HARMLESS.get(
        name, set()
    )
    assert set(ranges) <= set(fields)


def fields_of(dtype: np.dtype, within: str = "") -> dict[str, np.dtype]:
    """Returns the types of the fields, those of records in fields as "field.part"."""
    found = {}
    for name, (kind, *_) in dtype.fields.items():
        one = kind.base
        found |= fields_of(one, f"{within}{name}.") if one.names else {f"{within}{name}": one}
    return found


def named(rows: np.ndarray, name: str) -> np.ndarray:
    """Returns a view of a field by its name in `fields_of`."""
    for part in name.split("."):
        rows = rows[part]
    return rows


def extremes(dtype: np.dtype) -> list[float]:
    if dtype.kind == "f":
        return [np.nan, np.inf, -np.inf]
    return [np.iinfo(dtype).min, np.iinfo(dtype).max]


@pytest.mark.parametrize("name", IDS)
def test_no_field_with_a_range_may_hold_the_extremes_of_its_type(name):
    setup = setup_of(name, **SMALL.get(name, {}))
    ranges = setup.world.ranges(setup.params) if setup.world.ranges else {}
    rows = np.zeros(2, setup.state_dtype)
    for field, (low, _) in ranges.items():
        named(rows, field)[...] = low
    require_in_range(rows, ranges)
    for field, (low, high) in ranges.items():
        for value in extremes(named(rows, field).dtype):
            if not low <= value <= high:
                hostile = rows.copy()
                column = named(hostile, field)
                column[(1, *[-1] * (column.ndim - 1))] = value
                with pytest.raises(ValueError, match=f"^{re.escape(field)}.* of row 1 is "):
                    require_valid(hostile, setup.params, setup.world)


@pytest.mark.parametrize("field", ["scenario", "start"])
def test_a_row_of_another_market_is_refused_and_changes_nothing(field):
    large = gymnasium.make("quadrivium/SingleAsset-v0", scenarios=30, episode_bars=8).unwrapped
    small = gymnasium.make("quadrivium/SingleAsset-v0", scenarios=2, episode_bars=8).unwrapped
    small.reset(seed=0)
    before = small.get_state()
    large.reset(seed=0)
    rows = large.get_state()
    rows["scenario"] = 0
    rows[field] = 20_000 if field == "start" else 20
    with pytest.raises(ValueError, match=f"{field} of row 0 is .*use the same arguments, market or maps"):
        small.set_state(rows)
    assert small.get_state().tobytes() == before.tobytes()


def played(game, plies: int) -> np.ndarray:
    pool = game.pool(6, seed=4)
    for _ in range(plies):
        game.check_rows(pool)
        game.step(pool, np.arange(6), game.random_actions(pool, np.arange(6)), check=False)
    game.check_rows(pool)
    return pool


def refused(game, pool: np.ndarray, message: str = "is no state that") -> None:
    with pytest.raises(ValueError, match=message):
        game.check_rows(pool)


def test_a_chain_of_go_that_does_not_come_round_is_refused():
    game = GAMES["Go"](size=5)
    pool = played(game, 18)
    stones = np.argwhere((pool["colour"][:, :25] != 0) & (pool["following"][:, :25] == np.arange(25)))
    row, lone = stones[0]
    wrong = pool.copy()
    wrong["following"][row, lone] = (lone + 1) % 25
    refused(game, wrong)
    for field, value in (("num_empty", 3), ("num_positions", 24), ("head", 3), ("empty", 7), ("colour", 3)):
        wrong = pool.copy()
        wrong[field][0] = value
        refused(game, wrong)
    wrong = pool.copy()
    wrong["num_positions"][2] = 5000
    refused(game, wrong, r"num_positions of row 2 is 5000; it must lie in \[1, 51\]")


def test_a_hole_in_the_rim_of_hex_is_refused():
    game = GAMES["Hex"](size=5)
    pool = played(game, 8)
    for place, value in ((1, 0), (8, 5 | 64), (8, 16), (80, 1)):  # the rim, a cell, beyond the board
        wrong = pool.copy()
        wrong["board"][3, place] = value
        refused(game, wrong, "row 3 is no state that hex can come to: its fields contradict one another")


def test_stones_beside_the_board_and_a_third_player_are_refused():
    game = GAMES["ConnectFour"]()
    pool = played(game, 10)
    wrong = pool.copy()
    wrong["stones"][1, 0] |= np.uint64(1 << 6)  # the seventh bit of a column
    refused(game, wrong)
    for field, value in (("to_move", 2), ("seat", -1), ("over", 7)):
        wrong = pool.copy()
        wrong[field][5] = value
        refused(game, wrong, f"{field} of row 5 is {value}")

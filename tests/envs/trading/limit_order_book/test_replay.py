"""A day of order messages, replayed: the book is that of the files, and own orders have places in it."""

import hashlib
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quadrivium.envs.trading.limit_order_book import messages, tape
from quadrivium.envs.trading.limit_order_book.baselines import BASELINES
from quadrivium.envs.trading.limit_order_book.env import REPLAY, LimitOrderBookEnv, LimitOrderBookVectorEnv
from tests.envs.trading.limit_order_book.tapes import BUY, SELL, PlainReplay, Replayed
from tests.kernel_subset import lane_functions, violations

SCRIPT = Path(__file__).resolve().parents[4] / "benchmarks" / "lobster_day.py"
SPEC = importlib.util.spec_from_file_location("lobster_day", SCRIPT)
lobster_day = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(lobster_day)

LEVELS = 5
MESSAGES = 4000
OPTIONS = {"steps": 20, "interval": 0.5}
JOIN_BOTH = 1 + 7 * 3 + 3  # offset 0, the smaller size


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """The two files of a day: messages and order book."""
    return lobster_day.write_day(tmp_path_factory.mktemp("day"), MESSAGES, LEVELS, seed=3)


@pytest.fixture(scope="module")
def lines(day):
    told, shown = (path.read_text().splitlines() for path in day)
    minutes = (np.array([float(line.split(",")[0]) for line in told]) - float(told[0].split(",")[0])) / 60
    return told, shown, minutes


@pytest.fixture(scope="module")
def setup(day):
    return LimitOrderBookEnv(messages=day[0], **OPTIONS).setup


@pytest.fixture(scope="module")
def lowest(day):
    return tape.tape_of([messages.load_messages(day[0])]).lowest


def shown_levels(line):
    """Of a row of the order book file: {price: shares} of the asks and of the bids, prices in ticks."""
    cells = list(map(int, line.split(",")))
    return [dict(zip([p // 100 for p in cells[k::4]], cells[k + 1 :: 4], strict=True)) for k in (0, 2)]


def test_the_setup_says_which_files_it_was_made_from(setup, day):
    assert setup.files == {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in day}


# ---- the book of the day


def test_the_book_is_that_of_the_order_book_file_after_every_message(setup, lowest, lines):
    _, shown, minutes = lines
    replayed = Replayed(setup, lowest)
    checked = 0
    for k in range(len(minutes)):
        if k + 1 < len(minutes) and minutes[k + 1] == minutes[k]:
            continue  # one event of several messages
        replayed.play(minutes[k])
        asks, bids = shown_levels(shown[k])
        volume = replayed.row["volume"]
        for levels, step, best in ((asks, 1, "best_ask"), (bids, -1, "best_bid")):
            (first, *_, last) = levels
            assert replayed.row[best] + lowest == first
            there = {
                p: int(volume[p - lowest]) for p in range(first, last + step, step) if volume[p - lowest]
            }
            assert there == levels
        checked += 1
    assert checked > 3000


@pytest.mark.parametrize("seed", [0, 1])
def test_queues_and_fills_are_those_of_a_plain_book_message_by_message(setup, lowest, lines, seed):
    told, shown, minutes = lines
    random = np.random.default_rng(seed)
    replayed, plain = Replayed(setup, lowest), PlainReplay()
    own, fills, ahead = [], 0, 0
    for k in range(len(told)):
        plain.line(told[k], shown[k], first=k == 0)
        if k + 1 < len(minutes) and minutes[k + 1] == minutes[k]:
            continue
        replayed.play(minutes[k])
        asks, bids = shown_levels(shown[k])
        draw = random.random()
        if draw < 0.1:
            side = int(random.choice([BUY, SELL]))
            price = list(bids if side == BUY else asks)[int(random.integers(2))] + side * int(
                random.integers(-1, 2)
            )
            size = int(random.integers(1, 400))
            own.append((replayed.limit(side, price, size), plain.limit(side, price, size)))
        elif draw < 0.12:
            side, size = int(random.choice([BUY, SELL])), int(random.integers(1, 600))
            replayed.market(side, size)
            plain.market(side, size)
        elif (draw < 0.2 and own) or len(own) > 8:  # the arena has room for a few orders of an agent
            handle, name = own.pop(int(random.integers(len(own))))
            if handle > 0:
                replayed.cancel(handle)
                plain.cancel(name)
        before = fills
        fills = int(replayed.row["fills"][1])
        assert (replayed.row["cash"][1], replayed.row["position"][1]) == (
            plain.cash + lowest * plain.position,  # the kernel counts prices from the lowest of its grid
            plain.position,
        )
        if fills != before or k % 7 == 0:
            prices = [*asks, *bids]
            for price in range(min(prices) - 2, max(prices) + 3):
                queue = replayed.queue(price)
                assert queue == plain.shown(BUY, price) + plain.shown(SELL, price)
                ahead += any(owner == 1 for owner, _ in queue[1:])
    assert fills > 200
    assert ahead > 1000  # own orders have stood behind others


def test_what_orders_of_the_day_do_leaves_no_trace_in_the_account(setup, lowest, lines):
    replayed = Replayed(setup, lowest)
    replayed.play(lines[2][-1])
    assert replayed.row["cash"].tolist() == [0, 0]
    assert replayed.row["fills"].tolist() == [0, 0]
    assert replayed.row["messages"] > 3000


def test_an_episode_can_begin_anywhere_with_the_book_of_that_moment(setup, lowest, lines):
    through = Replayed(setup, lowest)
    for minute in (3.0, 100.0, 101.5, 250.0):
        through.play(minute)
        there = Replayed(setup, lowest, begin=minute)
        assert there.row["cursor"] == through.row["cursor"]
        for level in range(setup.params.ticks):
            assert there.queue(level + lowest) == through.queue(level + lowest)


# ---- by hand


def hand_written(tmp_path, rows, header="time,type,order_id,side,shares,price,new_order_id"):
    path = tmp_path / "rows.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


BOOK = [
    "34200.0,A,1,B,300,100.00,",
    "34200.1,A,2,S,200,100.05,",
    "34201.0,A,3,B,100,100.00,",
]


def played(tmp_path, setup, rows, minute):
    """Replays rows from after the first three on, with an agent's bid for 100 shares behind 400 others."""
    day = tape.tape_of([messages.load_messages(hand_written(tmp_path, BOOK + rows))])
    names = ("ticks", "slots", "minutes", "events", "marks", "first", "rested")
    params = setup.params._replace(**{name: getattr(day, name) for name in names})
    env = Replayed(replace(setup, params=params), day.lowest, begin=1.1 / 60)  # a record with room to spare
    assert env.limit(BUY, 10_000, 100) > 0
    env.play(minute)
    return env


@pytest.mark.parametrize(
    ("rows", "queue", "position"),
    [
        (["34202,E,1,,250,,"], [(0, 50), (0, 100), (1, 100)], 0),  # 400 were ahead, 150 are
        (["34202,X,3,,40,,"], [(0, 300), (0, 60), (1, 100)], 0),  # a part of what is ahead goes
        (
            ["34202,D,3,,,,", "34203,A,4,B,70,100.00,"],
            [(0, 300), (1, 100), (0, 70)],
            0,
        ),  # a later one is behind
        (
            ["34202,D,1,,,,", "34203,E,3,,100,,"],
            [(1, 100)],
            0,
        ),  # the last one ahead is traded: now it is first
        (
            ["34202,D,1,,,,", "34203,D,3,,,,", "34204,A,4,B,70,100.00,", "34205,E,4,,30,,"],
            [(1, 70), (0, 40)],
            30,
        ),
        (
            ["34202,D,1,,,,", "34203,D,3,,,,", "34204,P,,B,60,100.00,"],
            [(1, 40)],
            60,
        ),  # a hidden one is traded
        (["34202,D,1,,,,", "34203,D,3,,,,", "34204,P,,B,60,100.004,"], [(1, 100)], 0),  # at a better price
        (["34202,U,1,,500,100.00,9", "34203,D,3,,,,"], [(1, 100), (0, 500)], 0),  # replaced: at the end
    ],
)
def test_an_own_order_waits_for_what_is_ahead_and_is_filled_when_first(
    tmp_path, setup, rows, queue, position
):
    env = played(tmp_path, setup, rows, 1.0)
    assert env.queue(10_000) == queue
    assert env.row["position"][1] == position
    assert env.row["cash"][1] == -position * (10_000 - env.lowest)


def test_an_order_of_the_day_that_comes_to_rest_across_an_own_better_price_trades_with_it(tmp_path, setup):
    env = played(tmp_path, setup, ["34203,A,5,S,150,100.02,", "34204,D,5,,,,"], 2.0 / 60)
    assert env.limit(BUY, 10_002, 100) > 0
    env.play(3.5 / 60)
    assert env.row["position"][1] == 100
    assert env.queue(10_002) == [(0, 50)]  # what is left of it rests
    env.play(1.0)
    assert env.queue(10_002) == []


def test_shares_that_the_agent_has_taken_are_gone_for_the_tape(tmp_path, setup):
    env = played(tmp_path, setup, ["34203,E,2,,150,,", "34204,D,2,,,,"], 2.0 / 60)
    assert env.market(BUY, 120) == 120
    assert env.queue(10_005) == [(0, 80)]
    env.play(1.0)  # of the 150 that were traded on the day only 80 are there, and then nothing is deleted
    assert env.queue(10_005) == []
    assert env.row["position"].tolist() == [-120, 120]


def test_the_same_messages_in_the_forms_of_lobster_and_itch_are_the_same_tape(tmp_path):
    itch = [
        "34202,X,1,,50,,",
        "34203,E,3,,100,,",
        "34204,P,,S,10,100.04,",
        "34205,U,2,,80,100.04,7",
        "34206,D,7,,,,",
    ]
    lobster = [
        *("34200.0,1,1,300,1000000,1", "34200.1,1,2,200,1000500,-1", "34201.0,1,3,100,1000000,1"),
        *("34202,2,1,50,1000000,1", "34203,4,3,100,1000000,1", "34204,5,0,10,1000400,-1"),
        *("34205,3,2,200,1000500,-1", "34205,1,7,80,1000400,-1", "34206,3,7,80,1000400,-1"),
    ]
    other = tmp_path / "x_message_1.csv"
    other.write_text("\n".join(lobster) + "\n")
    one = tape.tape_of([messages.load_messages(hand_written(tmp_path, BOOK + itch))])
    two = tape.tape_of([messages.load_messages(other)])
    assert np.array_equal(one.events, two.events)
    np.testing.assert_allclose(one.minutes, two.minutes, atol=1e-12)
    assert (one.lowest, one.ticks) == (two.lowest, two.ticks)


# ---- the environment


def test_training_and_test_lie_apart_and_no_episode_leaves_its_part(day):
    parts = {
        split: LimitOrderBookEnv(messages=day[0], split=split, test_share=0.25, **OPTIONS).setup.params
        for split in ("train", "test")
    }
    begin = parts["train"].starts.min()
    cut = begin + 0.75 * (parts["train"].minutes[-1] - begin)
    assert parts["train"].starts.max() + 10.0 <= cut + 1e-6
    assert abs(parts["train"].starts.max() + 10.0 - cut) < 1.0
    assert abs(parts["test"].starts.min() - cut) < 1e-6
    assert parts["test"].starts.max() + 10.0 <= parts["test"].minutes[-1]


def test_several_days_follow_one_another_and_no_episode_lies_in_two(day, tmp_path):
    other = lobster_day.write_day(tmp_path, 500, LEVELS, seed=4)
    params = LimitOrderBookEnv(messages=[day[0], other[0]], test_share=0.1, **OPTIONS).setup.params
    ends = [minutes[-1] for minutes in (messages.load_messages(path[0]).minutes for path in (day, other))]
    assert (params.starts < ends[0]).any()
    assert (params.starts > ends[0] + 1.0).any()
    assert ((params.starts + 10.0 <= ends[0]) | (params.starts >= ends[0] + 1.0)).all()


def test_money_sizes_and_observations_count_lots_of_a_hundred_shares(day):
    env = LimitOrderBookEnv(messages=day[0], **OPTIONS)
    env.reset(seed=5)
    before = env.get_state()[0]
    obs, *_, info = env.step(50)  # buys a lot at the market
    row = env.get_state()[0]
    assert row["taken"][1] == 100
    assert obs["account"][0] == pytest.approx(1 / 20)
    assert info["reward_terms"]["fees"] == pytest.approx(-0.3)
    assert info["reward_terms"]["spread"] == pytest.approx((before["mid2"] / 2 * 100 + row["cash"][1]) / 100)
    assert info["reward_terms"]["inventory"] == pytest.approx(-0.01 * 0.5)
    assert info["metrics"]["inventory"] == 1.0
    best = int(row["best_bid"])
    assert obs["market"][0, 3] == pytest.approx(min(row["volume"][best] / 1000, 10))


def test_a_market_maker_is_filled_and_the_accounts_balance(day):
    env = LimitOrderBookVectorEnv(16, messages=day[0], max_loss=float("inf"), **OPTIONS)
    env.reset(seed=1)
    for _ in range(19):
        env.step(BASELINES["inventory_skew"](env))
    states = env.get_state()
    assert (states["made"][:, 1] > 0).mean() > 0.8
    assert (states["cash"].sum(axis=1) == 0).all()
    assert (states["position"].sum(axis=1) == 0).all()
    assert (np.abs(states["position"][:, 1]) <= 2000).all()
    again = LimitOrderBookVectorEnv(16, messages=day[0], max_loss=float("inf"), **OPTIONS)
    again.reset(seed=1)
    for _ in range(19):
        again.step(BASELINES["inventory_skew"](again))
    assert states.tobytes() == again.get_state().tobytes()


def test_a_record_of_a_replay_is_taken_back_and_a_damaged_one_refused(day):
    env = LimitOrderBookVectorEnv(2, messages=day[0], **OPTIONS)
    env.reset(seed=0)
    env.step(np.full(2, JOIN_BOTH))
    kept = env.get_state()
    env.set_state(kept)
    for name, value in (("cursor", 10**9), ("reserved", 3), ("begin", np.nan)):
        broken = kept.copy()
        broken[name][1] = value
        with pytest.raises(ValueError, match=name):
            env.set_state(broken)


def test_the_functions_of_the_replay_keep_the_subset_that_compiles_alike_everywhere():
    functions = lane_functions(REPLAY)
    assert {"play", "meet_agents", "quote", "observe_one"} <= {one.__qualname__ for one in functions}
    assert [fault for function in functions for fault in violations(function)] == []


# ---- what is refused


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["34202,Z,1,B,1,100.00,"], r"rows.csv:5: type='Z' is no kind of message; say what it means: kinds="),
        (["34202,A,1,B,10,100.00,"], r"rows.csv:5: order 1 is in the book already"),
        (["34202,X,8,,10,,"], r"rows.csv:5: cancel of order 8, which no message before has added"),
        (["34202,E,3,,500,,"], r"rows.csv:5: execute of 500 shares of order 3, which has 100"),
        (["34202,A,4,B,10,100.06,"], r"rows.csv:5: order 4 at 100.06 would trade with what rests at 100.05"),
        (["34202,A,4,B,10,100.003,"], r"rows.csv:5: price='100.003' is no whole number of ticks of 0.01"),
        (["34202,A,4,B,10.5,100.00,"], r"rows.csv:5: shares='10.5' is no number of shares"),
        (["34202,D,1,B,1e20,100.00,"], r"rows.csv:5: shares='1e20' is more than anyone trades; mend it"),
        (["34202,A,4,B,,100.00,"], r"rows.csv:5: shares='' is no number of shares"),
        (["34202,A,4,,10,100.00,"], r"rows.csv:5: side='' is missing"),
        (["34202,A,4,Q,10,100.00,"], r"rows.csv:5: side='Q' is no side"),
        (["34202,A,,B,10,100.00,"], r"rows.csv:5: order_id='' is missing"),
        (["34202,A,4,B,10,-1,"], r"rows.csv:5: price='-1' is no price"),
        (["34202,A,4,B,10,1e308,"], r"rows.csv:5: price='1e308' is no price"),
        (["34202,A,4,B,10,abc,"], r"rows.csv:5: price='abc' is no number"),
        (["34200,D,1,,,,"], r"rows.csv:5: time='34200' comes before the row above"),
        (["34202,D,1,,,"], r"rows.csv:5: 6 cells where the header has 7"),
    ],
)
def test_messages_that_make_no_book_are_refused_with_their_line(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message) as error:
        tape.tape_of([messages.load_messages(hand_written(tmp_path, BOOK + rows))])
    assert "\n" not in str(error.value)


def test_an_order_book_of_another_day_is_refused(day, tmp_path):
    other = lobster_day.write_day(tmp_path, MESSAGES, LEVELS, seed=9)
    rows = len(day[0].read_text().splitlines())
    book = tmp_path / "other.csv"
    book.write_text("\n".join(other[1].read_text().splitlines()[:rows]) + "\n")
    with pytest.raises(ValueError, match=r"are the two files of the same day and levels\?") as error:
        tape.tape_of([messages.load_messages(day[0], orderbook=book)])
    assert "\n" not in str(error.value)
    book.write_text(day[1].read_text()[:-1].rpartition("\n")[0] + "\n")
    with pytest.raises(ValueError, match=f"has {rows - 1} rows and .* {rows} messages"):
        messages.load_messages(day[0], orderbook=book)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"hawkes": 0.5},
            "hawkes=0.5 is about the flow, in whose place messages come: leave it out, or messages",
        ),
        ({"load": {"ticks": 1}}, "option of load='ticks' is unknown: .*did you mean 'tick'"),
        ({"steps": 10_000}, r"covers [\d.]+ minutes in one go, an episode takes 5000: use steps=\d+ or less"),
        ({"messages": "none.csv"}, "none.csv does not exist"),
        (
            {"messages": None, "lot": 100},
            "lot=100 is about messages, and there are none: leave it out, or give messages=FILE",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused_in_a_line(day, options, message):
    with pytest.raises(ValueError, match=message) as error:
        LimitOrderBookEnv(**{"messages": day[0], **OPTIONS, **options})
    assert "\n" not in str(error.value)

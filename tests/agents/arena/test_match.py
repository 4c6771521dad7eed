"""Games in lock-step: fair, reproducible, and none the worse for a player who misbehaves."""

import numpy as np
import pytest

from quadrivium.agents.arena.builtin import PolicyPlayer, RandomTablePlayer, mix, pick
from quadrivium.agents.arena.game_log import Fixture
from quadrivium.agents.arena.match import Match
from quadrivium.agents.arena.openings import Opening, random_openings, read_openings
from quadrivium.agents.arena.players import EngineError
from quadrivium.agents.arena.search_player import make_mcts
from quadrivium.agents.errors import UserError
from tests.agents.arena.fakes import Fake, Named, table


def fixtures(a, b, games):
    return [Fixture(*((a, b) if k % 2 == 0 else (b, a)), k // 2) for k in range(games)]


def play(game, players, todo, openings=None, **options):
    records = []
    openings = openings or random_openings(game, 12, 2, 0)
    Match(game, players, openings, **({"seed": 0} | options)).play(todo, records.append)
    return {record.fixture: record for record in records}


def without_time(records):
    return {fixture: (r.outcome, r.reason, r.actions) for fixture, r in records.items()}


def replay(game, record):
    """Plays the actions again, each checked; returns the outcome for the first player."""
    pool = game.pool(1)
    for action in record.actions:
        game.step(pool, np.arange(1), np.array([action]))
    result = game.result(pool, np.arange(1))
    return int(result.returns[0, 0]) if result.over[0] else None


@pytest.mark.parametrize("name", ["ConnectFour", "Othello", "TicTacToe"])
def test_the_games_are_legal_end_by_the_rules_and_begin_with_their_openings(name):
    game = table(name).game
    openings = random_openings(game, 10, 2, 0)
    records = play(game, (Named(game, "a"), Named(game, "b")), fixtures("a", "b", 20), openings)
    assert len(records) == 20
    for fixture, record in records.items():
        assert record.actions[:2] == openings[fixture.opening].actions
        assert replay(game, record) == record.outcome
        assert record.reason == "rules"


@pytest.mark.parametrize("make", [Named, lambda game, name: make_mcts("20", table())])
def test_a_batch_is_the_same_as_one_by_one(make):
    game = table().game
    players = (make(game, "a"), Named(game, "b"))
    todo = fixtures(players[0].name, "b", 12)
    batch = play(game, players, todo)
    single = {}
    for fixture in reversed(todo):
        single |= play(game, players, [fixture])
    assert without_time(batch) == {fixture: without_time(single)[fixture] for fixture in todo}


def test_the_same_seed_gives_the_same_games_and_another_others():
    game = table().game

    def once(seed):
        players = (Named(game, "a"), Named(game, "b"))
        return without_time(play(game, players, fixtures("a", "b", 10), seed=seed))

    assert once(1) == once(1)
    assert once(1) != once(2)


def test_the_two_games_with_an_opening_differ_only_by_who_begins():
    game = table().game
    todo = fixtures("a", "b", 2)
    records = play(game, (Named(game, "a"), Named(game, "b")), todo)
    one, other = (records[fixture] for fixture in todo)
    assert one.actions[:2] == other.actions[:2]
    assert (one.fixture.first, other.fixture.first) == ("a", "b")
    assert one.actions != other.actions  # random choices are the games' own


@pytest.mark.parametrize(
    ("failure", "word"),
    [
        ("crash", "abandoned: fake: ended with exit code 1 and more"),
        ("hang", "time forfeit: fake: did not answer 'go' in time"),
        ("nonsense", "fake: answered 'xyz'"),
        ("illegal", "fake played an illegal move"),
        ("outside", "fake played an illegal move"),
    ],
)
@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_failing_engine_loses_that_game_only_and_is_restarted(failure, word, concurrency):
    game = table("TicTacToe").game  # after three moves some are illegal
    fake = Fake(game, concurrency=concurrency, fails=lambda g, m: failure if g in (0, 1) and m == 2 else None)
    records = play(game, (fake, Named(game, "b")), fixtures("fake", "b", 8))
    lost = [record for record in records.values() if record.reason != "rules"]
    assert len(lost) == 2
    for record in lost:
        assert record.score("fake") == 0
        assert record.reason == word
        assert replay(game, record) is None  # what was played is legal, and unfinished
    assert len(records) == 8
    assert fake.restarts == (2 if failure == "crash" else 0)


def test_an_engine_that_never_starts_loses_all_its_games_and_no_more():
    game = table().game
    fake = Fake(game, fails=lambda g, m: "start")
    records = play(game, (fake, Named(game, "b")), fixtures("fake", "b", 4))
    assert [record.score("b") for record in records.values()] == [1, 1, 1, 1]
    assert all(record.reason == "fake: does not start" for record in records.values())


def test_when_both_fail_at_once_nobody_wins():
    game = table().game
    one, other = (Fake(game, name, fails=lambda g, m: "start") for name in "ab")
    (record,) = play(game, (one, other), fixtures("a", "b", 1)).values()
    assert record.outcome == 0
    assert record.reason == "both failed: a: does not start; b: does not start"


def test_engines_think_at_the_same_time_but_not_in_more_games_than_they_can():
    game = table().game
    fake = Fake(game, concurrency=3, pause=0.002)
    records = play(game, (fake, Named(game, "b")), fixtures("fake", "b", 9))
    assert fake.most_at_once == 3
    assert len(records) == 9


def test_an_engine_hears_every_move_of_its_game():
    game = table().game
    fake = Fake(game)
    (record,) = play(game, (fake, Named(game, "b")), fixtures("fake", "b", 1)).values()
    assert tuple(fake.heard[0]) == record.actions


def test_an_engine_that_fails_at_hearing_the_last_move_has_the_result_of_the_board():
    game = table("TicTacToe").game

    class Touchy(Fake):
        def played(self, pool, rows, slots, actions):
            after = pool[rows].copy()
            game.step(after, np.arange(1), actions)
            if after["over"][0]:
                raise EngineError("has had enough")

    records = play(game, (Touchy(game), Named(game, "b")), fixtures("fake", "b", 10))
    assert {record.reason for record in records.values()} == {"rules"}
    assert [replay(game, record) for record in records.values()] == [r.outcome for r in records.values()]


def test_a_game_that_is_too_long_is_a_draw():
    game = table("Othello").game
    records = play(game, (Named(game, "a"), Named(game, "b")), fixtures("a", "b", 4), max_plies=20)
    for record in records.values():
        assert (record.outcome, record.reason, len(record.actions)) == (0, "move limit", 20)


def test_thinking_time_is_counted_for_the_one_who_thinks():
    game = table("TicTacToe").game
    slow = Fake(game, pause=0.01)
    for record in play(game, (slow, Named(game, "b")), fixtures("fake", "b", 2)).values():
        mine, other = record.seconds if record.fixture.first == "fake" else record.seconds[::-1]
        assert mine >= 0.02
        assert other < mine


def test_random_moves_are_uniform():
    legal = np.tile(np.array([0, 1, 1, 0, 1], np.int8), (30_000, 1))
    counts = np.bincount(pick(legal, mix(np.arange(30_000, dtype=np.uint64))), minlength=5)
    assert counts[[0, 3]].sum() == 0
    assert np.abs(counts[[1, 2, 4]] - 10_000).max() < 400  # 5 standard deviations


def test_random_openings_differ_and_do_not_depend_on_how_many_there_are():
    game = table().game
    many = random_openings(game, 40, 2, seed=3)
    assert len(set(many)) == 40
    assert random_openings(game, 10, 2, seed=3) == many[:10]
    assert random_openings(game, 10, 2, seed=4) != many[:10]


def test_openings_begin_anew_where_there_are_no_others():
    game = table().game
    openings = random_openings(game, 20, 1, seed=0)
    assert sorted(set(openings)) == [Opening((column,)) for column in range(7)]
    assert openings[:7] == openings[7:14]
    assert random_openings(game, 4, 0, seed=0) == [Opening()] * 4


def test_no_opening_ends_the_game():
    game = table("TicTacToe").game
    for opening in random_openings(game, 200, 7, seed=0):
        pool = game.pool(1)
        for action in opening.actions:
            game.step(pool, np.arange(1), np.array([action]))
        assert not game.result(pool, np.arange(1)).over[0]
    with pytest.raises(UserError, match=r"openings.plies = 10: games end before"):
        random_openings(game, 1, 10, seed=0)


def test_openings_are_read_in_the_games_notation():
    game = table().game
    assert read_openings(game, ["d d c", ""]) == [Opening((3, 3, 2)), Opening()]


@pytest.mark.parametrize(
    ("line", "message"),
    [("d z", "line 1, move 2"), ("d d d d d d d", "move 7"), ("a b a b a b a", "the game is over")],
)
def test_a_wrong_opening_is_one_line(line, message):
    with pytest.raises(UserError, match=message):
        read_openings(table().game, [line])


def test_a_slot_that_is_used_again_begins_anew():
    game = table().game
    player = RandomTablePlayer(game)
    pool, row = game.pool(1), np.arange(1)
    seeds = np.array([5], np.uint64)
    first = []
    for _ in range(2):
        player.begin(row, np.zeros(1, np.int8), seeds)
        first.append([int(player.act(pool, row, row)[0]) for _ in range(10)])
    assert first[0] == first[1]


class Keeps:
    """A policy that plays the first legal move, and keeps how many moves it has made in each slot."""

    def __init__(self):
        self.moves, self.begun, self.faults = {}, 0, 0

    def act(self, obs, deterministic=True, lanes=None):
        stones = obs["observation"][:, 0].sum((1, 2))  # its own on the board: those of the opening too
        for slot, own in zip(lanes.tolist(), stones, strict=True):
            first, count = self.moves.get(slot, (own, 0))
            self.faults += own - first != count
            self.moves[slot] = first, count + 1
        return obs["action_mask"].argmax(1)

    def forget(self, lanes=None):
        for slot in lanes.tolist():
            self.begun += 1
            self.moves.pop(slot, None)


def test_a_policy_that_remembers_is_asked_by_game_and_hears_of_new_ones():
    game, policy = table("TicTacToe").game, Keeps()
    players = (PolicyPlayer("keeps", game, policy), Named(game, "b"))
    assert len(play(game, players, fixtures("keeps", "b", 24))) == 24
    assert policy.begun == 24
    assert policy.faults == 0

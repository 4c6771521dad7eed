"""Tournaments that are killed and go on, their log, and what is said of the result."""

import json
from itertools import combinations

import pytest

from quadrivium.agents.arena.game_log import Fixture, GameLog, GameRecord
from quadrivium.agents.arena.openings import random_openings
from quadrivium.agents.arena.report import to_json
from quadrivium.agents.arena.sprt import Sprt
from quadrivium.agents.arena.standings import stand
from quadrivium.agents.arena.tournament import Plan, Tournament
from quadrivium.agents.errors import UserError
from tests.agents.arena.fakes import Fake, Named, table

GAME = table("TicTacToe").game
OPENINGS = random_openings(GAME, 20, 1, 0)


def tournament(path, names="abcd", players=None, **plan):
    players = players or [Named(GAME, name) for name in names]
    return Tournament(GAME, players, OPENINGS, Plan(**({"games": 8} | plan)), GameLog(path))


def outcome(games):
    return [(game.fixture, game.outcome, game.reason, game.actions) for game in games]


def result(games, names="abcd"):
    return to_json(stand(list(names), games), {})


class Killed(Exception):
    pass


def test_everyone_meets_everyone_with_colours_balanced(tmp_path):
    games = tournament(tmp_path / "games.jsonl").run().games
    assert len(games) == 6 * 8
    for a, b in combinations("abcd", 2):
        for first, second in ((a, b), (b, a)):
            between = [g.fixture for g in games if (g.fixture.first, g.fixture.second) == (first, second)]
            assert sorted(f.opening for f in between) == [0, 1, 2, 3]


@pytest.mark.parametrize("after", [1, 2, 5])
@pytest.mark.parametrize("torn", [False, True])
def test_killed_and_started_again_it_gives_the_same_table(tmp_path, after, torn):
    whole = tournament(tmp_path / "whole.jsonl", batch=4).run().games
    path, reports = tmp_path / "killed.jsonl", []

    def kill(pairing, games):
        reports.append(pairing)
        if len(reports) == after:
            raise Killed

    with pytest.raises(Killed):
        tournament(path, batch=4).run(kill)
    if torn:
        with path.open("ab") as file:
            file.write(b'{"first": "a", "sec')  # the power went in the middle of a line
    before = path.read_bytes().count(b"\n")
    assert before == 4 * after
    again = tournament(path, batch=4).run().games
    assert outcome(again) == outcome(whole)
    assert result(again) == result(whole)
    assert path.read_bytes().count(b"\n") == 48  # no game was written twice


def test_what_is_complete_is_not_played_again(tmp_path):
    games = tournament(tmp_path / "games.jsonl").run().games
    mute = [Fake(GAME, name, fails=lambda g, m: "start") for name in "abcd"]
    assert outcome(tournament(tmp_path / "games.jsonl", players=mute).run().games) == outcome(games)
    assert all(player.games == 0 for player in mute)


def test_an_engines_games_are_written_one_by_one(tmp_path):
    def players(number):
        def fails(game, move):
            if game == number:
                raise Killed

        return [Fake(GAME, "a", fails=fails), Named(GAME, "b")]

    path = tmp_path / "games.jsonl"
    with pytest.raises(Killed):
        tournament(path, players=players(3)).run()
    assert len(GameLog(path).games) == 3
    again = tournament(path, players=players(None)).run().games
    assert len(again) == 8
    assert outcome(again) == outcome(tournament(tmp_path / "whole", players=players(None)).run().games)


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "games.jsonl"
    path.write_text('{"first": "a"}\n')
    with pytest.raises(UserError, match=r"games.jsonl, line 1: is no game; restore"):
        GameLog(path)


def test_a_log_gives_back_what_was_written(tmp_path):
    record = GameRecord(Fixture("a – ü", "b", 3, 2), -1, "move limit", 1, (4, 0, 8), (0.5, 1.25))
    GameLog(tmp_path / "log").append([record])
    log = GameLog(tmp_path / "log")
    assert list(log.games.values()) == [record]
    log.append([record])
    assert (tmp_path / "log").read_bytes().count(b"\n") == 1


def test_a_swiss_tournament_repeats_no_pair_and_goes_on_alike(tmp_path):
    whole = tournament(tmp_path / "whole", "abcde", format="swiss", rounds=3).run()
    pairs = [frozenset((g.fixture.first, g.fixture.second)) for g in whole.games if g.fixture.opening == 0]
    assert len(pairs) == 2 * 3 * 2  # two pairs a round, two games with an opening
    assert len(set(pairs)) == 6
    assert len(set(whole.byes)) == 3
    lines = (tmp_path / "whole").read_text().splitlines(keepends=True)
    (tmp_path / "part").write_text("".join(lines[:24]))
    again = tournament(tmp_path / "part", "abcde", format="swiss", rounds=3).run()
    assert outcome(again.games) == outcome(whole.games)
    assert again.byes == whole.byes


def test_a_gauntlet_is_run_by_the_first(tmp_path):
    games = tournament(tmp_path / "games", format="gauntlet").run().games
    assert {frozenset((g.fixture.first, g.fixture.second)) for g in games} == {
        frozenset("ab"),
        frozenset("ac"),
        frozenset("ad"),
    }


def test_the_sequential_test_ends_the_games_early(tmp_path):
    loser = Fake(GAME, "b", fails=lambda g, m: "crash")
    test = Sprt(0, 200)
    players = [Named(GAME, "a"), loser]
    games = tournament(tmp_path / "log", players=players, games=40, batch=4, sprt=test).run().games
    assert len(games) < 40
    assert len(games) % 4 == 0
    standings = stand(["a", "b"], games, test=test)
    assert standings.test[1].decision == "elo1"
    assert standings.forfeits == (0, len(games))


def game(first, second, opening, outcome, reason="rules"):
    return GameRecord(Fixture(first, second, opening), outcome, reason, 0, ())


def test_points_are_counted_by_hand():
    games = [
        *(game("a", "b", 0, 1), game("b", "a", 0, 1), game("a", "b", 1, 0)),
        game("b", "a", 1, -1, "b played an illegal move"),
        game("a", "b", 2, 0, "move limit"),
        game("b", "a", 2, 1, "time forfeit: a did not answer 'go' in time"),
        game("a", "b", 3, 1, "abandoned: b ended with exit code 1"),
    ]
    standings = stand(["a", "b"], games)
    a, b = standings.tallies
    assert (a.won, a.drawn, a.lost, a.points) == (3, 2, 2, 4)
    assert (b.won, b.drawn, b.lost, b.points) == (2, 2, 3, 3)
    assert standings.cross[1, 0].points == 3
    assert standings.first[0].points == 3
    assert standings.forfeits == (0, 2)
    assert standings.on_time == (1, 0)
    assert standings.move_limits == 1


def test_who_resigns_has_lost_and_forfeited_nothing(tmp_path):
    resigning = Fake(GAME, "b", fails=lambda g, m: "resign" if m == 2 else None)
    games = tournament(tmp_path / "log", players=[Named(GAME, "a"), resigning]).run().games
    standings = stand(["a", "b"], games)
    assert {game.reason for game in games} <= {"rules", "resigned"}
    assert sum(game.reason == "resigned" for game in games) > 4
    assert all(game.score("b") == 0 for game in games if game.reason == "resigned")
    assert standings.forfeits == (0, 0)
    assert standings.tallies[1].games == 8
    assert GameLog(tmp_path / "log").games == {game.fixture: game for game in games}


def test_no_winner_is_claimed_where_intervals_overlap():
    even = [game("a", "b", k, 1 if k < 11 else -1) for k in range(20)]
    lines = stand(["a", "b"], even).verdicts()
    assert "a and b: their intervals overlap, no difference is shown" in lines[0]
    assert lines[-1] == "winner: none is claimed"


def test_nor_from_a_handful_of_games():
    lines = stand(["a", "b"], [game("a", "b", k, 1) for k in range(6)]).verdicts()
    assert lines == ["a and b: no verdict from 6 games; play at least 20", "winner: none is claimed"]


def test_a_winner_is_named_where_nothing_overlaps():
    won = [game("a", "b", k, 1) for k in range(20)] + [game("b", "a", k, -1) for k in range(20)]
    lines = stand(["a", "b"], won).verdicts()
    assert lines[0].startswith("a is stronger than b, by ")
    assert lines[-1] == "winner: a"


def test_who_always_moved_second_is_not_told_from_who_did_not():
    lines = stand(["a", "b"], [game("b", "a", k, -1) for k in range(40)]).verdicts()
    assert lines[-1] == "winner: none is claimed"  # it may be the seat that wins


def test_results_are_json_even_without_games():
    assert json.loads(json.dumps(result([])))["verdicts"][-1] == "winner: none is claimed"

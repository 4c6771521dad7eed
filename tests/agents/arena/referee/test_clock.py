"""Clocks: read, run by hand, told to engines by UCI and GTP, and lost by at a table."""

import re

import chess
import numpy as np
import pytest

from quadrivium.agents.arena.engines.gtp.player import make_gtp
from quadrivium.agents.arena.engines.uci.player import make_uci
from quadrivium.agents.arena.game_log import Fixture
from quadrivium.agents.arena.match import Match
from quadrivium.agents.arena.openings import Opening
from quadrivium.agents.arena.referee.clock import Clock, TimeControl, parse_time_control
from quadrivium.agents.errors import UserError
from tests.agents.arena.engine_tools import ROW, begin, fake_gtp, fake_uci, require_program, table
from tests.agents.arena.fakes import Fake, Named


@pytest.mark.parametrize(
    ("text", "control"),
    [
        ("40/60+0.5", TimeControl(60, 0.5, 40)),
        ("60+0.6", TimeControl(60, 0.6)),
        ("10", TimeControl(10)),
        ("5:00", TimeControl(300)),
        ("40/1:30", TimeControl(90, moves=40)),
        ("0.5", TimeControl(0.5)),
    ],
)
def test_time_controls_are_read_as_cutechess_writes_them(text, control):
    assert parse_time_control(text) == control
    assert parse_time_control(str(control)) == control


@pytest.mark.parametrize("text", ["", "x", "40/", "0/60", "-5", "60+", "60+-1", "0", "40/60/20", "1e3"])
def test_what_is_no_time_control_is_refused(text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        parse_time_control(text)


def test_a_clock_runs_as_computed_by_hand():
    clock = Clock(TimeControl(10, increment=1, moves=3))
    shown = [(clock.left, clock.moves_to_go)]
    for spent in (2, 4, 5, 0.5):
        assert clock.spend(spent)
        shown.append((clock.left, clock.moves_to_go))
    # 10 − 2 + 1 = 9; 9 − 4 + 1 = 6; 6 − 5 + 1 + 10 = 12 for three more; 12 − 0.5 + 1 = 12.5
    assert shown == [(10, 3), (9, 2), (6, 1), (12, 3), (12.5, 2)]


def test_a_move_past_the_end_loses_but_not_one_within_the_margin():
    strict, lenient = Clock(TimeControl(1)), Clock(TimeControl(1, margin=0.05))
    assert not strict.spend(1.04)
    assert lenient.spend(1.04)
    assert lenient.left == 0  # the margin is no time to think in
    assert not lenient.spend(0.06)


# ---- what engines hear


def hear_clocks(player, game, own, other, replies):
    pool = game.pool(1)
    begin(player, 0)
    for reply in replies:
        player.see_clocks(0, own, other)
        action = player.act(pool, ROW, ROW)
        for played in (action, None):
            actions = np.array([game.parse_move(pool[0], reply)]) if played is None else played
            player.played(pool, ROW, ROW, actions)
            game.step(pool, ROW, actions)
        own.spend(2.25)
    player.close()


def test_a_uci_engine_hears_both_clocks(tmp_path):
    heard = tmp_path / "heard"
    extra = f"open({str(heard)!r}, 'a').write(line if word == 'go' else '')"
    seat = table("Chess")
    player = make_uci(fake_uci(tmp_path, ["e2e4", "g1f3"], extra) + "?tc=40/60+0.5&depth=3", seat)
    assert player.time_control == TimeControl(60, 0.5, 40, margin=0.05)
    other = Clock(TimeControl(30))
    hear_clocks(player, seat.game, Clock(player.time_control), other, ["e7e5", "b8c6"])
    assert heard.read_text().splitlines() == [
        "go wtime 60000 winc 500 movestogo 40 depth 3",  # whether it keeps its limits, before any game
        "go wtime 60000 winc 500 btime 30000 movestogo 40 depth 3",
        "go wtime 58250 winc 500 btime 30000 movestogo 39 depth 3",  # 60 − 2.25 + 0.5
    ]


@pytest.mark.parametrize(
    ("tc", "lines"),
    [
        ("40/60", ["time_settings 0 60 40", "time_left b 60 40", "time_left b 57 39"]),
        ("60.5+1", ["time_settings 60 0 0", "time_left b 60 0", "time_left b 59 0"]),  # 60.5 − 2.25 + 1
    ],
)
def test_a_gtp_engine_hears_its_clock_in_whole_seconds(tmp_path, tc, lines):
    heard = tmp_path / "heard"
    extra = f"open({str(heard)!r}, 'a').write(line if word.startswith('time') else '')"
    seat = table("Go", size=5, superko="simple")
    command = fake_gtp(tmp_path, ["A1", "B2"], extra, more="\ntime_settings\ntime_left")
    player = make_gtp(f"{command}?tc={tc}", seat)
    hear_clocks(player, seat.game, Clock(player.time_control), None, ["C3", "D4"])
    told = heard.read_text().splitlines()
    assert [told[0], *told[-2:]] == lines
    assert set(told) == set(lines)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("tc=fast", "tc=fast is no time control; expected MOVES/SECONDS.INCREMENT or .*write tc=40/60.0.5"),
        ("tc=60&movetime=100", "movetime and tc are two limits on time; give one of them"),
        ("timemargin=100", "timemargin is a clock's; give it tc="),
        ("tc=60&timemargin=-1", "timemargin=-1 is no positive number"),
    ],
)
def test_clocks_that_cannot_be_are_refused_before_any_game(tmp_path, query, message):
    with pytest.raises(UserError, match=message):
        make_uci(f"{fake_uci(tmp_path)}?{query}", table("Chess"))
    with pytest.raises(UserError, match=message):
        make_gtp(f"{fake_gtp(tmp_path)}?{query}", table("Go", superko="simple"))


def test_a_gtp_engine_that_knows_no_clock_is_refused(tmp_path):
    with pytest.raises(UserError, match="does not know 'time_settings'; leave tc out"):
        make_gtp(f"{fake_gtp(tmp_path)}?tc=60", table("Go", superko="simple"))


# ---- at the table


class Timed(Fake):
    """A Fake by a clock, that says what it was shown."""

    def __init__(self, game, control, **options):
        super().__init__(game, **options)
        self.time_control, self.shown = control, []

    def see_clocks(self, slot, own, other):
        self.shown.append((own.left, other))


def play(players, games=1):
    todo = [Fixture("fake", "b", k) for k in range(games)]
    records = []
    Match(table("TicTacToe").game, players, [Opening()] * games, seed=0).play(todo, records.append)
    return records


def test_who_lets_the_clock_run_out_has_lost_on_time_though_the_move_came():
    game = table("TicTacToe").game
    fake = Timed(game, TimeControl(0.05), pause=0.06)
    (record,) = play((fake, Named(game, "b")))
    assert record.outcome == -1
    assert record.reason.startswith("time forfeit: fake had 0.05 s, took 0.0")
    assert record.actions == ()


def test_a_clock_that_lasts_changes_nothing_and_runs_down():
    game = table("TicTacToe").game
    fake = Timed(game, TimeControl(60))
    (record,) = play((fake, Named(game, "b")))
    assert record.reason == "rules"
    assert record.actions == play((Fake(game), Named(game, "b")))[0].actions
    left = [left for left, _ in fake.shown]
    assert left[0] == 60
    assert sorted(left, reverse=True) == left
    assert left[-1] < 60
    assert {other for _, other in fake.shown} == {None}


def test_an_engine_that_hangs_loses_when_its_clock_ends(tmp_path):
    seat = table("Chess")
    hang = "if answer == 'e2e4': time.sleep(60)"
    player = make_uci(fake_uci(tmp_path, ["e2e4"], hang) + "?tc=0.2&processes=1", seat)
    player.name = "fake"
    records = []
    match = Match(seat.game, (player, Named(seat.game, "b")), [Opening()], seed=0)
    match.play([Fixture("fake", "b", 0)], records.append)
    player.close()
    (record,) = records
    assert record.outcome == -1
    assert record.reason.startswith("time forfeit: fake")
    assert 0.2 <= record.seconds[0] < 30


def test_stockfish_keeps_its_clock_and_python_chess_agrees_on_the_mate():
    require_program("stockfish")
    seat = table("Chess")
    player = make_uci("stockfish?tc=2+0.02&timemargin=2000&processes=1", seat)
    player.name = "fake"
    records = []
    match = Match(seat.game, (player, Named(seat.game, "b")), [Opening()], seed=3)
    match.play([Fixture("fake", "b", 0)], records.append)
    player.close()
    (record,) = records
    assert (record.outcome, record.reason) == (1, "rules")
    board, pool = chess.Board(), seat.game.pool(1)
    for action in record.actions:
        board.push_uci(seat.game.move_name(pool[0], action))
        seat.game.step(pool, ROW, np.array([action]))
    assert board.is_checkmate()

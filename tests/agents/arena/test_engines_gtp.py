"""GTP engines as players: GNU Go itself, and engines that crash, hang, cheat or play by other rules."""

import re

import numpy as np
import pytest

from quadrivium.agents.arena.engines.gtp.engine import parse_score, score_text
from quadrivium.agents.arena.engines.gtp.player import make_gtp
from quadrivium.agents.arena.players import EngineError, Resignation
from quadrivium.agents.errors import UserError
from tests.agents.arena.engine_tools import (
    GNUGO,
    ROW,
    begin,
    fake_gtp,
    play_random_opponent,
    require_program,
    table,
)


@pytest.fixture
def gnugo():
    require_program("gnugo")
    player = make_gtp(GNUGO, table("Go", size=9))
    yield player
    player.close()


def ask(player, command, slot=0):
    return player._engines[slot].ask(command)


@pytest.mark.parametrize("seat", [0, 1])
def test_gnugo_beats_random_moves_and_its_score_is_ours(gnugo, seat):
    game = table("Go", size=9).game
    end, moves = play_random_opponent(gnugo, game, seat, seed=seat)
    assert game.result(end, ROW).returns[0, seat] == 1
    # It captures what is dead before it passes, so the dead stones that it takes off and we do not are none.
    assert parse_score(ask(gnugo, "final_score")) == float(game.score(end, ROW)[0])
    assert len(moves) == len(ask(gnugo, "move_history").splitlines())


def test_gnugo_plays_the_same_game_with_the_same_seed(gnugo):
    game = table("Go", size=9).game
    first = play_random_opponent(gnugo, game, 0, seed=5)[1]
    play_random_opponent(gnugo, game, 0, seed=6)
    assert play_random_opponent(gnugo, game, 0, seed=5)[1] == first


def test_two_games_at_once_have_a_process_each(gnugo):
    assert make_gtp(f"{GNUGO}?processes=3", table("Go")).concurrency == 3
    game = table("Go", size=9).game
    pools = game.pool(2)
    for slot in (0, 1):
        begin(gnugo, slot, slot=slot)
    first = gnugo.act(pools, np.array([0]), np.array([0]))
    gnugo.played(pools, np.array([0]), np.array([0]), first)
    tengen = game.parse_move(pools[1], "E5")
    gnugo.played(pools, np.array([1]), np.array([1]), np.array([tengen]))
    assert len(ask(gnugo, "list_stones black", 0).split()) == 1
    assert ask(gnugo, "list_stones black", 1) == "E5"
    assert gnugo._engines[0].process.pid != gnugo._engines[1].process.pid


def test_komi_and_size_are_the_games():
    require_program("gnugo")
    player = make_gtp(GNUGO, table("Go", size=13, komi=-4.5))
    begin(player, 0)
    assert (ask(player, "query_boardsize"), float(ask(player, "get_komi"))) == ("13", -4.5)
    player.close()


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ("gnugo --mode gtp --positional-superko", {}, "gnugo scores W.7.0 what this game scores B.2"),
        ("gnugo --mode gtp --chinese-rules", {}, r"earlier position again.*\(GNU Go: --positional-superko\)"),
        (GNUGO, {"superko": "simple"}, r"forbids by superko what this game allows.*--simple-ko"),
        ("gnugo --mode gtp --levle 1", {}, "gnugo ended with exit code 1.*unrecognized option"),
        ("gnugo --mode ascii", {}, "which is no GTP; has it such a mode"),
        (
            "gnugo --mode gtp?level=1",
            {},
            "option 'level' is unknown.*movetime, tc, timemargin, timeout, processes",
        ),
    ],
)
def test_other_rules_and_wrong_commands_are_refused_before_any_game(command, options, message):
    require_program("gnugo")
    with pytest.raises(UserError, match=f"^player 'gtp:{command.split()[0]}.*{message}"):
        make_gtp(command, table("Go", **options))


SITUATIONAL = GNUGO.replace("positional", "situational")


def test_situational_superko_is_gnugos_too_and_told_from_both_others():
    require_program("gnugo")
    make_gtp(SITUATIONAL, table("Go", superko="situational")).close()
    for command, superko, flag in (
        (GNUGO, "situational", "--situational-superko"),
        ("gnugo --mode gtp --chinese-rules", "situational", "--situational-superko"),
        (SITUATIONAL, "positional", "--positional-superko"),
        (SITUATIONAL, "simple", "--simple-ko"),
    ):
        with pytest.raises(UserError, match=flag):
            make_gtp(command, table("Go", superko=superko))


def test_simple_ko_and_area_are_gnugos_too():
    require_program("gnugo")
    make_gtp("gnugo --mode gtp --chinese-rules", table("Go", superko="simple")).close()


@pytest.mark.parametrize("size", [2, 5, 6, 7, 19])
def test_every_size_is_checked(size):
    require_program("gnugo")
    make_gtp(GNUGO, table("Go", size=size)).close()
    if size >= 5:
        territory = GNUGO.replace("chinese", "japanese")
        with pytest.raises(UserError, match="let it count area, as this game does"):
            make_gtp(territory, table("Go", size=size))


def test_a_size_that_the_engine_refuses_is_refused(tmp_path):
    source = fake_gtp(tmp_path, extra="if word == 'boardsize': print('? unacceptable size\\n'); continue")
    with pytest.raises(UserError, match="'boardsize 5': unacceptable size; this game is Go 5x5 with komi 7"):
        make_gtp(source, table("Go", size=5))


def test_go_and_othello_are_all_that_gtp_is_for():
    with pytest.raises(
        UserError, match="plays Go or Othello, and this is Chess; seat it at a table of Go or Othello"
    ):
        make_gtp("gnugo --mode gtp", table("Chess"))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("movetime", "'movetime' is no option; write KEY=VALUE"),
        ("movetime=0", "movetime=0 is no positive number"),
        ("movetime=2000&timeout=1", "movetime is 2 s, but moves are lost after 1 s"),
        ("timeout=1&timeout=2", "'timeout' is given twice"),
        ("processes=1.5", "processes=1.5 is no positive whole number"),
        ("timeot=3", "'timeot' is unknown; did you mean 'timeout'"),
        ("movetime=1000", "does not know 'time_settings'; leave movetime out"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path, query, message):
    with pytest.raises(UserError, match=message):
        make_gtp(f"{fake_gtp(tmp_path)}?{query}", table("Go", superko="simple"))


# ---- engines that misbehave


def meet(tmp_path, moves=(), extra="pass", more="", move_seconds=None):
    seat = table("Go", move_seconds, size=5, superko="simple")  # the fakes allow every move
    return make_gtp(fake_gtp(tmp_path, moves, extra, more), seat), seat.game


def test_moves_go_through_the_games_notation(tmp_path):
    player, game = meet(tmp_path, ["E5", "pass", "c3"])
    pool = game.pool(1)
    begin(player, 0)
    assert [game.move_name(pool[0], int(player.act(pool, ROW, ROW)[0])) for _ in range(3)] == [
        "E5", "pass", "C3",
    ]  # fmt: skip
    player.close()


@pytest.mark.parametrize(
    ("move", "extra", "message"),
    [
        ("K9", "pass", "answered 'K9': 'K9' is no cell"),
        ("A1", "pass", "played 'A1', which is illegal here"),
        (
            "A2",
            "if answer == 'A2': sys.exit('no memory')",
            "exit code 1 instead of answering 'genmove b'; it",
        ),
        ("A2", "if answer == 'A2': time.sleep(60)", "did not answer 'genmove b' in time"),
        (
            "A2",
            "if answer == 'A2': print('? not now\\n', flush=True); continue",
            "refused 'genmove b': not now",
        ),
        ("A2", "if answer == 'A2': print('A2', flush=True)", "'A2', which is no GTP"),
    ],
)
def test_a_failure_costs_the_game_and_the_next_is_played(tmp_path, move, extra, message):
    player, game = meet(tmp_path, [move, "B2"], extra, move_seconds=1.0)
    pool = game.play_moves("A1 pass")
    begin(player, 0)
    with pytest.raises(EngineError, match=message) as caught:
        player.act(pool, ROW, ROW)
    assert "\n" not in str(caught.value)
    begin(player, 0)
    assert game.move_name(pool[0], int(player.act(pool, ROW, ROW)[0])) == "B2"
    player.close()


@pytest.mark.parametrize("word", ["resign", "RESIGN"])
def test_a_resignation_is_no_failure_of_the_engine(tmp_path, word):
    player, game = meet(tmp_path, [word, "B2"])
    pool = game.play_moves("A1 pass")
    begin(player, 0)
    with pytest.raises(Resignation, match="resigned"):
        player.act(pool, ROW, ROW)
    pid = player._engines[0].process.pid
    begin(player, 0)
    assert game.move_name(pool[0], int(player.act(pool, ROW, ROW)[0])) == "B2"
    assert player._engines[0].process.pid == pid
    player.close()


@pytest.mark.parametrize(
    ("known", "identity"), [("", ""), ("\nname", "Fake"), ("\nname\nversion", "Fake 1.5 beta")]
)
def test_an_engine_is_known_by_the_name_and_version_that_it_says(tmp_path, known, identity):
    extra = "answer = {'name': 'Fake', 'version': '1.5  beta'}.get(word, answer)"
    player, _ = meet(tmp_path, extra=extra, more=known)
    assert player.identity == identity
    player.close()


def test_an_engine_that_refuses_to_say_its_version_plays(tmp_path):
    player, _ = meet(
        tmp_path, extra="if word == 'version': print('? no\\n', flush=True); continue", more="\nversion"
    )
    assert player.identity == ""
    player.close()


def test_gnugo_is_known_by_its_version(gnugo):
    assert re.fullmatch(r"GNU Go \d+\.\d+", gnugo.identity)


def test_an_engine_that_dies_while_the_other_thinks_is_noticed(tmp_path):
    player, game = meet(tmp_path, extra="if word == 'play' and rest[1] == 'B3': sys.exit(3)")
    begin(player, 1)
    pool = game.pool(1)
    with pytest.raises(EngineError, match="exit code 3 instead of answering 'play b B3'"):
        player.played(pool, ROW, ROW, np.array([game.parse_move(pool[0], "B3")]))
    player.close()


def test_an_engine_passes_only_when_nothing_is_left_to_capture(tmp_path):
    clean = "if word == 'kgs-genmove_cleanup': answer = 'D4'"
    player, game = meet(tmp_path, ["pass", "A1"], clean, "\nundo\nkgs-genmove_cleanup")
    pool = game.pool(1)
    begin(player, 0)
    assert game.move_name(pool[0], int(player.act(pool, ROW, ROW)[0])) == "D4"
    assert game.move_name(pool[0], int(player.act(pool, ROW, ROW)[0])) == "A1"
    player.close()


def test_an_engine_without_a_needed_command_is_refused(tmp_path):
    source = fake_gtp(tmp_path, extra="answer = answer.replace('komi\\n', '')")
    with pytest.raises(UserError, match="does not know the GTP command 'komi'; it cannot play here"):
        make_gtp(source, table("Go", superko="simple"))


@pytest.mark.parametrize(("text", "lead"), [("B+3.5", 3.5), ("W+2", -2.0), ("0", 0.0), ("w+0.5", -0.5)])
def test_scores_are_read(text, lead):
    assert parse_score(text) == lead
    assert parse_score(score_text(lead)) == lead


@pytest.mark.parametrize("text", ["", "B", "B+", "B+x", "black by 3", "X+3"])
def test_what_is_no_score_is_an_error(text):
    with pytest.raises(ValueError, match="no score; expected one such as"):
        parse_score(text)

import chess
import chess.pgn
import numpy as np
import pytest

from quadrivium.agents.arena.builtin import RandomTablePlayer
from quadrivium.agents.arena.match import RESIGNED, RULES
from quadrivium.agents.arena.players import EngineError, Resignation, Table
from quadrivium.agents.arena.search_player import make_mcts
from quadrivium.commands.pages import drawing
from quadrivium.commands.pages.session import Session
from quadrivium.envs.board import GAMES

NAMES = ("Ann", "Bob")


class Script(RandomTablePlayer):
    """Plays the moves it was given; raises those that are exceptions."""

    def __init__(self, game, moves):
        super().__init__(game)
        self.moves, self.heard = list(moves), []

    def begin(self, slots, seats, seeds):
        self.heard = []

    def act(self, pool, rows, slots):
        move = self.moves.pop(0)
        if isinstance(move, Exception):
            raise move
        return np.array([move])

    def played(self, pool, rows, slots, actions):
        self.heard.append(int(actions[0]))


def session(name="TicTacToe", players=(None, None), adviser=None, **options):
    return Session(GAMES[name](**options), NAMES, players, adviser)


def searcher(game, text="50"):
    return make_mcts(text, Table(game, type(game).__name__))


def test_two_people_play_to_the_end_and_the_record_says_who_won():
    played = session()
    for cell in (0, 3, 1, 4, 2):  # three in the top row
        played.play(cell)
    assert played.ending == (1, RULES)
    assert played.move_names == ["a3", "a2", "b3", "b2", "c3"]
    text, ending = played.text()
    assert ending == "txt"
    assert "Ann (x) – Bob (o)" in text
    assert "1-0 (rules)" in text
    assert len(played.legal()) == 0
    with pytest.raises(ValueError, match="the game is over"):
        played.play(5)


@pytest.mark.parametrize("action", [-1, 0, 9, 10**30])
def test_an_illegal_move_changes_nothing(action):
    played = session()
    played.play(0)
    with pytest.raises(ValueError, match="illegal"):
        played.play(action)
    assert (played.ply, played.to_move, played.ending) == (1, 1, None)


def test_an_agent_answers_and_hears_every_move():
    game = GAMES["TicTacToe"]()
    agent = Script(game, [4, 8])
    played = Session(game, NAMES, (None, agent))
    for cell in (0, 1):
        assert played.person_to_move
        played.play(cell)
        assert played.agent_to_move
        assert played.accept(played.think())
    assert list(played.actions) == [0, 4, 1, 8]
    assert agent.heard == [0, 4, 1, 8]


def test_taking_back_returns_to_the_persons_last_move_and_the_agent_hears_the_game_anew():
    game = GAMES["TicTacToe"]()
    agent = Script(game, [4, 8, 7])
    played = Session(game, NAMES, (None, agent))
    for cell in (0, 1):
        played.play(cell)
        played.accept(played.think())
    played.undo()
    assert (list(played.actions), played.move_names, played.aided) == ([0, 4], ["a3", "b2"], True)
    assert played.person_to_move
    played.play(2)
    played.accept(played.think())
    assert agent.heard == [0, 4, 2, 7]


def test_nobody_takes_back_what_no_person_has_moved():
    game = GAMES["TicTacToe"]()
    played = Session(game, NAMES, (Script(game, [4]), None))
    with pytest.raises(ValueError, match="no move of yours"):
        played.undo()
    played.accept(played.think())
    with pytest.raises(ValueError, match="no move of yours"):
        played.undo()
    assert list(played.actions) == [4]


def test_who_resigns_has_lost_and_may_think_again():
    game = GAMES["TicTacToe"]()
    played = Session(game, NAMES, (Script(game, [4]), None))
    played.accept(played.think())
    played.resign()
    assert played.ending == (1, RESIGNED)
    with pytest.raises(ValueError, match="over already"):
        played.resign()
    played.undo()
    assert played.ending is None
    assert list(played.actions) == [4]
    assert played.person_to_move


def test_a_person_may_resign_while_the_agent_thinks_and_its_answer_no_longer_counts():
    game = GAMES["TicTacToe"]()
    played = Session(game, NAMES, (None, Script(game, [4])))
    played.play(0)
    reply = played.think()
    played.resign()
    assert played.ending == (-1, RESIGNED)  # the person's game, although the agent is to move
    assert not played.accept(reply)
    assert list(played.actions) == [0]


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(Resignation("it resigned"), RESIGNED), (EngineError("it hung"), "abandoned: it hung")],
)
def test_an_agent_that_gives_up_or_fails_has_lost(failure, reason):
    game = GAMES["TicTacToe"]()
    played = Session(game, NAMES, (None, Script(game, [failure])))
    played.play(0)
    assert played.accept(played.think())
    assert played.ending == (1, reason)


def test_the_adviser_sees_the_winning_move_from_either_side():
    game = GAMES["TicTacToe"]()
    played = Session(game, NAMES, (None, None), searcher(game, "200"))
    for cell in (0, 3, 1, 4):
        played.play(cell)
    opinion = played.advise()
    assert opinion.moves[0].action == 2
    assert opinion.moves[0].line[0] == "c3"
    assert opinion.value > 0.5
    assert sum(move.search for move in opinion.moves) == pytest.approx(1)
    assert all(move.policy is None for move in opinion.moves)  # random games are no policy
    played.hear(opinion)
    assert played.values[4] == opinion.value
    played.play(8)  # now o wins by c2
    opinion = played.advise()
    assert opinion.moves[0].action == 5
    assert opinion.value < -0.5  # for the first player


def test_an_opinion_of_a_position_that_has_passed_is_not_heard():
    game = GAMES["TicTacToe"]()
    played = Session(game, NAMES, (None, None), searcher(game))
    opinion = played.advise()
    played.play(0)
    played.hear(opinion)
    assert played.opinion is None
    assert not played.aided


def test_an_adviser_is_stopped_early():
    game = GAMES["ConnectFour"]()
    played = Session(game, NAMES, (None, None), searcher(game, "100000"))
    opinion = played.advise(lambda done: done < 20)
    assert opinion.visits <= 21


def test_an_agents_value_is_told_for_the_first_player():
    game = GAMES["TicTacToe"]()
    played = Session(game, NAMES, (None, searcher(game, "300")))
    for cell in (0, 1):
        played.play(cell)
        if cell == 0:
            played.accept(played.think()._replace(action=8))
    reply = played.think()  # x threatens c3, and o has to stop it
    assert reply.action == 2
    assert reply.value is not None
    assert -1 <= reply.value <= 1


def test_chess_is_recorded_as_pgn_that_others_read():
    played = session("Chess")
    for text in ("f2f3", "e7e5", "g2g4", "d8h4"):
        played.play(played.game.parse_move(played.pool[0], text))
    assert played.ending == (-1, RULES)
    assert played.move_names[-1] == "Qh4#"
    text, ending = played.text()
    import io

    read = chess.pgn.read_game(io.StringIO(text))
    assert ending == "pgn"
    assert read.end().board().is_checkmate()
    assert (read.headers["White"], read.headers["Black"], read.headers["Result"]) == ("Ann", "Bob", "0-1")


def test_go_is_recorded_as_sgf_with_its_score():
    played = session("Go", size=5, komi=0.5)
    for move in (12, 25, 25):  # a stone in the middle, then two passes
        played.play(move)
    text, ending = played.text()
    assert ending == "sgf"
    assert "RE[B+24.5]" in text
    assert "PB[Ann]" in text


def test_a_game_that_goes_on_has_no_record():
    with pytest.raises(ValueError, match="goes on"):
        session().text()


def test_every_game_tells_its_moves_as_cells():
    for name, kind in GAMES.items():
        game = kind()
        pool = game.pool(1)
        legal = np.flatnonzero(game.legal(pool, np.arange(1))[0])
        moves = drawing.moves(game, pool, legal)
        assert [move["action"] for move in moves] == legal.tolist()
        shown = drawing.position(game, pool)
        assert len(shown["cells"]) == game.height * game.width
        for move in moves:
            assert (move["to"] is None) == (move["name"] in ("pass", "swap"))
            if move["from"] is not None:
                row, column = move["from"]
                assert shown["cells"][row * game.width + column] > 0, name  # a piece of who begins
            if move["to"] is not None:
                game.step(after := pool.copy(), np.arange(1), np.array([move["action"]]))
                row, column = move["to"]
                assert drawing.position(game, after)["cells"][row * game.width + column] > 0, name


def test_a_knight_moves_from_its_square_to_another():
    game = GAMES["Chess"]()
    pool = game.pool(1)
    legal = np.flatnonzero(game.legal(pool, np.arange(1))[0])
    moves = {move["name"]: move for move in drawing.moves(game, pool, legal)}
    assert (moves["g1f3"]["from"], moves["g1f3"]["to"]) == ([7, 6], [5, 5])

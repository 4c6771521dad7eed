"""Exams: what counts as keeping a position's value, and what the run logs of it."""

from pathlib import Path

import numpy as np

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.watch.exam import Exam, exam_of, policy_actions, searched_actions
from quadrivium.agents.nets import NetConfig
from quadrivium.envs.board import ConnectFour, TicTacToe
from quadrivium.envs.board.exam import read_exam

SMALL = NetConfig(trunk="cnn", width=8, depth=1, normalize_inputs=False)


def agent(**options: object) -> AlphaZero:
    return AlphaZero(AlphaZeroConfig(net=SMALL, **options), ConnectFour(), games=2, seed=0, device="cpu")  # pyright: ignore


def test_keeping_moves_are_those_of_the_best_value_that_is_there(tmp_path: Path):
    path = tmp_path / "exam.txt"
    path.write_text("- --=+=--\naaaaaa .-=-==-\nb -------\n")
    roots, keeps = read_exam(ConnectFour(), path)
    assert len(roots) == 3
    assert roots["ply"].tolist() == [0, 6, 1]
    assert keeps.astype(int).tolist() == [
        [0, 0, 0, 1, 0, 0, 0],
        [0, 0, 1, 0, 1, 1, 0],
        [1, 1, 1, 1, 1, 1, 1],
    ]


def test_accuracy_is_the_share_of_moves_that_keep_the_value():
    keeps = np.array([[1, 0], [1, 0], [0, 1], [1, 1]], bool)
    assert Exam(np.zeros(4), keeps).accuracy(np.array([0, 1, 1, 0])) == 0.75


def test_connect_four_brings_an_exam_and_tic_tac_toe_none():
    exam = exam_of(ConnectFour())
    assert exam is not None
    assert len(exam.roots) == 1000
    assert exam.keeps.shape == (1000, 7)
    assert exam_of(TicTacToe()) is None


def test_search_finds_at_once_what_an_untrained_policy_misses():
    game, me = ConnectFour(), agent()
    exam = exam_of(game)
    assert exam is not None
    late = Exam(exam.roots[-200:], exam.keeps[-200:])  # few moves are left: search proves most of them
    alone = late.accuracy(policy_actions(game, me.evaluator(), late.roots))
    searched = late.accuracy(searched_actions(game, me.evaluator(), late.roots, 200))
    assert alone < 0.75 < 0.95 < searched


def test_the_policy_alone_is_examined_where_no_simulations_are_given():
    assert list(agent(exam_simulations=0).take_exam()) == ["solver/policy_accuracy"]
    assert sorted(agent(exam_simulations=2).take_exam()) == [
        "solver/policy_accuracy",
        "solver/search_accuracy",
    ]

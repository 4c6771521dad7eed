"""Each board game plays today the game that its playthrough shows."""

import pytest

from quadrivium.envs.board import GAMES
from tests.golden.playthrough import FOLDER, path_of, playthrough


@pytest.mark.parametrize("name", GAMES)
def test_every_game_plays_its_playthrough_move_by_move(name):
    assert path_of(name).exists(), "write it with: python -m tests.golden.playthrough"
    kept, now = path_of(name).read_text().splitlines(), playthrough(name).splitlines()
    advice = "a change of rules, planes, numbering, notation or random order needs a new version of the id"
    for number, (was, is_now) in enumerate(zip(kept, now, strict=False), 1):
        assert is_now == was, f"{path_of(name).name} differs in line {number}; {advice}"
    assert len(now) == len(kept)


def test_no_playthrough_is_left_of_a_game_that_is_gone():
    assert {path.name for path in FOLDER.glob("*.txt")} == {path_of(name).name for name in GAMES}

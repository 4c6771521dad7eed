"""Where the parts of an observation lie in the frame: on what is drawn there."""

import gymnasium
import numpy as np
import pytest

from quadrivium.envs.board.registry import GAMES
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.driving.drawing import EGO


def near(frame, place, colour):
    """Whether the colour is within 3 pixels of a place (x, y)."""
    x, y = place.round().astype(int)
    patch = frame[y - 3 : y + 4, x - 3 : x + 4].astype(int)
    return np.abs(patch - colour).sum(-1).min() < 90


@pytest.mark.parametrize(
    ("name", "frame_of"),
    [("Highway", {}), *((name, kind) for name in ("Merge", "Roundabout") for kind in ({}, {"frame": "ego"}))],
)
def test_observed_cars_are_where_they_are_drawn(name, frame_of):
    env = gymnasium.make(f"quadrivium/{name}-v0", render_mode="rgb_array", **frame_of)
    obs, _ = env.reset(seed=3)
    for _ in range(3):
        obs, *_ = env.step(1)
    frame, row = env.render(), env.unwrapped.get_state()[0]
    found = env.unwrapped.observed_places(obs)["observation"]
    assert near(frame, found[0], EGO)
    within = np.abs(obs[:, 1:3]).max(1) < 1  # farther away numbers are clipped
    there = found[(obs[:, 0] > 0) & within][1:]
    assert len(there) > 0
    assert np.isnan(found[obs[:, 0] == 0]).all()
    scale = 6.0 if name == "Highway" else 5.0
    cars = int(row["cars"]) if name != "Highway" else len(row["x"])
    bodies = list(zip(row["x"][:cars], row["y"][:cars], strict=True))
    if name != "Highway":
        bodies += [(x, y) for x, y, _ in env.unwrapped.setup.params.obstacles]
    true = (np.array(bodies) - bodies[0]) * scale + found[0]
    for place in there:
        assert np.linalg.norm(true - place, axis=1).min() < 0.5
    env.close()


def test_observed_people_are_where_they_stand():
    env = gymnasium.make("quadrivium/CrowdNav-v0", render_mode="rgb_array")
    obs, _ = env.reset(seed=1)
    env.render()
    found = env.unwrapped.observed_places(obs)["people"]
    row, renderer = env.unwrapped.get_state()[0], env.unwrapped._screen._open()
    true = np.array([renderer._point(x, y) for x, y in zip(row["x"], row["y"], strict=True)]) / 3
    true += (0, frame_top := env.render().shape[0] - env.render().shape[1])
    assert frame_top > 0
    there = obs["people"][:, 0] > 0
    assert there.any()
    for place in found[there]:
        assert np.linalg.norm(true[1:] - place, axis=1).min() < 0.5
    env.close()


@pytest.mark.parametrize("name", sorted(GAMES))
def test_a_players_planes_are_the_board_in_the_frame_of_that_player(name):
    game = GAMES[name]()
    pool, rows = game.pool(2), np.arange(2)
    game.play_random(pool, rows[:1], 6)
    game.play_random(pool, rows[1:], 7)
    planes = game.observe(pool, rows)
    own = {"Chess": 6, "Backgammon": 4}.get(name, 1)  # planes of a player's pieces
    for row, seen in zip(pool, planes, strict=True):
        player = int(row["to_move"])
        cells = game.as_seen(game.cells(row), player) * (-1 if player else 1)
        assert ((cells > 0) == (seen[:own].sum(0) > 0)).all()
        assert ((cells < 0) == (seen[own : 2 * own].sum(0) > 0)).all()
        assert (game.as_seen(game.as_seen(game.cells(row), player), player) == game.cells(row)).all()


def test_names_of_tokens_must_be_as_many_as_there_are():
    setup = gymnasium.make("quadrivium/Highway-v0").unwrapped.setup
    values = {name: getattr(setup, name) for name in Setup.__dataclass_fields__}
    with pytest.raises(ValueError, match=r"name 1 of 'observation', which has shape \(5, 5\)"):
        Setup(**values | {"tokens": {"observation": ("ego",)}})

"""What an environment shows: one screen for all faces, copies of it, windows beside those of others."""

import copy
import pickle

import gymnasium
import numpy as np
import pytest

import quadrivium  # noqa: F401 (registers the ids)
from quadrivium.envs.core.screen import Screen


class Slate:
    """Draws nothing, and counts what is asked of it."""

    made = 0

    def __init__(self):
        Slate.made += 1
        self.shown, self.closed = 0, False

    def draw(self, row):
        return np.zeros((2, 2, 3), np.uint8)

    def frames_between(self, before, after, count):
        return [self.draw(after)] * count

    def show(self, row):
        self.shown += 1

    def close(self):
        self.closed = True


def words(row):
    return "row"


ROW = np.zeros(1, [("x", "i4")])[0]


def test_a_mode_needs_its_means():
    assert Screen(None, Slate, None, remedy="").modes == ["human", "rgb_array"]
    assert Screen(None, None, words, remedy="").modes == ["ansi"]
    assert Screen(None, Slate, words, remedy="", only=("rgb_array",)).modes == ["rgb_array"]
    with pytest.raises(ValueError, match=r"render_mode='ansi' is unknown here; use one of \['human', 'rgb_a"):
        Screen("ansi", Slate, None, remedy="", where=" here")


def test_the_renderer_is_made_when_something_is_drawn_and_again_after_closing():
    made = Slate.made
    screen = Screen("rgb_array", Slate, words, remedy="")
    assert Slate.made == made
    assert screen.render(ROW).shape == (2, 2, 3)
    assert len(screen.motion(ROW, ROW, 3)) == 3
    assert Slate.made == made + 1
    screen.close()
    screen.close()
    screen.render(ROW)
    assert Slate.made == made + 2


def test_text_needs_no_renderer():
    made = Slate.made
    assert Screen("ansi", Slate, words, remedy="").render(ROW) == "row"
    assert Slate.made == made


def test_without_a_mode_the_remedy_is_named():
    with pytest.warns(UserWarning, match="needs a render mode: ask for one"):
        assert Screen(None, Slate, words, remedy="ask for one").render(ROW) is None


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_opens_a_screen_of_its_own(copied):
    screen = Screen("human", Slate, words, remedy="")
    screen.render(ROW)
    made, twin = Slate.made, copied(screen)
    assert twin.mode == "human"
    twin.render(ROW)
    assert Slate.made == made + 1


def test_a_window_goes_on_after_another_environment_has_ended_pygame(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    import pygame

    env = gymnasium.make("quadrivium/SignChain-v0", render_mode="human")
    env.reset(seed=0)
    pygame.quit()
    env.step(0)
    pygame.quit()  # and again, with a window of someone else's opened in its place
    pygame.display.init()
    pygame.display.set_mode((50, 50))
    env.step(1)
    assert pygame.display.get_surface().get_size() == (640, 360)
    assert pygame.display.get_caption()[0] == "SignChain"
    env.close()


def test_gymnasium_knows_the_text_mode_of_a_game(recwarn):
    env = gymnasium.make("quadrivium/TicTacToe-v0", render_mode="ansi")
    env.reset(seed=0)
    assert "1" in env.render()
    assert not [str(one.message) for one in recwarn if "render" in str(one.message)]

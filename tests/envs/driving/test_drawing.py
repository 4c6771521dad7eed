"""Pictures are drawn beside other programs that use pygame."""

import pygame

from quadrivium.envs.driving.drawing import write


def picture_of_text() -> bytes:
    surface = pygame.Surface((80, 20))
    write(surface, "30.0 m/s", 2, 10)
    return pygame.image.tobytes(surface, "RGB")


def test_text_is_still_written_after_another_environment_ended_pygame():
    before = picture_of_text()
    assert any(before)
    pygame.quit()  # what Gymnasium's environments do in close()
    assert picture_of_text() == before

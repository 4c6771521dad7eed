"""Explore as a picture: one record in, (H, W, 3) uint8 out; or a window in the world's own time."""

import numpy as np
import pygame

from quadrivium.envs.core.picture import mix
from quadrivium.envs.navigation.drawing.map_canvas import CRASHED, INK, ROBOT, MapCanvas, pose_of, with_panel
from quadrivium.envs.navigation.drawing.motion_renderer import MotionRenderer
from quadrivium.envs.navigation.explore.state import COLLIDED, FINISHED, ExploreParams

_FRONTIER = (214, 120, 40)


class ExploreRenderer(MotionRenderer):
    """Draws the place with the robot as it is, and beside it the robot's own map, where it believes to be.

    The robot has a white arrow where it looks, and its path behind it; its beams end in red dots where they
    hit. With a guide, frontiers are orange in its map.

    Args:
        params: the parameters of the environment whose records are drawn.
    """

    def __init__(self, params: ExploreParams) -> None:
        super().__init__("quadrivium/Explore-v0", params.dt, 1)
        self.params = params
        shape = (params.occupied.shape[1], params.occupied.shape[2])
        self._true = MapCanvas(shape, params.resolution, 560)
        self._own = MapCanvas(shape, params.resolution, 560)

    def paint(self, row: np.void) -> pygame.Surface:
        """Returns the picture of a record."""
        p = self.params
        pose = pose_of(row)
        self._true.walls(p.occupied[row["map"]])
        self._true.path(ROBOT[0], self.path(row)[:, 0])
        self._true.beams(pose, row["scan"][: len(p.directions)], p.directions, p.lidar_range, ROBOT[0])
        if row["outcome"] == COLLIDED:
            self._true.disc(CRASHED, pose[0], pose[1], p.radius + 0.14, 0.06)
        self._true.robot(ROBOT[0], pose, p.radius, p.footprint)
        rows, columns = p.occupied.shape[1:]
        self._own.odds(row["own_map"][:rows, :columns])
        frontiers = np.argwhere(row["plan"] == 0) if p.guide else np.zeros((0, 2))
        for i, j in frontiers.tolist():
            self._own.disc(_FRONTIER, (j + 0.5) * p.resolution, (i + 0.5) * p.resolution, 0.05)
        self._own.robot(mix(ROBOT[0], INK, 0.2), pose_of(row, believed=True), p.radius, p.footprint)
        parts = [self._true.finish(), self._own.finish()]
        return with_panel(parts, self._labels(row), self._verdict(row))

    def _labels(self, row: np.void) -> list[tuple[str, str]]:
        cells = max(int(row["cells"]), 1)
        off = np.hypot(row["x"][0] - row["believed_x"][0], row["y"][0] - row["believed_y"][0])
        return [
            ("time", f"{float(row['step']) * self.params.dt:.1f} s"),
            ("mapped", f"{100 * int(row['right']) / cells:.1f} %"),
            ("wrong", f"{100 * int(row['wrong']) / cells:.1f} %"),
            ("off by", f"{100 * float(off):.0f} cm"),
        ]

    def _verdict(self, row: np.void) -> tuple[str, tuple[int, int, int]] | None:
        if row["outcome"] == FINISHED:
            return "MAPPED", ROBOT[0]
        if row["outcome"] == COLLIDED:
            return "COLLIDED", CRASHED
        return ("TIME IS UP", INK) if row["step"] >= self.params.max_steps else None

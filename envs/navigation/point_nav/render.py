"""PointNav as a picture: one record in, (H, W, 3) uint8 out; or a window in the world's own time."""

import numpy as np
import pygame

from quadrivium.envs.core.picture import mix
from quadrivium.envs.navigation.drawing.map_canvas import (
    CRASHED,
    FLOOR,
    INK,
    PERSON,
    ROBOT,
    MapCanvas,
    pose_of,
    with_panel,
)
from quadrivium.envs.navigation.drawing.motion_renderer import MotionRenderer
from quadrivium.envs.navigation.point_nav.state import ARRIVED, BLIND, COLLIDED, GRID, PointNavParams


class PointNavRenderer(MotionRenderer):
    """Draws records of robots in a map.

    Robots are teal (the first one) with a white arrow where they look, their paths behind them and a ring as
    their goal. The first one's beams end in red dots where they hit. Where it keeps a map of its own, that is
    drawn beside, with the robot where it believes to be. Who has collided is framed in red.

    Args:
        params: the parameters of the environment whose records are drawn.
        robots: in each map.
    """

    def __init__(self, params: PointNavParams, robots: int = 1) -> None:
        super().__init__("quadrivium/PointNav-v0", params.dt, robots)
        self.params = params
        shape = (params.occupied.shape[1], params.occupied.shape[2])
        self._canvas = MapCanvas(shape, params.resolution)
        self._own = MapCanvas(shape, params.resolution, self._canvas.size[1])

    def paint(self, row: np.void) -> pygame.Surface:
        """Returns the picture of a record."""
        p, canvas = self.params, self._canvas
        canvas.walls(p.occupied[row["map"]])
        robots = len(row["x"])
        path = self.path(row)
        for r in range(robots):
            colour = ROBOT[r % len(ROBOT)]
            canvas.goal(colour, float(row["goal_x"][r]), float(row["goal_y"][r]), p.goal_radius)
            canvas.path(colour, path[:, r])
        if p.observation != BLIND and row["active"][0]:
            ranges = row["scan"][0, : len(p.directions)]
            canvas.beams(pose_of(row), ranges, p.directions, p.lidar_range, ROBOT[0])
        for i in range(p.people):
            x, y = float(row["crowd"]["x"][i]), float(row["crowd"]["y"][i])
            canvas.disc(mix(PERSON, INK, 0.4), x, y, p.people_radius)
            canvas.disc(PERSON, x, y, 0.8 * p.people_radius)
        for r in range(robots):
            colour, pose = ROBOT[r % len(ROBOT)], pose_of(row, r)
            if row["outcome"][r] == COLLIDED:
                canvas.disc(CRASHED, pose[0], pose[1], p.radius + 0.14, 0.06)
            canvas.robot(
                colour if row["active"][r] else mix(FLOOR, colour, 0.45), pose, p.radius, p.footprint
            )
        parts = [canvas.finish()]
        if p.observation == GRID:
            parts.append(self._paint_own_map(row))
        return with_panel(parts, self._labels(row), self._verdict(row))

    def _paint_own_map(self, row: np.void) -> pygame.Surface:
        own, p = self._own, self.params
        rows, columns = p.occupied.shape[1:]
        own.odds(row["own_map"][0, :rows, :columns])
        own.goal(ROBOT[0], float(row["goal_x"][0]), float(row["goal_y"][0]), p.goal_radius)
        own.robot(ROBOT[0], pose_of(row, believed=True), p.radius, p.footprint)
        return own.finish()

    def _labels(self, row: np.void) -> list[tuple[str, str]]:
        return [
            ("time", f"{float(row['step']) * self.params.dt:.1f} s"),
            ("way left", f"{float(row['left_m'][0]):.1f} m"),
            ("speed", f"{float(row['first'][0]):.2f} m/s"),
        ]

    def _verdict(self, row: np.void) -> tuple[str, tuple[int, int, int]] | None:
        outcome = int(row["outcome"][0])
        if outcome == ARRIVED:
            return "ARRIVED", ROBOT[0]
        if outcome == COLLIDED:
            return "COLLIDED", CRASHED
        return ("TIME IS UP", INK) if row["step"] >= self.params.max_steps else None

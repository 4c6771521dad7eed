"""CrowdNav as a picture: one record in, (H, W, 3) uint8 out; or a window that moves in the world's own time.

Everything is drawn three times too large and scaled down once, which smooths every edge. Imported only when
something is drawn.
"""

import math
from collections.abc import Mapping

import numpy as np
import pygame

from quadrivium.envs.core.picture import FAINT, PANEL, SMOOTHING, TEXT, Colour, mix, text_width, write
from quadrivium.envs.navigation.crowd_nav.observations import look_around
from quadrivium.envs.navigation.crowd_nav.state import ARRIVED, COLLIDED, LIDAR, CrowdNavParams
from quadrivium.envs.navigation.drawing.map_canvas import CRASHED, FLOOR, INK, PANEL_PX, ROBOT
from quadrivium.envs.navigation.drawing.motion_renderer import MotionRenderer, turned
from quadrivium.envs.navigation.lidar import all_round

FIELD_PX = 640

TILE: Colour = (231, 227, 218)
PEOPLE: tuple[Colour, ...] = (
    (226, 135, 67),
    (102, 133, 189),
    (196, 110, 136),
    (138, 155, 88),
    (147, 120, 178),
    (186, 148, 84),
)
_BORDER_M = 1.6  # beyond the circle or square


class CrowdNavRenderer(MotionRenderer):
    """Draws records of one place.

    Robots are teal (the first one) with a bar where they look, their paths behind them and a ring as their
    goal; people have a nose where they go, and a small cross in their colour as a goal. Whom the first robot
    does not see is pale, and so is a robot that has left. A lidar's beams end where they hit. Who has
    collided is framed in red.

    Args:
        params: the parameters of the environment whose records are drawn.
        robots: of its bodies.
    """

    def __init__(self, params: CrowdNavParams, robots: int = 1) -> None:
        super().__init__("quadrivium/CrowdNav-v0", params.dt, robots)
        self.params = params
        self.size = (FIELD_PX, FIELD_PX + PANEL_PX)
        half_m = max(params.circle_radius, params.square_width / 2 if params.scenario else 0.0) + _BORDER_M
        self._scale = FIELD_PX * SMOOTHING / (2 * half_m)
        self._half_m = half_m
        self._fine = pygame.Surface((FIELD_PX * SMOOTHING, FIELD_PX * SMOOTHING), depth=32)
        self._floor = self._painted_floor()

    def paint(self, row: np.void) -> pygame.Surface:
        """Returns the picture of a record, 640 x 672."""
        self._fine.blit(self._floor, (0, 0))
        robots = len(row["heading"])
        self._paint_goals(row, robots)
        if self.params.observation == LIDAR:
            self._paint_beams(row)
        for r in range(robots):
            self._paint_path(self.path(row)[:, r], ROBOT[r % len(ROBOT)])
        seen = self._seen(row)
        for i in range(robots, robots + self.params.people):
            self._paint_person(row, i, PEOPLE[(i - robots) % len(PEOPLE)], i in seen)
        for r in range(robots):
            self._paint_robot(row, r, ROBOT[r % len(ROBOT)])
        picture = pygame.Surface(self.size)
        picture.fill(PANEL)
        small = pygame.transform.smoothscale(self._fine, (FIELD_PX, FIELD_PX))
        picture.blit(small, (0, PANEL_PX))
        self._paint_panel(picture, row)
        return picture

    def places(self, row: np.void, parts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns where the observed people stand, (N, 2) pixels."""
        if "people" not in parts:
            return {}
        seen = parts["people"].astype(np.float64)
        own = np.array([row["x"][0], row["y"][0]], np.float64)
        goal = np.array([row["goal_x"][0], row["goal_y"][0]]) - own
        ahead = goal / max(float(np.hypot(*goal)), 1e-6)
        beside = seen[:, 1:3] * self.params.sensor_range  # to the goal, and to the left of it
        places = own + beside[:, :1] * ahead + beside[:, 1:] * (-ahead[1], ahead[0])
        fine = np.array([self._point(x, y) for x, y in np.where(seen[:, :1] > 0, places, np.nan)])
        return {"people": fine / SMOOTHING + (0, PANEL_PX)}

    def _point(self, x: float, y: float) -> tuple[float, float]:
        """Returns the fine pixel of a place: north is up."""
        return (x + self._half_m) * self._scale, (self._half_m - y) * self._scale

    def _painted_floor(self) -> pygame.Surface:
        """Tiles of a metre, and the circle where people come from."""
        floor = self._fine.copy()
        floor.fill(FLOOR)
        for k in range(-math.ceil(self._half_m), math.ceil(self._half_m) + 1):
            at = round(self._point(k, k)[0])
            across = round(self._point(k, k)[1])
            pygame.draw.line(floor, TILE, (at, 0), (at, floor.get_height()), SMOOTHING)
            pygame.draw.line(floor, TILE, (0, across), (floor.get_width(), across), SMOOTHING)
        return floor

    def _veil(self) -> pygame.Surface:
        return pygame.Surface(self._fine.get_size(), pygame.SRCALPHA, 32)

    def _disc(self, colour: tuple[int, ...], x: float, y: float, radius: float, width: float = 0.0) -> None:
        """A disc, or a ring of so many metres."""
        pixels_wide = max(2, round(width * self._scale)) if width else 0
        pygame.draw.circle(self._fine, colour, self._point(x, y), radius * self._scale, pixels_wide)

    def _paint_goals(self, row: np.void, robots: int) -> None:
        for i in range(robots, robots + self.params.people):
            x, y = self._point(float(row["goal_x"][i]), float(row["goal_y"][i]))
            arm, colour = 0.1 * self._scale, mix(FLOOR, PEOPLE[(i - robots) % len(PEOPLE)], 0.6)
            for sign in (-1, 1):
                ends = (x - arm, y - sign * arm), (x + arm, y + sign * arm)
                pygame.draw.line(self._fine, colour, *ends, round(0.05 * self._scale))
        for r in range(robots):
            x, y, colour = float(row["goal_x"][r]), float(row["goal_y"][r]), ROBOT[r % len(ROBOT)]
            self._disc(mix(FLOOR, colour, 0.25), x, y, self.params.goal_radius)
            self._disc(colour, x, y, self.params.goal_radius, 0.05)
            self._disc(colour, x, y, 0.06)

    def _paint_beams(self, row: np.void) -> None:
        veil = self._veil()
        x, y = float(row["x"][0]), float(row["y"][0])
        directions = self.params.directions
        ahead = math.atan2(row["goal_y"][0] - y, row["goal_x"][0] - x)
        if not all_round(directions):
            ahead = float(row["heading"][0])
        ranges = np.minimum(row["scan"][0, 0, : len(directions)], self.params.sensor_range)
        for distance, (cos, sin) in zip(ranges.tolist(), directions.tolist(), strict=True):
            angle = ahead + math.atan2(sin, cos)
            end = self._point(x + distance * math.cos(angle), y + distance * math.sin(angle))
            hit = distance < self.params.sensor_range - 1e-3
            pygame.draw.line(veil, (*ROBOT[0], 110 if hit else 40), self._point(x, y), end, SMOOTHING)
            if hit:
                pygame.draw.circle(veil, (*CRASHED, 255), end, 0.045 * self._scale)
        self._fine.blit(veil, (0, 0))

    def _paint_path(self, path: np.ndarray, colour: Colour) -> None:
        points = [self._point(x, y) for x, y in path.tolist()]
        for k in range(1, len(points)):
            shade = mix(FLOOR, colour, 0.15 + 0.55 * k / len(points))
            pygame.draw.line(self._fine, shade, points[k - 1], points[k], round(0.09 * self._scale))
            pygame.draw.circle(self._fine, shade, points[k], 0.045 * self._scale)

    def _paint_person(self, row: np.void, i: int, colour: Colour, seen: bool) -> None:
        x, y, radius = (float(row[name][i]) for name in ("x", "y", "radius"))
        vx, vy = float(row["vx"][i]), float(row["vy"][i])
        body = colour if seen else mix(FLOOR, colour, 0.35)
        edge = mix(body, INK, 0.45 if seen else 0.2)
        speed = math.hypot(vx, vy)
        if speed > 0.05:
            reach = radius + 0.35 * speed  # the arrow is as long as the way of 0.35 s
            tip = self._point(x + vx / speed * reach, y + vy / speed * reach)
            sides = [
                self._point(
                    x + radius * 0.85 * math.cos(math.atan2(vy, vx) + turn),
                    y + radius * 0.85 * math.sin(math.atan2(vy, vx) + turn),
                )
                for turn in (0.55, -0.55)
            ]
            pygame.draw.polygon(self._fine, edge, [tip, *sides])
        self._disc(edge, x, y, radius)
        self._disc(body, x, y, radius - 0.03)
        self._disc(mix(body, (255, 255, 255), 0.35), x, y, 0.45 * radius)  # a head, from above

    def _paint_robot(self, row: np.void, r: int, colour: Colour) -> None:
        x, y, radius = (float(row[name][r]) for name in ("x", "y", "radius"))
        heading = float(row["heading"][r])
        if row["active"][r] == 0 and row["steps"][r] < row["step"]:
            colour = mix(FLOOR, colour, 0.35)  # has left
        if row["outcome"][r] == COLLIDED:
            self._disc(CRASHED, x, y, radius + 0.16, 0.07)
        self._disc(mix(colour, INK, 0.5), x, y, radius)
        self._disc(colour, x, y, radius - 0.04)
        nose = [
            self._point(
                x + 0.78 * radius * math.cos(heading + turn), y + 0.78 * radius * math.sin(heading + turn)
            )
            for turn in (0.0, 2.45, -2.45)
        ]
        pygame.draw.polygon(self._fine, (255, 255, 255), nose)

    def _paint_panel(self, picture: pygame.Surface, row: np.void) -> None:
        y, dt = PANEL_PX // 2 + 1, self.params.dt
        gap = float(row["gap"][0])
        for x, label, value in (
            (12, "time", f"{float(row['step']) * dt:.2f} s"),
            (130, "to the goal", f"{float(row['goal_m'][0]):.1f} m"),
            (290, "nearest", f"{gap:.2f} m" if row["step"] else "-"),
        ):
            end = write(picture, label, x, y, FAINT)
            close = label == "nearest" and row["step"] and gap < self.params.discomfort_m
            write(picture, value, end + 6, y, (255, 150, 120) if close else TEXT, 20)
        words = {ARRIVED: ("ARRIVED", ROBOT[0]), COLLIDED: ("COLLIDED", CRASHED)}
        text, colour = words.get(int(row["outcome"][0]), ("", TEXT))
        if not text and row["step"] >= self.params.max_steps:
            text, colour = "TIME IS UP", INK
        if text:
            wide = text_width(text) + 16
            box = (FIELD_PX - 12 - wide, y - 10, wide, 19)
            pygame.draw.rect(picture, colour, box, border_radius=4)
            write(picture, text, FIELD_PX - 4 - wide, y)

    def _seen(self, row: np.void) -> set[int]:
        """Returns the bodies that the first robot sees."""
        scratch = row.copy()
        return set(scratch["seen"][: look_around(scratch, self.params, 0)].tolist())

    def between(self, before: np.void, after: np.void, share: float) -> np.void:
        """Returns the record of a moment between two steps; everyone moves straight on."""
        return between(before, after, share)


def between(before: np.void, after: np.void, share: float) -> np.void:
    """Returns the record of a moment between two steps; everyone moves straight on.

    share: in (0, 1]; at 1 the record is `after`. Collisions and arrivals show only then.
    """
    if share >= 1:
        return after
    row = after.copy()
    for name in ("x", "y", "goal_m", "gap"):
        row[name] = before[name] + np.float32(share) * (after[name] - before[name])
    both = np.isfinite(before["scan"]) & np.isfinite(after["scan"])  # else a beam was lost
    was = np.where(both, before["scan"], after["scan"])
    row["scan"] = np.where(both, was + np.float32(share) * (after["scan"] - was), was)
    row["heading"] = turned(before["heading"], after["heading"], share)
    row["outcome"] = before["outcome"]
    row["vx"], row["vy"] = (np.where(after["present"], after[name], before[name]) for name in ("vx", "vy"))
    return row

"""The highway as a picture: one record in, (H, W, 3) uint8 out; or a window that moves in real time.

The camera follows the ego. Between two decisions, a second apart by default, `frames_between` fills in the
motion, for windows and for films. Imported only when something is drawn.
"""

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pygame

from quadrivium.envs.core.motion_renderer import Memory, MotionRenderer
from quadrivium.envs.driving import drawing
from quadrivium.envs.driving.drawing import PANEL_PX, Canvas
from quadrivium.envs.driving.highway.observations import BEHIND_SHARE, CELL_X, CELL_Y, GRID, KINEMATICS
from quadrivium.envs.driving.highway.state import HighwayParams

WIDTH_PX = 640
PX_PER_M = 6.0

_CAR_M = (5.0, 2.0)
_LANE_M = 4.0
_SHOULDER_M = 1.6
_EGO_SHARE = 0.28  # of the width, from the left: more of the road ahead is seen than behind
_DASH_M, _DASH_PERIOD_M = 3.0, 9.0
_POST_PERIOD_M = 50.0
_BRAKING_MPS2 = -1.0


class HighwayRenderer(MotionRenderer):
    """Draws records of one highway.

    The teal car is the ego, with its trail and, while it changes lanes, the place that it steers to. Red cars
    have crashed; tail lights show braking, amber lights a lane change. The picture is 640 pixels wide and, up
    to four lanes, 160 high; both are always multiples of 16, as video codecs want.

    Args:
        params: the parameters of the environment whose records are drawn.
    """

    def __init__(self, params: HighwayParams) -> None:
        super().__init__("quadrivium/Highway-v0", params.frames * params.dt)
        self.params = params
        road_m = params.lanes * _LANE_M + 2 * _SHOULDER_M
        height = max(160, math.ceil((PANEL_PX + road_m * PX_PER_M + 12) / 16) * 16)
        self.size = (WIDTH_PX, height)
        self._canvas = Canvas(self.size, PX_PER_M)
        middle_m = (params.lanes - 1) * _LANE_M / 2
        self._canvas.top_m = middle_m - (height + PANEL_PX) / 2 / PX_PER_M
        self._places: Memory[tuple[float, float, float]] = Memory()  # x and y in m, and the slope there

    def between(self, before: np.void, after: np.void, share: float) -> np.void:
        """Returns the record of a moment between two decisions."""
        return drawing.in_motion(before, after, share, self._dt)

    def places(self, row: np.void, parts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns where the observed cars stand, (N, 2) pixels, the ego first; or the cells of the grid."""
        p, seen = self.params, parts["observation"]
        ego = np.array([row["x"][0], row["y"][0]], np.float64)
        if p.observation == KINEMATICS:
            beside = seen[:, 1:3] * (p.observed_range, _LANE_M * p.lanes)
            beside[0] = 0.0
            places = np.where(seen[:, :1] > 0, ego + beside, np.nan)
        elif p.observation == GRID:
            rows, columns = np.indices(seen.shape[1:]) + 0.5
            left = -BEHIND_SHARE * CELL_X * seen.shape[2]
            places = ego + np.stack([left + CELL_X * columns, CELL_Y * (rows - seen.shape[1] / 2)], -1)
        else:
            return {}
        corner = (ego[0] - _EGO_SHARE * self._canvas.width_m, self._canvas.top_m)
        return {"observation": (places - corner) * PX_PER_M}

    def draw(self, row: np.void, *, caption: str | None = None) -> np.ndarray:
        """Returns the picture of a record, (H, W, 3) uint8. caption: a few words at the panel's right end."""
        return drawing.pixels(self.paint(row, caption))

    def paint(self, row: np.void, caption: str | None = None) -> pygame.Surface:
        """Returns the picture of a record."""
        canvas = self._canvas
        canvas.left_m = float(row["x"][0]) - _EGO_SHARE * canvas.width_m
        self._paint_road()
        canvas.ribbon(drawing.EGO, self._trail(row), 0.9, alpha=0.55)
        self._paint_target(row)
        self._paint_cars(row)
        picture = canvas.finish()
        self._paint_panel(picture, row)
        if caption:
            x = self.size[0] - 10 - drawing.text_width(caption)
            drawing.write(picture, caption, x, PANEL_PX // 2 + 1)
        return picture

    def _paint_road(self) -> None:
        canvas, lanes = self._canvas, self.params.lanes
        left, width = canvas.left_m, canvas.width_m
        canvas.fine.fill(drawing.GRASS)
        for k in range(math.floor(left / 10) - 1, math.ceil((left + width) / 10) + 1):
            if k % 2:  # mown stripes, which show the speed
                canvas.rectangle(drawing.GRASS_DARK, k * 10.0, canvas.top_m, 10.0, 1000.0)
        top, road = -_LANE_M / 2, lanes * _LANE_M
        canvas.rectangle(drawing.SHOULDER, left, top - _SHOULDER_M, width + 1, road + 2 * _SHOULDER_M)
        canvas.rectangle(drawing.ASPHALT, left, top, width + 1, road)
        for edge in (top, top + road):
            canvas.rectangle(drawing.PAINT, left, edge - 0.1, width + 1, 0.2)
        first = math.floor(left / _DASH_PERIOD_M)
        for k in range(first, first + math.ceil(width / _DASH_PERIOD_M) + 2):
            for line in range(1, lanes):
                canvas.rectangle(
                    drawing.PAINT, k * _DASH_PERIOD_M, top + line * _LANE_M - 0.09, _DASH_M, 0.18
                )
        first = math.floor(left / _POST_PERIOD_M)
        for k in range(first, first + math.ceil(width / _POST_PERIOD_M) + 2):
            for side in (top - _SHOULDER_M - 0.8, top + road + _SHOULDER_M + 0.3):
                canvas.rectangle(drawing.PAINT, k * _POST_PERIOD_M - 0.2, side, 0.4, 0.5)

    def _paint_target(self, row: np.void) -> None:
        """The place in the lane that the ego steers to, as an outline, until it is there."""
        if self.params.continuous or row["crashed"][0]:
            return
        y, wanted = float(row["y"][0]), float(row["target"][0]) * _LANE_M
        if abs(wanted - y) < 0.5:
            return
        canvas, (length, width) = self._canvas, _CAR_M
        ahead = float(row["x"][0]) + 0.6 * float(row["speed"][0])  # the lateral control's time constant
        left, top = canvas.point(ahead - length / 2, wanted - width / 2)
        box = pygame.Rect(round(left), round(top), round(length * canvas.scale), round(width * canvas.scale))
        veil = pygame.Surface(canvas.fine.get_size(), pygame.SRCALPHA, 32)
        pygame.draw.rect(veil, (*drawing.EGO, 70), box, border_radius=round(0.6 * canvas.scale))
        pygame.draw.rect(veil, (*drawing.EGO, 220), box, drawing.SMOOTHING, round(0.6 * canvas.scale))
        canvas.fine.blit(veil, (0, 0))

    def _paint_cars(self, row: np.void) -> None:
        canvas = self._canvas
        x, near = row["x"], canvas.width_m
        for i in range(self.params.vehicles, -1, -1):  # the ego last: on top
            if not canvas.left_m - 6 < x[i] < canvas.left_m + near + 6:
                continue
            if row["crashed"][i]:
                colour = drawing.CRASHED
            else:
                colour = drawing.EGO if i == 0 else drawing.TRAFFIC[i % len(drawing.TRAFFIC)]
            steered = 0 if self.params.continuous and i == 0 else int(row["target"][i] - row["lane"][i])
            canvas.car(
                colour,
                float(x[i]),
                float(row["y"][i]),
                float(row["heading"][i]),
                _CAR_M,
                braking=bool(row["acceleration"][i] < _BRAKING_MPS2),
                signal=0 if row["crashed"][i] else (steered > 0) - (steered < 0),
            )
            if i == 0:
                self._outline_ego(row)

    def _outline_ego(self, row: np.void) -> None:
        """A teal frame that stays when the ego has crashed and is red like the others."""
        if not row["crashed"][0]:
            return
        px, py = self._canvas.point(float(row["x"][0]), float(row["y"][0]))
        radius = 3.6 * self._canvas.scale
        pygame.draw.circle(self._canvas.fine, drawing.EGO, (px, py), radius, 2 * drawing.SMOOTHING)

    def _paint_panel(self, picture: pygame.Surface, row: np.void) -> None:
        endings = (("CRASHED", row["crashed"][0]), ("OFF ROAD", row["off_road"]))
        drawing.write_panel(
            picture,
            float(row["speed"][0]),
            [
                (152, "step", f"{int(row['step'])}/{self.params.max_steps}"),
                (238, "distance", f"{float(row['x'][0] - row['x0']):.0f} m"),
                (348, "lane changes", f"{int(row['lane_changes'])}"),
            ],
            target=None if self.params.continuous else float(row["desired_speed"][0]),
            outcome=next((name for name, true in endings if true), ""),
        )

    def _trail(self, row: np.void) -> np.ndarray:
        """Notes where the ego is and returns its last places (P, 2) in metres, oldest first."""
        x, y = float(row["x"][0]), float(row["y"][0])
        places = self._places.noted(row, (x, y, math.tan(float(row["heading"][0]))))
        visible = [
            places[t] for t in sorted(places) if places[t][0] > x - 2 * _EGO_SHARE * self._canvas.width_m
        ]
        points: list[tuple[float, float]] = []
        for (x0, y0, slope0), (x1, y1, slope1) in pairwise(visible):
            for share in np.linspace(0, 1, 2 + max(0, int((x1 - x0) / 2)), endpoint=False):
                curve = drawing.hermite(y0, slope0 * (x1 - x0), y1, slope1 * (x1 - x0), float(share))
                points.append((x0 + float(share) * (x1 - x0), float(curve)))
        points.append((x, y))
        start = x - _EGO_SHARE * self._canvas.width_m  # fades out at the picture's edge
        return np.array([point for point in points if point[0] >= start])

"""The parking lot as a picture: one record in, (H, W, 3) uint8 out; or a window that moves in real time.

The whole lot is seen. Imported only when something is drawn.
"""

import math

import numpy as np
import pygame

from quadrivium.envs.core.motion_renderer import Memory, MotionRenderer
from quadrivium.envs.driving import drawing
from quadrivium.envs.driving.drawing import PANEL_PX, Canvas
from quadrivium.envs.driving.parking.lot import BAY_LENGTH, BAY_WIDTH, CAR_LENGTH, CAR_WIDTH, LOT
from quadrivium.envs.driving.parking.state import ParkingParams

SIZE = (640, 400)  # pixels; multiples of 16, as video codecs want
PX_PER_M = 8.6

_CAR_M = (CAR_LENGTH, CAR_WIDTH)
_LINE_M, _FRAME_M = 0.15, 0.3
_BRAKING_MPS2 = 1.0


class ParkingRenderer(MotionRenderer):
    """Draws records of one parking lot.

    The teal car is the ego, with its trail; its bay is framed in teal. Red cars have crashed; tail lights
    show braking.

    Args:
        params: the parameters of the environment whose records are drawn.
    """

    def __init__(self, params: ParkingParams) -> None:
        super().__init__("quadrivium/Parking-v0", params.frames * params.dt)
        self.params = params
        self._canvas = Canvas(SIZE, PX_PER_M)
        self._canvas.left_m = -SIZE[0] / 2 / PX_PER_M
        self._canvas.top_m = -(SIZE[1] + PANEL_PX) / 2 / PX_PER_M
        self._places: Memory[tuple[float, float]] = Memory()  # x and y in m

    def between(self, before: np.void, after: np.void, share: float) -> np.void:
        """Returns the record of a moment between two decisions, on straight lines: they are soon over."""
        if share >= 1:
            return after
        row = after.copy()
        for name in ("x", "y", "heading", "speed", "acceleration"):
            row[name] = before[name] + share * (after[name] - before[name])
        turned = math.remainder(float(after["heading"][0] - before["heading"][0]), 2 * math.pi)
        row["heading"][0] = before["heading"][0] + share * turned
        row["crashed"] = before["crashed"]  # shown at the end only: it is not known when it happened
        return row

    def paint(self, row: np.void) -> pygame.Surface:
        """Returns the picture of a record."""
        self._paint_lot(row)
        self._canvas.ribbon(drawing.EGO, self._trail(row), 0.6, alpha=0.6)
        self._paint_cars(row)
        picture = self._canvas.finish()
        self._paint_panel(picture, row)
        return picture

    def _paint_lot(self, row: np.void) -> None:
        canvas, (length, width) = self._canvas, LOT
        canvas.fine.fill(drawing.GRASS)
        canvas.rectangle(drawing.ASPHALT, -length / 2, -width / 2, length, width)
        for wall in self.params.walls:
            along, across = (wall["half_length"], wall["half_width"])
            if abs(wall["sin"]) > 0.5:
                along, across = across, along
            x, y = float(wall["x"] - along), float(wall["y"] - across)
            canvas.rectangle(drawing.SHOULDER, x, y, 2 * float(along), 2 * float(across))
        goal = int(row["bay"][0])
        for x, y, _heading in self.params.bays:
            for side in (-BAY_WIDTH / 2, BAY_WIDTH / 2):
                left, top = float(x) + side - _LINE_M / 2, float(y) - BAY_LENGTH / 2
                canvas.rectangle(drawing.PAINT, left, top, _LINE_M, BAY_LENGTH)
        x, y, heading = (float(value) for value in self.params.bays[goal])
        half_x, half_y = BAY_WIDTH / 2, BAY_LENGTH / 2
        for frame, colour in ((0.0, drawing.EGO), (_FRAME_M, drawing.ASPHALT)):
            wide, high = 2 * (half_x - frame), 2 * (half_y - frame)
            canvas.rectangle(colour, x - half_x + frame, y - half_y + frame, wide, high)
        if not self.params.either_way:
            out = math.copysign(1.0, heading)
            tip = y + out * 3.2
            corners = [(x, tip), (x - 0.7, tip - out * 1.2), (x + 0.7, tip - out * 1.2)]
            pygame.draw.polygon(canvas.fine, drawing.EGO, [canvas.point(*corner) for corner in corners])

    def _paint_cars(self, row: np.void) -> None:
        braking = float(row["acceleration"]) * math.copysign(1.0, float(row["speed"])) < -_BRAKING_MPS2
        for i in range(self.params.parked, -1, -1):  # the ego last: on top
            colour = drawing.EGO if i == 0 else drawing.TRAFFIC[i % len(drawing.TRAFFIC)]
            x, y, heading = (float(row[name][i]) for name in ("x", "y", "heading"))
            wreck = bool(row["crashed"][i])
            self._canvas.car(
                drawing.CRASHED if wreck else colour, x, y, heading, _CAR_M, braking=i == 0 and braking
            )

    def _paint_panel(self, picture: pygame.Surface, row: np.void) -> None:
        drawing.write_panel(
            picture,
            float(row["speed"]),
            [
                (110, "step", f"{int(row['step'])}/{self.params.max_steps}"),
                (220, "distance", f"{float(row['distance']):.0f} m"),
                (330, "turns", f"{int(row['turns'])}"),
            ],
            outcome="CRASHED" if row["crashed"][0] else "parked" if row["arrived"] else "",
        )

    def _trail(self, row: np.void) -> np.ndarray:
        """Notes where the ego is and returns its last places (P, 2) in metres, oldest first."""
        places = self._places.noted(row, (float(row["x"][0]), float(row["y"][0])))
        return np.array([places[t] for t in sorted(places)][-60:])

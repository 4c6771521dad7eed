"""Networks of roads as a picture: one record in, (H, W, 3) uint8 out; or a window that moves in real time.

The camera follows the ego, north up; where several drive, it stands over the middle of the network. Imported
only when something is drawn.
"""

import math
from collections.abc import Mapping

import numpy as np
import pygame

from quadrivium.envs.core.motion_renderer import Memory, MotionRenderer
from quadrivium.envs.driving import drawing
from quadrivium.envs.driving.drawing import PANEL_PX, Canvas
from quadrivium.envs.driving.roads.network import DASHED, NO_LINE, STRAIGHT, Lane, lane_of
from quadrivium.envs.driving.roads.state import KINEMATICS, ROAD, RoadsParams

SIZE = (640, 352)  # pixels; multiples of 16, as video codecs want
PX_PER_M, LEAST_PX_PER_M = 5.0, 2.5

_CAR_M, _BLOCK_M = (5.0, 2.0), 2.0
_STEP_M = 2.0  # between the points by which bent lanes are drawn
_DASH_M, _DASH_PERIOD_M = 3.0, 9.0
_SHOULDER_M, _LINE_M, _EDGE_M = 1.0, 0.2, 4.0
_ASIDE_M = 8.0  # how far beside its centre a lane is painted, at most
_STRIPE_M = 12.0  # mown stripes, which show the speed
_BRAKING_MPS2 = -1.0


class RoadsRenderer(MotionRenderer):
    """Draws records of one scenario.

    Teal cars are the egos, with their trails. Red cars have crashed; tail lights show braking, amber lights a
    lane change, amber blocks obstacles.

    Args:
        title: of the window.
        params: the parameters of the environment whose records are drawn.
        egos: how many cars learn.
    """

    def __init__(self, title: str, params: RoadsParams, egos: int = 1) -> None:
        super().__init__(title, params.frames * params.dt)
        self.params = params
        self._network, self._lanes = -1, list[Lane]()
        self._take(0)
        low, high = self._low.min(0), self._high.max(0)
        self._middle = (low + high) / 2  # x and y, m
        room = (SIZE[0], SIZE[1] - PANEL_PX) / np.maximum(high - low + 2 * _EDGE_M, 1.0)
        many = float(np.clip(room.min(), LEAST_PX_PER_M, PX_PER_M))
        self._canvas = Canvas(SIZE, PX_PER_M if egos == 1 else many)
        self._places: Memory[np.ndarray] = Memory()  # (egos, 2), x and y in m

    def between(self, before: np.void, after: np.void, share: float) -> np.void:
        """Returns the record of a moment between two decisions."""
        earlier, later = self._as_later(before, after), after.copy()
        for e in np.flatnonzero(_gone(after) & ~_gone(before)):  # who has just left is seen where it left
            for name in ("x", "y", "heading", "cos_heading", "sin_heading", "speed"):
                later[name][e] = before[name][e]
        return drawing.in_motion(earlier, later, share, self._dt)

    @staticmethod
    def _as_later(before: np.void, after: np.void) -> np.void:
        """Returns the earlier record with its cars in the later one's order; traffic comes and leaves."""
        row, places = before.copy(), {int(serial): i for i, serial in enumerate(before["serial"])}
        for k in range(int(after["cars"])):
            i = places.get(int(after["serial"][k]))
            for name in (
                "x",
                "y",
                "heading",
                "cos_heading",
                "sin_heading",
                "speed",
                "acceleration",
                "crashed",
            ):
                row[name][k] = after[name][k] if i is None or i >= before["cars"] else before[name][i]
        return row

    def places(self, row: np.void, parts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns where the observed cars stand, (N, 2) pixels, the ego first; none where several drive.

        One that is farther away than numbers of the observation go stands at their end.
        """
        p, canvas = self.params, self._canvas
        if p.observation not in (KINEMATICS, ROAD) or len(row["ego"]) > 1:
            return {}
        name = "kinematics" if "kinematics" in parts else "observation"
        seen = parts[name].astype(np.float64)
        ego = np.array([row["x"][0], row["y"][0]], np.float64)
        places = seen[:, 1:3] * (p.obs_x, p.obs_y)
        if p.obs_turned:
            cosine, sine = float(row["cos_heading"][0]), float(row["sin_heading"][0])
            places = places @ np.array([[cosine, sine], [-sine, cosine]])
        if p.obs_turned or not p.obs_absolute:
            places += ego
        places[0] = ego
        corner = ego - np.array([SIZE[0], SIZE[1] + PANEL_PX]) / 2 / canvas.px_per_m
        return {name: np.where(seen[:, :1] > 0, (places - corner) * canvas.px_per_m, np.nan)}

    def paint(self, row: np.void) -> pygame.Surface:
        """Returns the picture of a record."""
        canvas = self._canvas
        middle_x, middle_y = (row["x"][0], row["y"][0]) if len(row["ego"]) == 1 else self._middle
        canvas.left_m = float(middle_x) - SIZE[0] / 2 / canvas.px_per_m
        canvas.top_m = float(middle_y) - (SIZE[1] + PANEL_PX) / 2 / canvas.px_per_m
        self._paint_ground()
        self._take(int(row["network"]))
        lanes = self._seen()
        for colour, beside in ((drawing.SHOULDER, _SHOULDER_M), (drawing.ASPHALT, 0.0)):
            for lane in lanes:
                self._fill(colour, lane, lane.width / 2 + beside)
        for lane in lanes:
            self._paint_lines(lane)
        for trail in self._trails(row):
            canvas.ribbon(drawing.EGO, trail, 0.9, alpha=0.55)
        self._paint_obstacles()
        self._paint_cars(row)
        picture = canvas.finish()
        self._paint_panel(picture, row)
        return picture

    def _take(self, network: int) -> None:
        """Takes the lanes of a network."""
        if network != self._network:
            grid = self.params.grids[network]
            lanes = self.params.lanes[grid["first_lane"] : grid["end_lane"]]
            self._network, self._lanes = network, [lane_of(row) for row in lanes]
            outlines = [np.stack(lane.point(_points(lane)), 1) for lane in self._lanes]
            self._low, self._high = (np.array([f(one, 0) for one in outlines]) for f in (np.min, np.max))

    def _seen(self) -> list[Lane]:
        """Returns the lanes that may be in the picture."""
        canvas = self._canvas
        corner, size = np.array([canvas.left_m, canvas.top_m]), np.array(SIZE) / canvas.px_per_m
        inside = (self._low <= corner + size + _ASIDE_M) & (self._high >= corner - _ASIDE_M)
        return [self._lanes[k] for k in np.flatnonzero(inside.all(1))]

    def _paint_ground(self) -> None:
        canvas = self._canvas
        canvas.fine.fill(drawing.GRASS)
        first = math.floor(canvas.left_m / _STRIPE_M)
        for k in range(first, first + math.ceil(canvas.width_m / _STRIPE_M) + 1):
            if k % 2:
                canvas.rectangle(drawing.GRASS_DARK, k * _STRIPE_M, canvas.top_m, _STRIPE_M, 1000.0)

    def _fill(self, colour: drawing.Colour, lane: Lane, half: float) -> None:
        s = _points(lane)
        sides = [np.stack(lane.point(s, side), 1) for side in (-half, half)]
        outline = [self._canvas.point(x, y) for x, y in [*sides[0], *sides[1][::-1]]]
        pygame.draw.polygon(self._canvas.fine, colour, outline)

    def _paint_lines(self, lane: Lane) -> None:
        for kind, d in zip(lane.lines, (-lane.width / 2, lane.width / 2), strict=True):
            if kind == NO_LINE:
                continue
            if kind == DASHED:
                for start in np.arange(0.0, lane.length, _DASH_PERIOD_M):
                    self._stroke(lane, np.linspace(start, min(start + _DASH_M, lane.length), 3), d)
            else:
                self._stroke(lane, _points(lane), d)

    def _stroke(self, lane: Lane, s: np.ndarray, d: float) -> None:
        sides = [np.stack(lane.point(s, d + side), 1) for side in (-_LINE_M / 2, _LINE_M / 2)]
        outline = [self._canvas.point(x, y) for x, y in [*sides[0], *sides[1][::-1]]]
        pygame.draw.polygon(self._canvas.fine, drawing.PAINT, outline)

    def _paint_obstacles(self) -> None:
        for block in self.params.obstacles:
            left, top = float(block["x"]) - _BLOCK_M / 2, float(block["y"]) - _BLOCK_M / 2
            self._canvas.rectangle(drawing.SIGNAL, left, top, _BLOCK_M, _BLOCK_M)

    def _paint_cars(self, row: np.void) -> None:
        lanes, canvas = self.params.lanes, self._canvas
        for i in range(int(row["cars"]) - 1, -1, -1):  # the egos last: on top
            wreck = bool(row["crashed"][i])
            shade = int(row["serial"][i]) % len(drawing.TRAFFIC)
            colour = drawing.EGO if i < len(row["ego"]) else drawing.TRAFFIC[shade]
            here, there = lanes[row["lane"][i]], lanes[row["target"][i]]
            steered = int(there["number"]) - int(here["number"]) if here["road"] == there["road"] else 0
            canvas.car(
                drawing.CRASHED if wreck else colour,
                float(row["x"][i]),
                float(row["y"][i]),
                float(row["heading"][i]),
                _CAR_M,
                braking=bool(row["acceleration"][i] < _BRAKING_MPS2),
                signal=0 if wreck else (steered > 0) - (steered < 0),
            )

    def _paint_panel(self, picture: pygame.Surface, row: np.void) -> None:
        if len(row["ego"]) > 1:
            self._paint_account(picture, row)
            return
        ego = row["ego"][0]
        endings = (("CRASHED", row["crashed"][0]), ("OFF ROAD", ego["off_road"]), ("arrived", ego["arrived"]))
        drawing.write_panel(
            picture,
            float(row["speed"][0]),
            [
                (152, "step", f"{int(row['step'])}/{self.params.max_steps}"),
                (238, "distance", f"{float(ego['distance']):.0f} m"),
                (348, "lane changes", f"{int(ego['lane_changes'])}"),
            ],
            target=None if self.params.by_hand else float(row["desired_speed"][0]),
            outcome=next((name for name, true in endings if true), ""),
        )

    def _paint_account(self, picture: pygame.Surface, row: np.void) -> None:
        """Writes how many of several egos drive, have arrived, and have crashed."""
        crashed, count = row["crashed"][: len(row["ego"])] != 0, len(row["ego"])
        driving = row["active"] != 0
        drawing.write_panel(
            picture,
            float(row["speed"][:count][driving].mean()) if driving.any() else 0.0,
            [
                (152, "step", f"{int(row['step'])}/{self.params.max_steps}"),
                (238, "driving", f"{int(driving.sum())}"),
                (330, "arrived", f"{int(((row['ego']['arrived'] != 0) & ~crashed).sum())}"),
            ],
            outcome=f"{int(crashed.sum())} CRASHED" if crashed.any() else "",
        )

    def _trails(self, row: np.void) -> list[np.ndarray]:
        """Notes where the egos are; returns the last places (P, 2) of those on the road, m, oldest first."""
        count = len(row["ego"])
        now = np.stack([row["x"][:count], row["y"][:count]], 1).astype(np.float64)  # as pygame wants them
        places = self._places.noted(row, now)
        last = np.array([places[t] for t in sorted(places)][-8:])  # (P, egos, 2)
        return [last[:, e] for e in np.flatnonzero(~_gone(row))]


def _gone(row: np.void) -> np.ndarray:
    """Returns which egos have left the road, (egos,) bool."""
    return (row["active"] == 0) & (row["crashed"][: len(row["ego"])] == 0) & (len(row["ego"]) > 1)


def _points(lane: Lane) -> np.ndarray:
    """Returns s of the points by which a lane's edges are drawn, m."""
    points = 2 if lane.form == STRAIGHT else max(2, math.ceil(lane.length / _STEP_M))
    return np.linspace(0.0, lane.length, points)

"""A map to draw on, in metres: walls and floor, beams, paths, robots and goals, and what a robot has mapped.

Everything is drawn three times too large and scaled down once, which smooths every edge. Imported only when
something is drawn.
"""

import math

import numpy as np
import pygame

from quadrivium.envs.core.picture import FAINT, PANEL, SMOOTHING, TEXT, Colour, mix, text_width, write
from quadrivium.envs.navigation.own_map.occupancy import LEAST, MOST

PANEL_PX = 32
FLOOR: Colour = (240, 237, 230)
WALL: Colour = (74, 78, 88)
INK: Colour = (64, 62, 58)
CRASHED: Colour = (214, 48, 54)
PERSON: Colour = (226, 135, 67)
ROBOT: tuple[Colour, ...] = ((0, 150, 136), (63, 110, 190), (150, 95, 175), (190, 120, 40))
Pose = tuple[float, float, float]
"""x and y in m, heading in rad."""
_LONGEST_PX = 640  # of a side of the map


def pose_of(row: np.void, r: int = 0, *, believed: bool = False) -> Pose:
    """Returns where robot `r` of a record is, or believes to be."""
    prefix = "believed_" if believed else ""
    x, y, heading = (float(row[f"{prefix}{name}"][r]) for name in ("x", "y", "heading"))
    return x, y, heading


class MapCanvas:
    """Draws one map at a time; coordinates are metres from its corner, y upward.

    Args:
        shape: rows and columns of the map.
        resolution: m, a cell.
        longest_px: of the longer side, in pixels of the finished picture.
    """

    def __init__(self, shape: tuple[int, int], resolution: float, longest_px: int = _LONGEST_PX) -> None:
        rows, columns = shape
        scale = longest_px / max(rows, columns)
        self.size = (max(round(columns * scale), 1), max(round(rows * scale), 1))
        self._rows_m = rows * resolution
        self._scale = scale * SMOOTHING / resolution
        self._fine = pygame.Surface((self.size[0] * SMOOTHING, self.size[1] * SMOOTHING), depth=32)

    def walls(self, occupied: np.ndarray) -> None:
        """Paints the whole map (H, W), 0 where it is free."""
        self._cells(np.where((occupied != 0)[..., None], np.array(WALL), np.array(FLOOR)))

    def odds(self, odds: np.ndarray) -> None:
        """Paints a map (H, W) int8 that a robot has made: dark walls, light floor, the unknown between."""
        known = np.where(odds > 0, odds / MOST, -odds / LEAST)[..., None]
        unknown = np.array((150, 152, 158), np.float64)
        shade = unknown + np.abs(known) * (
            np.where(known > 0, np.array(INK), np.array((252, 251, 247))) - unknown
        )
        self._cells(shade)

    def _cells(self, colours: np.ndarray) -> None:
        upward = np.ascontiguousarray(colours[::-1].astype(np.uint8))
        image = pygame.image.frombuffer(upward.tobytes(), (upward.shape[1], upward.shape[0]), "RGB")
        self._fine.blit(pygame.transform.scale(image, self._fine.get_size()), (0, 0))

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Returns the fine pixel of a place."""
        return x * self._scale, (self._rows_m - y) * self._scale

    def disc(self, colour: Colour, x: float, y: float, radius: float, width: float = 0.0) -> None:
        """Fills a circle, or draws a ring of a width in m."""
        thick = max(round(width * self._scale), 1) if width else 0
        pygame.draw.circle(self._fine, colour, self.point(x, y), max(radius * self._scale, 2), thick)

    def path(self, colour: Colour, points: np.ndarray, width: float = 0.06) -> None:
        """Draws a way (P, 2), paler where it is older."""
        fine = [self.point(x, y) for x, y in points.tolist()]
        thick = max(round(width * self._scale), SMOOTHING)
        for k in range(1, len(fine)):
            shade = mix(FLOOR, colour, 0.25 + 0.6 * k / len(fine))
            pygame.draw.line(self._fine, shade, fine[k - 1], fine[k], thick)
            pygame.draw.circle(self._fine, shade, fine[k], thick / 2)

    def beams(
        self, pose: Pose, ranges: np.ndarray, directions: np.ndarray, reach: float, colour: Colour
    ) -> None:
        """Draws a scan (B,) in m from a pose, a dot where a beam hit something; lost beams are not drawn.

        directions: (B, 2), cosines and sines against the heading.
        """
        x, y, heading = pose
        veil = pygame.Surface(self._fine.get_size(), pygame.SRCALPHA, 32)
        for distance, (cos, sin) in zip(ranges.tolist(), directions.tolist(), strict=True):
            if distance > reach:
                continue
            angle = heading + math.atan2(sin, cos)
            end = self.point(x + distance * math.cos(angle), y + distance * math.sin(angle))
            pygame.draw.line(veil, (*colour, 60), self.point(x, y), end, SMOOTHING)
            if distance < reach - 1e-3:
                pygame.draw.circle(veil, (*CRASHED, 230), end, max(0.03 * self._scale, SMOOTHING))
        self._fine.blit(veil, (0, 0))

    def goal(self, colour: Colour, x: float, y: float, radius: float) -> None:
        """Draws a goal: a ring about a dot."""
        self.disc(colour, x, y, radius, 0.05)
        self.disc(colour, x, y, 0.3 * radius)

    def robot(self, colour: Colour, pose: Pose, radius: float, footprint: np.ndarray | None = None) -> None:
        """Draws a robot with a white arrow where it looks: a disc, or a `footprint` (K, 5) with rows."""
        x, y, heading = pose
        if footprint is None or not len(footprint):
            self.disc(mix(colour, INK, 0.5), x, y, radius)
            self.disc(colour, x, y, 0.85 * radius)
        else:
            cos, sin = math.cos(heading), math.sin(heading)
            for share, shade in ((1.0, mix(colour, INK, 0.5)), (0.85, colour)):
                corners = share * footprint[:, :2] @ np.array([[cos, sin], [-sin, cos]])
                pygame.draw.polygon(
                    self._fine, shade, [self.point(x + u, y + v) for u, v in corners.tolist()]
                )
            radius = float(footprint[:, 4].min())
        turns = (0.0, 2.45, -2.45)
        nose = [
            self.point(x + 0.75 * radius * math.cos(heading + a), y + 0.75 * radius * math.sin(heading + a))
            for a in turns
        ]
        pygame.draw.polygon(self._fine, (255, 255, 255), nose)

    def finish(self) -> pygame.Surface:
        """Returns the picture at its own size."""
        return pygame.transform.smoothscale(self._fine, self.size)


def with_panel(
    parts: list[pygame.Surface], labels: list[tuple[str, str]], verdict: tuple[str, Colour] | None
) -> pygame.Surface:
    """Returns pictures side by side under a line of (label, value) pairs, with a verdict at its end."""
    width = sum(part.get_width() for part in parts)
    picture = pygame.Surface((width, PANEL_PX + max(part.get_height() for part in parts)))
    picture.fill(PANEL)
    at = 0
    for part in parts:
        picture.blit(part, (at, PANEL_PX))
        at += part.get_width()
    x, y = 12, PANEL_PX // 2 + 1
    for label, value in labels:
        end = write(picture, label, x, y, FAINT)
        x = write(picture, value, end + 6, y, TEXT, 20) + 20
    if verdict:
        text, colour = verdict
        wide = text_width(text) + 16
        pygame.draw.rect(picture, colour, (width - 12 - wide, y - 10, wide, 19), border_radius=4)
        write(picture, text, width - 4 - wide, y)
    return picture

"""What driving worlds measure and judge alike: time to collision, pressure on a leader, comfort."""

import numpy as np

from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.vehicle import LENGTH

TTC_CAP = np.float32(10.0)  # s: what counts as no conflict
LOW_TTC = np.float32(0.95)  # s

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_HEADWAY_S, _TTC_S = np.float32(1.0), np.float32(3.0)
_MIN_ACCELERATION, _MAX_ACCELERATION = np.float32(-4.05), np.float32(2.40)
_MAX_LATERAL_ACCELERATION, _MAX_JERK, _MAX_LONG_JERK = np.float32(4.89), np.float32(8.37), np.float32(4.13)
_MAX_YAW_RATE, _MAX_YAW_ACCELERATION = np.float32(0.95), np.float32(1.93)


@lane
def time_to_collision(gap, closing):
    """Returns the seconds until a gap (centre to centre, m) closes at `closing` m/s, at most `TTC_CAP`."""
    if closing <= _ZERO:
        return TTC_CAP
    return min(max(gap - LENGTH, _ZERO) / closing, TTC_CAP)


@lane
def shortfall(gap, speed, closing):
    """Returns how far a follower falls short of 1 s headway or 3 s to collision: 0 not, 1 wholly.

    gap: centre to centre, m. speed: the follower's, closing: by how much it is the faster one, m/s.
    """
    headway = max(gap - LENGTH, _ZERO) / max(speed, _ONE)
    ttc = time_to_collision(gap, closing)
    return clip(max(_ONE - headway / _HEADWAY_S, _ONE - ttc / _TTC_S), _ZERO, _ONE)


@lane
def comfortable(along, lateral, jerk_along, jerk_lateral, yaw_rate, yaw_acceleration):
    """Returns whether a frame's accelerations (m/s²), jerks and turning (rad) are within nuPlan's bounds."""
    return (
        _MIN_ACCELERATION <= along <= _MAX_ACCELERATION
        and abs(lateral) <= _MAX_LATERAL_ACCELERATION
        and abs(jerk_along) <= _MAX_LONG_JERK
        and jerk_along * jerk_along + jerk_lateral * jerk_lateral <= _MAX_JERK * _MAX_JERK
        and abs(yaw_rate) <= _MAX_YAW_RATE
        and abs(yaw_acceleration) <= _MAX_YAW_ACCELERATION
    )


@lane
def account_comfort(s, along, before, speed, turned, dt):
    """Counts the ego's last frame if it was comfortable, and keeps what the next one is compared with.

    along, before: m/s², the acceleration in that frame and in the one before. speed: m/s, at its beginning.
    turned: rad, by how much the heading changed in it.
    """
    per_s = _ONE / dt
    yaw_rate = turned * per_s
    lateral = speed * yaw_rate
    jerk_along, jerk_lateral = (along - before) * per_s, (lateral - s.lateral_acceleration) * per_s
    turning = (yaw_rate - s.yaw_rate) * per_s
    s.comfort_frames += 1 if comfortable(along, lateral, jerk_along, jerk_lateral, yaw_rate, turning) else 0
    s.lateral_acceleration, s.yaw_rate = lateral, yaw_rate

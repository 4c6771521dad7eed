"""How many frames a decision of a driving world holds, and lie between a driver's thoughts of lanes."""

import math


def require_whole_frames(simulation: int, decision: int) -> None:
    """Raises ValueError unless a decision holds for a whole number of frames; both are numbers a second."""
    if simulation % decision:
        raise ValueError(
            f"simulation_frequency={simulation} is no multiple of decision_frequency={decision}; "
            f"try simulation_frequency={decision * math.ceil(simulation / decision)}"
        )


def think_frames(dt: float) -> int:
    """Returns the frames between two thoughts of changing lane: while a clock in float64 is within 1 s."""
    clock, frames = 0.0, 0
    while clock <= 1.0:
        clock, frames = clock + dt, frames + 1
    return frames

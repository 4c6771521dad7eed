"""What worlds on networks of roads call to observe: one function for each that is compiled by itself."""

from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.roads.observations.grids import observe_grid, observe_occupancy
from quadrivium.envs.driving.roads.observations.kinematics import observe_kinematics
from quadrivium.envs.driving.roads.observations.road_points import write_way
from quadrivium.envs.driving.roads.state import KINEMATICS, OCCUPANCY


@lane
def observe_rows(s, p, out):
    """Writes rows of the nearest cars, or what LaneKeeping observes."""
    if p.observation == KINEMATICS:
        observe_kinematics(s, p, out)
    else:
        for k in range(s.seen.shape[0]):
            out[k] = s.seen[k]


@lane
def observe_road(s, p, out):
    """Writes rows of the nearest cars, then points of the way ahead."""
    observe_kinematics(s, p, out)
    write_way(s, p, out)


@lane
def observe_planes(s, p, out):
    """Writes the bird's-eye view, or the occupancy grid."""
    if p.observation == OCCUPANCY:
        observe_occupancy(s, p, out)
    else:
        observe_grid(s, p, out)

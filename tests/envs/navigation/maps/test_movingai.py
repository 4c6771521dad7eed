import math
import re

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from quadrivium.envs.navigation.maps.choice import choose_bank
from quadrivium.envs.navigation.maps.generate import KINDS
from quadrivium.envs.navigation.maps.movingai import load_movingai_map, load_scenarios
from quadrivium.envs.navigation.point_nav.env import PointNavEnv

CELLS = "..@.\nGST.\n.W.O"


def write_map(folder, cells=CELLS, name="arena.map"):
    lines = cells.split("\n")
    text = f"type octile\nheight {len(lines)}\nwidth {len(lines[0])}\nmap\n{cells}\n"
    (folder / name).write_text(text)
    return folder / name


def write_scenarios(folder, rows, name="arena.map.scen", map_name="arena.map", size=(4, 3)):
    lines = [
        f"{k // 10}\t{map_name}\t{size[0]}\t{size[1]}\t" + "\t".join(map(str, row))
        for k, row in enumerate(rows)
    ]
    (folder / name).write_text("version 1\n" + "\n".join(lines) + "\n")
    return folder / name


def octile_lengths(free, goal):
    """Returns the shortest ways (H, W) in eight directions, none of which cuts a corner."""
    rows, columns = free.shape
    begin, end, length = [], [], []
    for i, j in np.argwhere(free).tolist():
        for di, dj in ((0, 1), (1, 0), (1, 1), (1, -1)):
            u, v = i + di, j + dj
            if 0 <= u < rows and 0 <= v < columns and free[u, v] and free[i, v] and free[u, j]:
                begin.append(i * columns + j)
                end.append(u * columns + v)
                length.append(math.hypot(di, dj))
    graph = csr_matrix((length, (begin, end)), (free.size, free.size))
    return dijkstra(graph, directed=False, indices=goal[0] * columns + goal[1]).reshape(free.shape)


def test_dots_g_and_swamp_are_floor_and_the_first_line_is_on_top(tmp_path):
    read = load_movingai_map(write_map(tmp_path), 0.5)
    assert (~read.occupied[1:-1, 1:-1])[::-1].astype(int).tolist() == [
        [1, 1, 0, 1],
        [1, 1, 0, 1],
        [1, 0, 1, 0],
    ]
    assert read.resolution == 0.5
    assert read.origin == (-0.5, -0.5, 0.0)  # of the frame; the map's own corner is (0, 0)


def test_a_map_of_windows_with_empty_lines_at_its_end_is_read(tmp_path):
    path = write_map(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n")
    assert load_movingai_map(path, 1.0).occupied.shape == (5, 6)


def test_a_pair_is_at_the_centres_of_its_cells_and_its_length_is_in_metres(tmp_path):
    write_map(tmp_path)
    _, pairs = load_scenarios(write_scenarios(tmp_path, [(0, 0, 1, 1, 1.41421356), (3, 0, 3, 1, 1)]), 2.0)
    assert pairs.starts == [(1.0, 5.0), (7.0, 5.0)]
    assert pairs.goals == [(3.0, 3.0), (7.0, 3.0)]
    assert pairs.lengths == pytest.approx([2.82842712, 2.0])
    assert pairs.lines == [2, 3]


@pytest.mark.parametrize("named", ["arena.map", "maps/dao/arena.map", "..\\maps\\arena.map"])
def test_the_map_of_scenarios_is_found_beside_them_wherever_they_were_made(tmp_path, named):
    write_map(tmp_path)
    path = write_scenarios(tmp_path, [(0, 0, 0, 0, 0)], map_name=named)
    assert load_scenarios(path, 1.0)[0].occupied.shape == (5, 6)


def test_our_ways_are_as_long_as_octile_ones_or_shorter_by_what_straight_lines_save_at_most(tmp_path):
    """In eight directions a straight line is at most 1 / cos(22.5°) = 1.0824 times as long.

    Where walls are in the way one that is straight for us can be a staircase there, whose corners may not be
    cut: then up to √2 times; of these maps' pairs none is.
    """
    rng = np.random.default_rng(0)
    for kind in sorted(KINDS):
        free = ~KINDS[kind](rng, 40)
        cells = "\n".join("".join(".@"[1 - cell] for cell in row) for row in free.astype(int).tolist())
        write_map(tmp_path, cells)
        rows, lengths = [], []
        while len(rows) < 30:
            (sy, sx), (gy, gx) = rng.choice(np.argwhere(free), 2).tolist()
            length = octile_lengths(free, (gy, gx))[sy, sx]
            if np.isfinite(length):
                rows.append((sx, sy, gx, gy, f"{length:.8f}"))
                lengths.append(length)
        path = write_scenarios(tmp_path, rows, size=(40, 40))
        bank = choose_bank(
            path, split="test", count=1, size=64, resolution=1.0, robot_radius=0.2, goals=4, pairs=True
        )
        np.testing.assert_allclose(bank.lengths[0], lengths, rtol=1e-5)
        for k, (x, y) in enumerate(bank.starts[0]):
            ours = bank.geodesic[0, k, int(y), int(x)]
            assert ours <= lengths[k] + 1e-3
            assert ours >= lengths[k] / 1.0824 - 1e-3


def test_every_pair_is_an_episode_and_they_come_in_turn(tmp_path):
    write_map(tmp_path, "....\n....\n....")
    rows = [(0, 0, 3, 2, 1), (3, 0, 0, 1, 1), (0, 2, 2, 0, 1)]
    env = PointNavEnv(maps=write_scenarios(tmp_path, rows), resolution=1.0)
    met = []
    for seed in range(3):
        env.reset(seed=seed)
        row = env.get_state()[0]
        met.append((*env.unwrapped.pose[:2], row["goal_x"][0] - 1, row["goal_y"][0] - 1))  # less the frame
    # (x, y) of a cell is (x + 0.5, 3 - y - 0.5) m from the map's lower left corner.
    assert met == [(0.5, 2.5, 3.5, 0.5), (3.5, 2.5, 0.5, 1.5), (0.5, 0.5, 2.5, 2.5)]
    env.reset(seed=0)
    seen = {float(env.get_state()[0]["goal_x"][0])}
    for _ in range(2):
        env.reset()
        seen.add(float(env.get_state()[0]["goal_x"][0]))
    assert len(seen) == 3


def refusal(load, path):
    with pytest.raises(ValueError, match=r"^[^\n]+$") as error:
        load(path, 1.0)
    return re.sub(r"\S*/", "", str(error.value))


def test_every_fault_of_a_map_is_one_line_with_what_is_wrong(tmp_path):
    def fault(old, new):
        path = write_map(tmp_path)
        path.write_text(path.read_text().replace(old, new))
        return refusal(load_movingai_map, path)

    assert "does not begin with 'type'; give a MovingAI .map" in fault("type octile\n", "")
    assert "says no height and width in cells; add 'height 32'" in fault("height 3\n", "")
    assert "has 3 lines of cells, and says height 4; mend either" in fault("height 3", "height 4")
    assert "line 5: 4 cells, where 5 are said; mend it there" in fault("width 4", "width 5")
    assert "line 6: '#' is no cell; a cell is one of . G S W @ O T" in fault("GST", "G#T")
    assert "line 3: 'breadth 4' is none of type, height, width and map" in fault("width", "breadth")
    assert "has no line 'map' before its cells" in fault("map\n..@.\nGST.\n.W.O\n", "")
    assert "no cell is free" in refusal(load_movingai_map, write_map(tmp_path, "@@\nTW"))
    assert "gone.map cannot be read (No such file" in refusal(load_movingai_map, tmp_path / "gone.map")


def test_every_fault_of_scenarios_is_one_line_with_what_is_wrong(tmp_path):
    write_map(tmp_path)

    def fault(*rows, **how):
        return refusal(load_scenarios, write_scenarios(tmp_path, rows, **how))

    assert "holds no pairs of start and goal" in fault()
    assert "needs the map 'b.map', which is not beside it; put it there" in fault(
        (0, 0, 0, 0, 0), map_name="b.map", name="b.scen"
    )
    assert "line 2: the map is 8 x 6 there, and 4 x 3 in arena.map" in fault((0, 0, 0, 0, 0), size=(8, 6))
    assert "line 3: nobody can stand in cell (2, 0) of arena.map" in fault((0, 0, 0, 0, 0), (0, 0, 2, 0, 2))
    assert "line 2: nobody can stand in cell (4, 0) of arena.map" in fault((4, 0, 0, 0, 0))
    assert "is not bucket, map, width, height, start x" in fault((0, 0, 0.5, 0, 0))
    assert "is not bucket, map" in fault((0, 0, 0, 0))
    assert "is not bucket, map" in fault((0, 0, 0, 0, "nan"))
    two = write_scenarios(tmp_path, [(0, 0, 0, 0, 0)] * 2)
    two.write_text(two.read_text().replace("arena.map", "b.map", 1))
    assert "is about 2 maps; give a .scen for each map" in refusal(load_scenarios, two)


def test_a_robot_too_wide_for_a_pair_is_told_which_and_what_would_do(tmp_path):
    write_map(tmp_path, "..\n@.\n..")
    path = write_scenarios(tmp_path, [(1, 1, 1, 2, 1), (0, 0, 0, 2, 4)], size=(2, 3))
    with pytest.raises(
        ValueError, match=r"line 2: no way leads from start to goal .* resolution=0.6, or a smaller"
    ):
        PointNavEnv(maps=path)
    assert PointNavEnv(maps=path, resolution=0.6).setup.source.goals.shape == (1, 2, 2)
    apart = write_scenarios(tmp_path, [(1, 1, 1, 2, 1)], map_name="arena.map", size=(2, 3))
    with pytest.raises(ValueError, match=r"robots=2, and a \.scen has starts for one"):
        PointNavEnv(maps=apart, resolution=1.0, robots=2)

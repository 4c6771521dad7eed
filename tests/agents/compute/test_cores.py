"""`threads: auto` counts what this process may use, not what the machine has."""

import os

import pytest

from quadrivium.agents.compute.cores import auto_threads, available_cores

V2 = {"proc/self/cgroup": "0::/\n"}
V1 = {"proc/self/cgroup": "5:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n0::/\n"}


@pytest.fixture(autouse=True)
def _eight_processors(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)


def put(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_without_control_groups_it_is_the_affinity(tmp_path, monkeypatch):
    assert available_cores(tmp_path) == 8
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {2, 5}, raising=False)
    assert available_cores(tmp_path) == 2


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("140000 100000", 1), ("5000 100000", 1)],
)
def test_a_containers_quota_counts_in_whole_processors(tmp_path, quota, cores):
    assert available_cores(put(tmp_path, V2 | {"sys/fs/cgroup/cpu.max": quota})) == cores


def test_a_quota_of_more_than_there_is_changes_nothing(tmp_path):
    assert available_cores(put(tmp_path, V2 | {"sys/fs/cgroup/cpu.max": "6400000 100000"})) == 8


def test_the_narrowest_of_the_groups_around_a_process_counts(tmp_path):
    files = {
        "proc/self/cgroup": "0::/user.slice/session.scope\n",
        "sys/fs/cgroup/user.slice/cpu.max": "300000 100000",
        "sys/fs/cgroup/user.slice/session.scope/cpu.max": "max 100000",
    }
    assert available_cores(put(tmp_path, files)) == 3


@pytest.mark.parametrize("folder", ["", "docker/1/"])  # seen from inside the container, and from outside
@pytest.mark.parametrize(("quota", "cores"), [("-1", 8), ("400000", 4)])
def test_version_1_has_a_quota_and_a_period(tmp_path, folder, quota, cores):
    cpu = f"sys/fs/cgroup/cpu/{folder}"
    files = V1 | {f"{cpu}cpu.cfs_quota_us": f"{quota}\n", f"{cpu}cpu.cfs_period_us": "100000\n"}
    assert available_cores(put(tmp_path, files)) == cores


@pytest.mark.parametrize(("variable", "threads"), [("3", 3), ("5,2", 5), ("", 8), ("0", 8), ("many", 8)])
def test_the_users_openmp_variable_comes_first(monkeypatch, variable, threads):
    monkeypatch.setattr("quadrivium.agents.compute.cores.available_cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    assert auto_threads() == threads

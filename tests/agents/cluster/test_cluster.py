"""A local Ray: where it listens, what comes back from workers, how they are lost; what is refused."""

import os
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from quadrivium.agents.cluster import connection, head
from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.cluster.head import read_address
from quadrivium.agents.cluster.nodes import SOURCES, facts, require_same
from quadrivium.agents.cluster.workers import WorkerLost
from quadrivium.agents.cluster.workforce import Workforce
from quadrivium.agents.errors import UserError
from tests.agents.cluster.ray_tools import require_ray, small_cluster

require_ray()


@pytest.fixture(scope="module")
def cluster():
    with small_cluster() as one:
        yield one


class Refusing:
    """Refuses to work in a line."""

    def work(self):
        raise UserError("no work today; come again")


def listening(root: Path = Path("/proc")) -> set[str]:
    """The addresses at which this process and all below it listen (Linux)."""
    parents = {}
    for stat in root.glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    family = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    sockets = set()
    for pid in family:
        for handle in (root / str(pid) / "fd").glob("*"):
            try:
                sockets.add(os.readlink(handle))
            except OSError:
                continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in (root / "net" / table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in sockets:
                found.add(words[1].rpartition(":")[0])
    return found


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's tables of sockets")
def test_nothing_of_a_local_ray_listens_beyond_loopback(cluster):
    assert cluster.start(Counter, "a").ready.result() > 0  # workers listen, too
    found = listening()
    assert found
    assert found <= {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


def test_a_worker_does_what_its_object_does_in_another_process(cluster):
    worker = cluster.start(Counter, "abca")
    assert worker.ready.result() != os.getpid()
    assert worker.call("most_common", 1).result() == [("a", 2)]
    worker.call("update", "bb").result()
    shared = cluster.share("cccccc")
    worker.call("update", shared).result()
    assert worker.call("most_common", 2).result() == [("c", 7), ("b", 3)]
    worker.stop()


def test_a_line_for_the_user_comes_back_as_that_line(cluster):
    worker = cluster.start(Refusing)
    with pytest.raises(UserError, match=r"^no work today; come again$"):
        worker.call("work").result()
    with pytest.raises(AttributeError, match=r"^'Refusing' object has no attribute 'rest'$"):
        worker.call("rest").result()
    worker.stop()


def test_a_killed_worker_is_lost_and_the_others_go_on(cluster):
    one, other = (cluster.start(Counter, text) for text in ("aa", "bb"))
    os.kill(one.ready.result(), signal.SIGKILL)
    lost, well = one.call("most_common", 1), other.call("most_common", 1)
    done = []
    end = time.monotonic() + 30
    while len(done) < 2 and time.monotonic() < end:
        done = cluster.wait([lost, well], 1.0)
    assert set(done) == {lost, well}
    with pytest.raises(WorkerLost):
        lost.result()
    assert well.result() == [("b", 2)]
    other.stop()


@pytest.mark.parametrize("address", ["here", "10.0.0.1", "ray://10.0.0.1:10001", "a b:1", False])
def test_what_is_no_address_is_refused_in_a_line(address):
    with pytest.raises(UserError, match=rf"^--cluster {address}: expected HOST:PORT, such as "):
        read_address(address)


def test_an_address_without_an_answer_is_refused_in_a_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UserError, match=rf"^--cluster {address} does not answer .*ray start --head"):
            Cluster(address).__enter__()


def test_who_answers_but_is_no_ray_head_is_refused_in_a_line(monkeypatch):
    monkeypatch.setattr(head, "_HEALTH_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=server.accept, daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UserError, match=rf"^--cluster {address} takes a connection, but is no Ray head"):
            Cluster(address).__enter__()


def test_a_missing_ray_is_said_in_a_line(monkeypatch):
    monkeypatch.setattr(connection, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs Ray, which is not installed \(expected ray >= 2.59\); pip"):
        Cluster(True).__enter__()


def test_machines_that_differ_are_named_with_what_differs():
    ours = facts()
    require_same(ours, dict(ours), "b7")
    with pytest.raises(UserError, match=r"^node b7 has numpy 1\.0, this machine .*; install numpy "):
        require_same(ours, ours | {"numpy": "1.0"}, "b7")
    with pytest.raises(UserError, match=r"^node b7 has quadrivium's sources 0123, .*the same commit there"):
        require_same(ours, ours | {SOURCES: "0123"}, "b7")


def test_a_worker_with_other_sources_refuses_to_begin(cluster, monkeypatch):
    from quadrivium.agents.cluster import workers

    monkeypatch.setattr(workers, "facts", lambda: facts() | {SOURCES: "0123"})  # of this machine
    worker = cluster.start(Counter, "a")
    with pytest.raises(UserError, match=r"^node \S+ has quadrivium's sources \w+, this machine 0123; "):
        worker.ready.result()


def test_every_node_is_asked_what_it_has_before_anything_begins(cluster, monkeypatch):
    Cluster._check_nodes()
    monkeypatch.setattr(connection, "facts", lambda: facts() | {SOURCES: "0123"})  # of this machine
    with pytest.raises(UserError, match=r"^node \S+ has quadrivium's sources \w+, this machine 0123; "):
        Cluster._check_nodes()


def test_a_worker_that_takes_more_processors_than_there_are_is_refused(cluster):
    with pytest.raises(
        UserError, match=r"^the cluster has 2 CPUs, a worker takes 4, .*; give threads: 2 or fewer"
    ):
        Workforce(cluster, lambda number: (Counter, ("a",)), cpus=4)


def test_a_cluster_without_processors_is_too_small(monkeypatch):
    monkeypatch.setattr(Cluster, "cpus", property(lambda self: 0.0))
    monkeypatch.setattr(Cluster, "_start", lambda self: None)
    monkeypatch.setattr(Cluster, "_check_nodes", staticmethod(lambda: None))
    monkeypatch.setattr(Cluster, "__exit__", lambda self, *details: None)
    with pytest.raises(UserError, match=r"has 0 CPUs to work on; expected at least 1: .*--num-cpus"):
        Cluster(True).__enter__()

"""A head that asks for a token: shown where there is one, and in a line refused where there is not."""

import os
import socket
import subprocess
import sys

import pytest

from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.cluster.head import require_head
from quadrivium.agents.errors import UserError
from tests.agents.cluster.ray_tools import require_ray

require_ray()

TOKEN = "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A head on loopback that asks for TOKEN."""
    folder = tmp_path_factory.mktemp("head")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    own |= {"RAY_USAGE_STATS_ENABLED": "0"}
    arguments = ["start", "--head", "--block", f"--port={port}", "--include-dashboard=false", "--num-cpus=1"]
    arguments.append("--object-store-memory=100000000")
    log = folder / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", *arguments],
            env=os.environ | own,
            stdout=file,
            stderr=file,
        )
    try:
        while "Ray runtime started" not in log.read_text():
            assert process.poll() is None, log.read_text()
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def no_token(monkeypatch, tmp_path):
    """Neither a token nor a word of one in this process."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_a_head_that_asks_for_a_token_is_shown_the_one_that_this_machine_has(address, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    script = f"""
from quadrivium.agents.cluster.connection import Cluster
with Cluster({address!r}) as cluster:
    print(cluster.nodes, cluster.cpus)
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    environment |= {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "token")}
    command = [sys.executable, "-c", script]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["1", "1.0"]
    assert said.stderr == ""


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (
            {"RAY_AUTH_MODE": "disabled"},
            "asks for a token, and none is given (RAY_AUTH_MODE is disabled); set",
        ),
        (
            {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN[::-1]},
            "asks for a token, and refuses the one given;",
        ),
    ],
)
def test_a_head_that_asks_for_another_token_is_said_in_a_line(address, no_token, monkeypatch, own, said):
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="RAY_AUTH_TOKEN") as error:
        require_head(address)
    assert str(error.value).startswith(f"--cluster {address} {said}")


def test_versions_that_differ_from_the_heads_are_named_in_a_line(monkeypatch):
    from ray._private import utils

    from quadrivium.agents.cluster import connection

    def connect(**options):
        theirs = {"ray_version": "2.1.0", "python_version": "3.9.1"}
        utils.check_version_info(theirs, "this process")

    monkeypatch.setattr(connection, "require_head", lambda address: None)
    monkeypatch.setattr(connection, "_init", connect)
    with pytest.raises(
        UserError, match=r"^--cluster 10.0.0.1:6379: Ray: 2\.1\.0 Python: 3\.9\.1 Ray: .*same vers"
    ):
        Cluster("10.0.0.1:6379").__enter__()

import json
import socket
import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from quadrivium.commands.pages import server
from tests.commands.pages.serving import serving_show
from tests.commands.pages.shows import small_show, unpacked
from tests.commands.running import run_evaluate

JOIN = json.dumps({"do": "join"})


@pytest.fixture(scope="module")
def served():
    show = small_show("follow", "cash")
    with serving_show(show) as port:
        yield port, show


def state(web_socket, until=lambda told: True):
    while True:
        message = web_socket.recv(timeout=60)
        if isinstance(message, bytes) and until(told := unpacked(message)[0]):
            return told


def grows(web_socket):
    before = state(web_socket)
    state(
        web_socket,
        lambda told: (told["seed"], told["panes"][0]["step"]) > (before["seed"], before["panes"][0]["step"]),
    )


def test_the_page_says_what_is_watched_and_offers_no_games(served):
    port, _ = served
    offers = httpx.get(f"http://127.0.0.1:{port}/api/offers").json()
    assert (offers["watched"], offers["boards"]) == ("SignChain", [])
    assert httpx.get(f"http://127.0.0.1:{port}/watch.js").status_code == 200
    with pytest.raises(InvalidStatus), connect(f"ws://127.0.0.1:{port}/play"):
        pass


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_origin_sees_nothing(served, origin):
    port, _ = served
    with pytest.raises(InvalidStatus), connect(f"ws://127.0.0.1:{port}/watch", origin=origin):
        pass


@pytest.mark.parametrize("rubbish", ["x" * (server.MAX_MESSAGE + 1), b"\x80\x04pickle"])
def test_what_is_too_long_or_no_text_ends_its_tab_alone(served, rubbish):
    port, _ = served
    with connect(f"ws://127.0.0.1:{port}/watch") as other:
        other.send(JOIN)
        with connect(f"ws://127.0.0.1:{port}/watch") as tab:
            tab.send(rubbish)
            with pytest.raises(ConnectionClosed):
                state(tab, lambda told: False)
        grows(other)


def test_a_spectator_that_stops_reading_is_dropped_and_the_pace_stays(served, monkeypatch):
    port, show = served
    monkeypatch.setattr(server, "SEND_SECONDS", 1.0)
    with connect(f"ws://127.0.0.1:{port}/watch") as tab:
        tab.send(JOIN)
        state(tab)
        sleeper = socket.socket()
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sleeper.connect(("127.0.0.1", port))
        upgrade = (
            f"GET /watch HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        sleeper.sendall(upgrade.encode())
        assert sleeper.recv(12) == b"HTTP/1.1 101"
        sleeper.sendall(
            bytes([0x81, 0x80 | len(JOIN), 0, 0, 0, 0]) + JOIN.encode()
        )  # a frame whose mask is 0
        while len(show.viewers) < 2:
            time.sleep(0.01)
        begun = time.monotonic()
        while len(show.viewers) == 2:
            asked = time.monotonic()
            grows(tab)
            assert time.monotonic() - asked < 5, "the others wait"
            assert time.monotonic() - begun < 40, "the sleeper is still waited for"
        sleeper.close()


def refused(capsys, directory, *words):
    assert run_evaluate(directory, "watch", "--no-browser", "--port", "0", *words) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note:")]
    return line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hihgway"], "did you mean 'highway'"),
        (["run:runs/none"], "runs/none is no run directory"),
        (["model:none"], "there is no model 'none'"),
        (["sign_chain", "folow"], "did you mean 'follow'"),
        (["sign_chain", "--env-kwargs", "persistence=2"], "persistence=2"),
        (["sign_chain", "--env-kwargs", "persistence"], "expected KEY=VALUE"),
        (["--seed", "-1"], "'-1' is no whole number from 0"),
        (["--port", "99999"], "no port from 0 to 65535"),
    ],
)
def test_what_the_command_cannot_do_is_one_line(capsys, tmp_path, words, said):
    assert said in refused(capsys, tmp_path, *words)


def test_a_port_in_use_is_one_line(capsys, tmp_path):
    with server.bind(0) as taken:
        port = taken.getsockname()[1]
        assert f"--port {port}: address already in use" in refused(capsys, tmp_path, "--port", port)

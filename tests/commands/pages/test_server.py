import json
import socket
import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from quadrivium.agents.errors import UserError
from quadrivium.commands.pages import server, viewers
from tests.commands.pages.serving import serving
from tests.commands.running import run_evaluate

PEOPLE = json.dumps({"do": "new", "board": "tic_tac_toe", "seats": [None, None], "advice": False})


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("served")) as (port, hub):
        yield port, hub


def told(socket, until=lambda message: True):
    while True:
        message = json.loads(socket.recv(timeout=60))
        if until(message):
            return message


def begin(socket):
    socket.send(PEOPLE)
    return told(socket, lambda m: m["type"] == "error" or m["ready"])


def test_the_page_comes_with_headers_that_keep_everything_else_out(served):
    port, _ = served
    page = httpx.get(f"http://127.0.0.1:{port}/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    for path in ("/app.js", "/style.css"):
        assert httpx.get(f"http://127.0.0.1:{port}{path}").status_code == 200


def test_nothing_on_the_page_is_from_elsewhere(served):
    port, _ = served
    for path in ("/", "/app.js", "/style.css"):
        text = httpx.get(f"http://127.0.0.1:{port}{path}").text
        for names in ("http://www.w3.org/2000/svg",):  # a name space, which is fetched by nobody
            text = text.replace(names, "")
        assert "http://" not in text.replace("ws://${location.host}", "")
        assert "https://" not in text
        assert "import(" not in text
        assert "url(" not in text


@pytest.mark.parametrize(
    "path",
    [
        "/api/tournaments/..%2f..%2fetc",
        "/../../etc/passwd",
        "/api/record/none",
        "/static/app.js",
        "/api/tournaments/x/1",
    ],
)
def test_what_is_not_there_is_not_found(served, path):
    port, _ = served
    answer = httpx.get(f"http://127.0.0.1:{port}{path}")
    assert answer.status_code == 404
    assert "root:" not in answer.text


HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.0.0.1.evil.example:{port}",
    "localhost.:{port}",
]


@pytest.mark.parametrize("host", HOSTS)
def test_another_name_for_this_address_is_refused(served, host):
    port, _ = served
    answer = httpx.get(f"http://127.0.0.1:{port}/api/offers", headers={"Host": host.format(port=port)})
    assert answer.status_code == 403
    assert answer.text.count("\n") == 1


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"]
)
def test_pages_of_other_origins_are_refused(served, origin):
    port, _hub = served
    origin = origin.format(port=port)
    assert httpx.get(f"http://127.0.0.1:{port}/api/offers", headers={"Origin": origin}).status_code == 403
    with pytest.raises(InvalidStatus), connect(f"ws://127.0.0.1:{port}/play", origin=origin):
        pass


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_our_own_pages_are_let_in(served, name):
    port, _ = served
    with connect(f"ws://{name}:{port}/play", origin=f"http://{name}:{port}") as socket:
        assert begin(socket)["type"] == "state"


def test_a_message_that_is_too_long_ends_its_tab_alone(served):
    port, _ = served
    with connect(f"ws://127.0.0.1:{port}/play") as other:
        begin(other)
        with connect(f"ws://127.0.0.1:{port}/play") as socket:
            socket.send("x" * (server.MAX_MESSAGE + 1))
            with pytest.raises(ConnectionClosed):
                told(socket)
        other.send(json.dumps({"do": "move", "action": 4, "ply": 0}))
        assert told(other)["ply"] == 1


@pytest.mark.parametrize(
    "rubbish",
    ["", "\0", "{}", "[[[[", '{"do": null}', '{"do": "move", "action": 1e999, "ply": 0}', '"\\ud800"'],
)
def test_rubbish_is_answered_and_the_tab_goes_on(served, rubbish):
    port, _ = served
    with connect(f"ws://127.0.0.1:{port}/play") as socket:
        socket.send(rubbish)
        assert told(socket)["type"] == "error"
        assert begin(socket)["type"] == "state"


def test_bytes_end_the_tab(served):
    port, _hub = served
    with connect(f"ws://127.0.0.1:{port}/play") as socket:
        socket.send(b"\x80\x04pickle")
        with pytest.raises(ConnectionClosed):
            told(socket)


def test_what_is_no_http_at_all_does_no_harm(served):
    port, _ = served
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        raw.recv(1000)
    assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200


def test_a_spectator_that_stops_reading_is_dropped_while_the_others_play_on(served, monkeypatch):
    port, hub = served
    monkeypatch.setattr(server, "SEND_SECONDS", 1.0)
    with connect(f"ws://127.0.0.1:{port}/play") as tab:
        key = begin(tab)["id"]
        (place,) = [place for place in hub.places.values() if place.key == key]
        pad = "x" * 300_000  # states are some kB, and the kernel keeps megabytes
        state = place.state
        monkeypatch.setattr(place, "state", lambda standing: state(standing)[:-1] + f', "pad": "{pad}"}}')
        sleeper = socket.create_connection(("127.0.0.1", port))
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        upgrade = (
            f"GET /play HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        sleeper.sendall(upgrade.encode())
        assert sleeper.recv(12) == b"HTTP/1.1 101"
        text = json.dumps({"do": "join", "id": key}).encode()
        sleeper.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)  # a frame whose mask is 0
        while len(place.viewers) < 2:
            time.sleep(0.01)
        begun, slowest = time.monotonic(), 0.0
        while len(place.viewers) == 2:
            asked = time.monotonic()
            tab.send(json.dumps({"do": "move", "action": 4, "ply": 0}))
            assert told(tab, lambda m: m["type"] == "state")["ply"] == 1
            tab.send(json.dumps({"do": "undo"}))
            assert told(tab, lambda m: m["type"] == "state")["ply"] == 0
            slowest = max(slowest, time.monotonic() - asked)
            assert time.monotonic() - begun < 30, "the sleeper is still waited for"
        assert slowest < 10
        sleeper.close()


def test_a_finished_game_is_a_file_and_one_that_goes_on_is_not(served):
    port, _ = served
    with connect(f"ws://127.0.0.1:{port}/play") as tab:
        key = begin(tab)["id"]
        address = f"http://127.0.0.1:{port}/api/record/{key}"
        tab.send(json.dumps({"do": "move", "action": 4, "ply": 0}))
        told(tab)
        assert httpx.get(address).status_code == 409
        tab.send(json.dumps({"do": "resign"}))
        told(tab)
        answer = httpx.get(address)
        assert answer.headers["content-disposition"] == 'attachment; filename="tic_tac_toe.txt"'
        assert "1-0 (resigned)" in answer.text


def test_too_many_tabs_are_refused(served, monkeypatch):
    port, _ = served
    monkeypatch.setattr(viewers, "MAX_VIEWERS", 0)  # whoever of other tests is about to leave
    with pytest.raises(InvalidStatus), connect(f"ws://127.0.0.1:{port}/play"):
        pass


def test_a_port_in_use_is_one_line():
    with (
        server.bind(0) as taken,
        pytest.raises(UserError, match=r"--port \d+: address already in use; give another"),
    ):
        server.bind(taken.getsockname()[1])


def refused(capsys, directory, *words):
    assert run_evaluate(directory, "play", "--no-browser", "--port", "0", *words) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note:")]
    return line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["conect_four"], "game 'conect_four' is unknown; did you mean 'connect_four'?"),
        (["chess", "--opponent", "run:runs/none"], "runs/none is no run directory"),
        (["chess", "--opponent", "gtp:gnugo"], "plays Go or Othello, and this is Chess"),
        (["chess", "--opponent", "stockfish"], "player 'stockfish' is unknown"),
        (["--opponent", "mcts:10"], "which game does it play? Write: play connect_four, say"),
        (["go", "--env-kwargs", "size=99"], "size"),
        (["--tournament", "nowhere"], "--tournament nowhere: no tournament is kept there"),
        (["--port", "99999"], "no port from 0 to 65535"),
    ],
)
def test_what_the_command_cannot_do_is_one_line(capsys, tmp_path, words, said):
    assert said in refused(capsys, tmp_path, *words)


def test_without_the_extra_one_line_says_what_to_install(capsys, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "starlette", None)
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    monkeypatch.delitem(sys.modules, "quadrivium.commands.pages.server")
    import quadrivium.commands.pages as pages

    monkeypatch.delattr(pages, "server")
    assert 'pip install "quadrivium[play]"' in refused(capsys, tmp_path)

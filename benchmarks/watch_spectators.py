"""How many may look on: the pace of what is watched and the server's memory, with 1 spectator and with 50.

    python benchmarks/watch_spectators.py [WORDS ...] [--seconds 30] [--rounds 3]

WORDS are those of `evaluate.py watch`. The server runs in this process, the spectators in another one, which
read all that comes and note the steps of the first; 1 and 50 take turns, in one run. Then 50 look on for
longer, beside one more who joins and never reads: noted are the pace, the resident memory every second, and
how long that one is kept. The goals: the pace of 50 within 10 % of that of 1, and flat memory.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from websockets.asyncio.client import connect

RESULTS = Path(__file__).parent / "results" / "watch_spectators.json"
SPECTATORS = 50


async def look_on(port, count, seconds):
    """Returns steps, pictures and bytes a second that the first of `count` spectators sees."""
    sockets = [await connect(f"ws://127.0.0.1:{port}/watch", compression=None) for _ in range(count)]
    for one in sockets:
        await one.send('{"do": "join"}')
    seen = []  # (time, seed, step, bytes)

    async def read(number):
        async for message in sockets[number]:
            if number == 0 and isinstance(message, bytes):
                (length,) = struct.unpack_from(">I", message)
                told = json.loads(message[4 : 4 + length])
                step = max(pane["step"] for pane in told["panes"])
                seen.append((time.monotonic(), told["seed"], step, len(message)))

    readers = [asyncio.create_task(read(number)) for number in range(count)]
    await asyncio.sleep(2)
    print("ready", flush=True)
    del seen[:]
    await asyncio.sleep(seconds)
    kept = sum(not reader.done() for reader in readers)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    for one in sockets:
        await one.close()
    # From the first to the last new step of each episode; what lies between two episodes is no pace.
    steps = spent = 0
    for seed in {one[1] for one in seen}:
        moments = {}
        for when, _, step, _ in [one for one in seen if one[1] == seed]:
            moments.setdefault(step, when)
        if len(moments) > 2:
            first, last = sorted(moments)[1], max(moments)
            steps += last - first
            spent += moments[last] - moments[first]
    return {
        "spectators": count,
        "still_there": kept,
        "steps_a_second": steps / spent,
        "pictures_a_second": len(seen) / seconds,
        "bytes_a_picture": statistics.mean(one[3] for one in seen),
    }


def measured(port, count, seconds, while_they_look=lambda: None):
    """Returns what `count` spectators in another process see, and the processor time that they cost here."""
    command = [sys.executable, __file__, "--look-on", str(port), str(count), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "ready\n"
        begun, since = time.process_time(), time.monotonic()
        while_they_look()
        found = json.loads(child.stdout.readline())
        share = (time.process_time() - begun) / (time.monotonic() - since)
    return {**found, "server_processor_share": share}


def resident_mib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def stalled(port):
    """Returns a socket that has joined the show and will not read."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", port))
    raw.sendall(
        f"GET /watch HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert raw.recv(12) == b"HTTP/1.1 101"
    text = b'{"do": "join"}'
    raw.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)  # a frame whose mask is 0
    return raw


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", default=["racetrack", "stanley", "pure_pursuit"])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--look-on", nargs=3, metavar=("PORT", "COUNT", "SECONDS"))
    chosen = parser.parse_args()
    if chosen.look_on:
        port, count, seconds = chosen.look_on
        print(json.dumps(asyncio.run(look_on(int(port), int(count), float(seconds)))))
        return
    from quadrivium.commands.build import use_threads
    from quadrivium.commands.pages import server
    from quadrivium.commands.pages.casting import read_cast
    from quadrivium.commands.pages.watch import make_show

    use_threads("auto")
    show = make_show(read_cast(chosen.words, lambda env_id: {}, None, print), print)
    with server.bind(0) as listener:
        port = listener.getsockname()[1]
        running = server.make_server(server.make_app(None, {}, port, "", show))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        rounds = []
        for k in range(chosen.rounds):
            for count in (1, SPECTATORS) if k % 2 == 0 else (SPECTATORS, 1):
                rounds.append(measured(port, count, chosen.seconds))
                print({name: round(value, 3) for name, value in rounds[-1].items()}, flush=True)
        memory, kept_for = [], None

        def note():
            nonlocal kept_for
            before, begun = len(show.viewers), time.monotonic()
            with stalled(port):
                while len(show.viewers) == before:
                    time.sleep(0.01)
                while time.monotonic() - begun < 2 * chosen.seconds - 3:
                    memory.append(round(resident_mib(), 1))
                    if kept_for is None and len(show.viewers) == before:
                        kept_for = time.monotonic() - begun
                    time.sleep(1)

        beside = measured(port, SPECTATORS, 2 * chosen.seconds, note)
        running.should_exit = True
        thread.join()
    pace = {
        count: statistics.median(one["steps_a_second"] for one in rounds if one["spectators"] == count)
        for count in (1, SPECTATORS)
    }
    third = len(memory) // 3
    found = {
        "words": chosen.words,
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "seconds": chosen.seconds,
        "asked_steps_a_second": show.fps,
        "rounds": [{name: round(value, 4) for name, value in one.items()} for one in rounds],
        "pace_of_50_by_that_of_1": round(pace[SPECTATORS] / pace[1], 4),
        "beside_one_who_does_not_read": {
            **{name: round(value, 4) for name, value in beside.items()},
            "seconds_until_that_one_is_dropped": None if kept_for is None else round(kept_for, 1),
            "resident_mib": memory,
            "mean_of_the_last_third_over_that_of_the_middle_mib": round(
                statistics.mean(memory[-third:]) - statistics.mean(memory[third:-third]), 2
            ),
        },
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps({key: value for key, value in found.items() if key != "rounds"}, indent=2))


if __name__ == "__main__":
    main()

"""Foreign training code on our worlds: what is in docs/clients/ is run with each client in an environment of
its own.

python benchmarks/clients.py [CLIENT …] [--venvs DIR]     # all of them: half an hour, most of it installing

Each client gets a virtual environment below DIR, which sees the packages of the one that runs this (torch's
CPU build among them) where it needs no others. A file in docs/clients/ trains, or records, a few hundred
steps on one world of each kind; it passes if it ends well. Writes
benchmarks/results/clients.json, and the table that docs/clients.md shows beside it.
"""

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import time
import venv
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from machine import machine, write_report

HERE = Path(__file__).resolve().parents[1]
RESULT = HERE / "benchmarks/results/clients.json"
LIMIT_S = 900
LOSE = {"illegal": "lose"}  # an agent that reads no masks
STEERED = {"actions": "discrete"}
FLAT = {"flat": True}
KINDS = {"trading": "SingleAsset", "navigation": "PointNav", "driving": "Highway", "board": "TicTacToe"}


@dataclass(frozen=True)
class Client:
    """What is installed, the file of docs/clients/ that is run, and with which arguments of the worlds."""

    package: str
    requires: tuple[str, ...]
    file: str
    every: dict[str, object] = field(default_factory=dict)  # arguments of all worlds
    own: dict[str, dict[str, object]] = field(default_factory=dict)  # of one kind
    worlds: dict[str, str] = field(default_factory=lambda: KINDS)


CLIENTS = {
    "stable-baselines3": Client("stable-baselines3", (), "with_stable_baselines3.py", own={"board": LOSE}),
    "stable-baselines3, SubprocVecEnv": Client(
        "stable-baselines3", (), "with_sb3_subproc.py", own={"board": LOSE}
    ),
    "stable-baselines3, BatchedVecEnv": Client(
        "stable-baselines3", (), "with_sb3_batched.py", own={"board": LOSE}
    ),
    "sb3-contrib": Client(
        "sb3-contrib", ("sb3-contrib",), "with_sb3_contrib.py", own={"navigation": STEERED}
    ),
    "rl_zoo3": Client("rl_zoo3", ("rl_zoo3",), "with_rl_zoo3.py", FLAT, {"board": LOSE}),
    "torchrl": Client("torchrl", ("torchrl",), "with_torchrl.py", own={"board": LOSE}),
    "tianshou": Client(
        "tianshou", ("tianshou",), "with_tianshou.py", FLAT, {"navigation": STEERED, "board": LOSE}
    ),
    "rllib": Client("ray", ("ray[rllib]",), "with_rllib.py", FLAT, {"board": LOSE}),
    "pufferlib": Client("pufferlib-core", ("pufferlib-core",), "with_pufferlib.py", own={"board": LOSE}),
    "agilerl": Client("agilerl", ("agilerl", "peft"), "with_agilerl.py", FLAT, {"board": LOSE}),
    "supersuit": Client(
        "supersuit",
        ("supersuit",),
        "with_supersuit.py",
        FLAT,
        worlds={"trading": "LimitOrderBook", "navigation": "CrowdNav"},
    ),
    "minari": Client("minari", ("minari[create,hdf5]",), "with_minari.py"),
}


def prepare(client: Client, directory: Path) -> Path:
    """Returns the Python of the client's environment, made if there is none; raises CalledProcessError."""
    home = directory / client.package
    python = home / "bin/python"
    if not python.exists():
        venv.create(home, with_pip=True)
        own = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
        (own / "zz_base.pth").write_text(sysconfig.get_path("purelib") + "\n")
    if client.requires:
        torch = f"torch=={version('torch')}"
        command = [str(python), "-m", "pip", "install", "-q", *client.requires, torch]
        subprocess.run(command, check=True, capture_output=True, text=True)
    return python


def versions(client: Client, python: Path) -> dict[str, str]:
    """Returns the versions of the client and of what it stands on."""
    names = [client.package, "gymnasium", "pettingzoo", "numpy"]
    code = f"from importlib.metadata import version; print(*(version(name) for name in {names}))"
    said = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout
    return dict(zip(names, said.split(), strict=True))


def attempt(client: Client, kind: str, python: Path, workplace: Path) -> dict[str, object]:
    """Returns whether the client's file ended well on a world of a kind, and what it said last if not."""
    workplace.mkdir(parents=True, exist_ok=True)
    world = f"quadrivium/{client.worlds[kind]}-v0"
    kwargs = client.every | client.own.get(kind, {})
    own = {"MINARI_DATASETS_PATH": str(workplace / f"minari-{time.time_ns()}"), "RAY_DEDUP_LOGS": "0"}
    environment = os.environ | own | {"PYTHONPATH": str(HERE)}
    command = [python, HERE / "docs/clients" / client.file, world, json.dumps(kwargs)]
    begun = time.perf_counter()
    try:
        done = subprocess.run(
            command, env=environment, cwd=workplace, capture_output=True, text=True, timeout=LIMIT_S
        )
        passed, said = done.returncode == 0, (done.stdout + done.stderr).strip().splitlines()[-1:]
    except subprocess.TimeoutExpired:
        passed, said = False, [f"not ended after {LIMIT_S} s"]
    result: dict[str, object] = {"world": world, "kwargs": kwargs, "passed": passed}
    result["seconds"] = round(time.perf_counter() - begun, 1)
    return result if passed else result | {"said": said[0] if said else ""}


def table(results: dict[str, dict]) -> str:
    """Returns the results as a table of Markdown, which docs/clients.md shows."""
    lines = [f"| client | version | {' | '.join(KINDS)} |", "|---" * (2 + len(KINDS)) + "|"]
    for name, one in results.items():
        found = one.get("versions", {})
        told = f"{found.get(CLIENTS[name].package, 'not installed')}, Gymnasium {found.get('gymnasium', '–')}"
        cells = []
        for kind in KINDS:
            world = one.get("worlds", {}).get(kind)
            how = "–" if world is None else "passed" if world["passed"] else "failed"
            cells.append(how if world is None else f"{world['world'].split('/')[1]}: {how}")
        lines.append(f"| {name} | {told} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Runs the clients that are named, or all; results of others stay in the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=", ".join(CLIENTS))
    parser.add_argument("--venvs", type=Path, default=Path.home() / ".cache/quadrivium-clients")
    arguments = parser.parse_args()
    results = json.loads(RESULT.read_text())["clients"] if RESULT.exists() else {}
    for name in arguments.clients or CLIENTS:
        if name not in CLIENTS:
            sys.exit(f"{name!r} is no client: give some of {', '.join(CLIENTS)}")
        client = CLIENTS[name]
        try:
            python = prepare(client, arguments.venvs)
        except subprocess.CalledProcessError as error:
            results[name] = {"not installed": (error.stderr or "").strip().splitlines()[-1:]}
            continue
        worlds = {kind: attempt(client, kind, python, arguments.venvs / "work") for kind in client.worlds}
        results[name] = {"versions": versions(client, python), "worlds": worlds}
        told = ", ".join(
            f"{kind} {'passed' if one['passed'] else one['said']}" for kind, one in worlds.items()
        )
        print(f"{name}: {told}", flush=True)
        results = {name: results[name] for name in CLIENTS if name in results}
        write_report(RESULT, machine("quadrivium", "torch", "numba") | {"clients": results})
        RESULT.with_suffix(".md").write_text(table(results))
    faults = [
        name for name, one in results.items() if not all(w["passed"] for w in one.get("worlds", {}).values())
    ]
    sys.exit(f"failed: {', '.join(faults)}" if faults else 0)


if __name__ == "__main__":
    main()

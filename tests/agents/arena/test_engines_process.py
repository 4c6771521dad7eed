"""Engine programs that crash, hang, flood: an error of one line each, and nothing is left running."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quadrivium.agents.arena.engines import watcher
from quadrivium.agents.arena.engines.player_text import EngineText
from quadrivium.agents.arena.engines.process import EngineProcess, engine_command
from quadrivium.agents.arena.players import EngineError
from quadrivium.agents.compute.cores import available_cores
from quadrivium.agents.errors import UserError

ROOT = Path(__file__).resolve().parents[3]


def start(source, name="fake"):
    return EngineProcess([sys.executable, "-u", "-c", source], name)


def read(process, seconds=10.0, awaited="hello"):
    return process.read(time.monotonic() + seconds, awaited)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"  # Z: dead, but not yet waited for
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends(pid):
    """Whether a process that was killed ends; one that is not our child takes its time."""
    deadline = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_running(pid)


def test_lines_go_both_ways_and_close_ends_the_program():
    process = start("while (line := input()) != 'quit': print('heard', line)")
    process.send("one")
    process.send("two")
    assert [read(process), read(process)] == ["heard one", "heard two"]
    process.close()
    assert not process.alive
    assert not is_running(process.pid)


def test_a_crash_is_told_with_the_exit_code_and_the_last_words():
    process = start("import sys; input(); sys.exit('out of luck')")
    process.send("hello")
    with pytest.raises(EngineError, match=r"^fake ended with exit code 1 .*'hello'; it said: out of luck$"):
        read(process)
    assert not process.alive


def test_a_signal_is_told_by_its_name():
    process = start("import os; input(); os.abort()")
    process.send("hello")
    with pytest.raises(EngineError, match="fake was ended by SIGABRT instead of answering 'hello'"):
        read(process)


def test_a_program_that_closes_its_output_and_goes_on_is_killed():
    process = start("import os, time; os.close(1); time.sleep(60)")
    with pytest.raises(EngineError, match="fake closed its output"):
        read(process)
    assert not is_running(process.pid)


def test_a_hang_is_noticed_in_time_and_ended():
    process = start("import time; time.sleep(60)")
    started = time.monotonic()
    with pytest.raises(EngineError, match="fake did not answer 'hello' in time"):
        read(process, 0.3)
    assert time.monotonic() - started < 5
    assert not is_running(process.pid)


def test_a_program_that_talks_without_end_hangs_too():
    process = start("while True: print('info string nothing new')")
    deadline = time.monotonic() + 0.5

    def listen():
        while True:
            process.read(deadline, "go")

    with pytest.raises(EngineError, match="did not answer 'go' in time"):
        listen()
    assert not is_running(process.pid)


def test_children_die_with_a_program_that_ignores_the_farewell():
    child = "import subprocess as s, time; print(s.Popen(['sleep', '60']).pid); time.sleep(60)"
    process = start(child)
    pid = int(read(process))
    assert is_running(pid)
    process.close()
    assert not is_running(process.pid)
    assert ends(pid)


def test_a_dead_program_can_be_closed_killed_and_talked_to():
    process = start("")
    with pytest.raises(EngineError, match="exit code 0"):
        read(process)
    process.close()
    process.kill()
    with pytest.raises(EngineError, match="fake is not running"):
        process.send("hello")
    with pytest.raises(EngineError, match="fake is not running"):
        read(process)


def test_complaints_by_the_megabyte_do_not_block():
    process = start("import sys; sys.stderr.write('no! ' * 2**20 + '\\n'); print('done')")
    assert read(process) == "done"
    process.kill()


def test_bytes_that_are_no_text_are_read():
    process = start("import sys; sys.stdout.buffer.write(b'caf\\xe9\\r\\n')")
    assert read(process) == "caf�"
    process.kill()


def test_what_is_forgotten_is_killed_at_exit():
    process = start("import time; time.sleep(60)")
    pid = process.pid
    assert process._kill_at_exit.atexit
    process._kill_at_exit()
    assert ends(pid)
    process.kill()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gnugoo --mode gtp", "engine 'gnugoo' is not installed; install it, or give the program's path"),
        ("", "the engine's command is missing"),
        ("'half", "engine command .*: No closing quotation; quote as in a shell"),
    ],
)
def test_a_command_that_cannot_be_is_the_users_error(text, message):
    with pytest.raises(UserError, match=message):
        engine_command(text)


def test_a_missing_engine_names_its_debian_package(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("quadrivium.agents.arena.engines.process.GAME_DIRECTORIES", ())
    with pytest.raises(UserError, match="'stockfish' is not installed; apt-get install stockfish"):
        engine_command("stockfish")


def test_a_command_is_split_as_a_shell_does():
    command = f"{shlex.quote(sys.executable)} -c 'print(1 + 1)'"
    assert engine_command(command) == [sys.executable, "-c", "print(1 + 1)"]


def test_a_file_that_is_no_program_is_an_error(tmp_path):
    path = tmp_path / "engine"
    path.write_text("this is no program")
    path.chmod(0o755)
    with pytest.raises(EngineError, match="fake cannot be started: Exec format error; check"):
        EngineProcess([str(path)], "fake")


# ---- what is said of a program that cannot be, or ends


def test_a_file_that_may_not_be_executed_is_not_called_missing(tmp_path, monkeypatch):
    engine = tmp_path / "engine"
    engine.write_text("#!/bin/sh\n")
    engine.chmod(0o644)
    monkeypatch.setenv("PATH", str(tmp_path))
    for text in (str(engine), "engine"):
        with pytest.raises(UserError, match=f"{engine}' may not be executed; allow it: chmod \\+x {engine}$"):
            engine_command(text)


def test_a_folder_and_a_path_that_leads_nowhere_are_named_as_such(tmp_path):
    with pytest.raises(UserError, match="is a folder; give the path of the program in it"):
        engine_command(str(tmp_path))
    with pytest.raises(UserError, match="is not there; check the path"):
        engine_command(str(tmp_path / "gone"))


@pytest.mark.parametrize(
    ("system", "remedy"),
    [
        ("linux", "apt-get install gnugo, say, or give the program's path"),
        ("darwin", "brew install gnu-go, say, or give the program's path"),
        ("win32", "not installed; install it, or give the program's path"),
    ],
)
def test_how_an_engine_is_installed_is_said_for_each_system(monkeypatch, system, remedy):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("quadrivium.agents.arena.engines.process.GAME_DIRECTORIES", ())
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(UserError, match=remedy):
        engine_command("gnugo")


@pytest.mark.parametrize("pause", [0.0, 0.5])
def test_what_a_program_says_on_its_output_before_it_ends_is_quoted(pause):
    process = start("print('No weights were found:'); print('give --weights FILE.'); raise SystemExit(1)")
    time.sleep(pause)

    def listen():  # as protocols do that pass over lines which they do not know
        process.send("hello")
        while True:
            read(process)

    with pytest.raises(EngineError, match=r"it said: No weights were found: / give --weights FILE\.$"):
        listen()


def test_what_was_said_before_an_earlier_question_is_not_quoted():
    process = start("print('ready'); input(); input()\nraise SystemExit(2)")
    process.send("one")
    assert read(process) == "ready"
    process.send("two")
    with pytest.raises(EngineError, match=r"exit code 2 instead of answering 'hello'$"):
        read(process)


# ---- systems that lack what Linux has


@pytest.fixture(params=["macOS", "Windows"])
def elsewhere(request, monkeypatch, tmp_path):
    """Runs a test without what macOS or Windows lacks; there taskkill kills a process and its children."""
    for name in ("waitid", "sched_getaffinity"):
        monkeypatch.delattr(os, name, raising=False)
    if request.param == "macOS":
        return
    monkeypatch.delattr(os, "killpg")
    monkeypatch.setattr(watcher, "signal", None)  # it has no SIGKILL there
    taskkill = tmp_path / "taskkill"
    taskkill.write_text("#!/bin/sh\n# /F /T /PID number\npkill -9 -P $4\nkill -9 $4\n")
    taskkill.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("elsewhere")
def test_elsewhere_a_program_is_spoken_to_closed_and_killed_with_its_children():
    process = start("while (line := input()) != 'quit': print('heard', line)")
    process.send("one")
    assert read(process) == "heard one"
    process.close()
    assert not is_running(process.pid)
    parent = start("import subprocess as s, time; print(s.Popen(['sleep', '60']).pid); time.sleep(60)")
    child = int(read(parent))
    parent.close()
    assert not is_running(parent.pid)
    assert ends(child)


@pytest.mark.usefixtures("elsewhere")
def test_elsewhere_an_end_is_told_by_its_exit_code():
    process = start("input(); raise SystemExit(3)")
    process.send("hello")
    with pytest.raises(EngineError, match="fake ended with exit code 3"):
        read(process)


@pytest.mark.usefixtures("elsewhere")
def test_elsewhere_there_are_as_many_games_at_once_as_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert EngineText("uci:x", ["x"], {}).processes == available_cores()
    assert EngineText("uci:x", ["x"], {"processes": "3"}).processes == 3


# ---- a controller that is killed

CONTROLLER = """
import os, signal, sys, threading
from quadrivium.agents.arena.engines.process import EngineProcess
engines = []
def start():  # by a thread that ends before the controller does
    engines.append(EngineProcess([sys.executable, "-c", "import time; time.sleep(60)"], "engine"))
for _ in range(2):
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
engines[0].kill()
assert engines[1].alive and engines[1]._popen.poll() is None
print(engines[1].pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_engine_that_thinks_does_not_outlive_a_controller_that_is_killed():
    controller = subprocess.run(
        [sys.executable, "-c", CONTROLLER], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert controller.returncode == -signal.SIGKILL, controller.stderr
    assert ends(int(controller.stdout))


def test_a_watcher_kills_what_it_was_told_of_and_not_yet_told_to_forget(monkeypatch):
    killed = []
    monkeypatch.setattr("quadrivium.agents.arena.engines.watcher.kill_group", killed.append)
    watcher.watch(["+7\n", "+8\n", "-7\n", "+9\n"])
    assert sorted(killed) == [8, 9]

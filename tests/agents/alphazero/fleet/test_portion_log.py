"""`games.log`: what is in it is whole, in order, and counted once, whenever the writer was killed."""

import numpy as np
import pytest

from quadrivium.agents.alphazero.fleet.portion import Portion, portion_of
from quadrivium.agents.alphazero.fleet.portion_log import PortionLog
from quadrivium.agents.alphazero.play.records import RecordFormat
from quadrivium.agents.errors import UserError
from quadrivium.envs.board.registry import GAMES


def append(log, worker, sequence, data=b"games"):
    return log.append(data, worker=worker, sequence=sequence, version=0, progress=0.5, games=3)


def filled(path):
    log = PortionLog(path)
    append(log, 0, 0, b"one\n")
    append(log, 4, 0, b"{}\n")
    append(log, 0, 1, b"three")
    return log


def test_entries_come_back_as_they_were(tmp_path):
    log, again = filled(tmp_path / "games.log"), PortionLog(tmp_path / "games.log")
    assert again.entries == log.entries
    assert [again.read(k)[1] for k in range(3)] == [b"one\n", b"{}\n", b"three"]
    assert again.next_worker == 5
    append(again, 4, 1)
    assert len(PortionLog(tmp_path / "games.log")) == 4


def test_a_file_cut_anywhere_holds_the_entries_before_the_cut(tmp_path):
    path = tmp_path / "games.log"
    filled(path)
    data = path.read_bytes()
    ends = [data.index(b"one\n") + 4, data.index(b"{}\n") + 3, len(data)]
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        log = PortionLog(path)
        assert len(log) == sum(end <= cut for end in ends), cut
        assert path.stat().st_size == max([0, *(end for end in ends if end <= cut)])


def test_bytes_that_never_reached_the_disk_are_a_torn_entry(tmp_path):
    path = tmp_path / "games.log"
    filled(path)
    data = path.read_bytes()
    path.write_bytes(data[:-5] + bytes(5))
    assert len(PortionLog(path)) == 2
    path.write_bytes(data[:-5] + b"three" + bytes(100))
    assert len(PortionLog(path)) == 3


def test_a_portion_that_is_in_the_log_is_not_taken_again(tmp_path):
    log = filled(tmp_path / "games.log")
    for worker, sequence in ((0, 1), (0, 3), (9, 1)):
        with pytest.raises(ValueError, match=f"portion {sequence} of worker {worker} came in; expected"):
            append(log, worker, sequence)


def test_damage_before_the_last_entry_is_said_in_a_line(tmp_path):
    path = tmp_path / "games.log"
    filled(path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"one\n", b"won\n"))
    with pytest.raises(UserError, match=r"games.log: portion 0 is damaged, .*restore the file"):
        PortionLog(path).read(0)
    path.write_bytes(b"x" + data)
    with pytest.raises(UserError, match=r"portion 0 is damaged"):
        PortionLog(path)
    lines = data.replace(b'"sequence": 1', b'"sequence": 7')
    path.write_bytes(lines)
    with pytest.raises(UserError, match=r"portion 2 is damaged"):
        PortionLog(path)


def test_a_portion_is_arrays_and_comes_back_as_it_was():
    form = RecordFormat(GAMES["TicTacToe"]())
    portion = Portion([form.empty], np.array([5, 9]), 40, 8, {"self_play/draws": 0.5})
    again = portion_of(portion.to_bytes(), [form.empty])
    assert (again.moves, again.simulations, again.summary) == (40, 8, {"self_play/draws": 0.5})
    assert again.lengths.tolist() == [5, 9]
    assert again.positions[0].records.dtype == form.empty.records.dtype
    with pytest.raises(ValueError, match="its positions are another game's"):
        portion_of(portion.to_bytes(), [RecordFormat(GAMES["Gomoku"]()).empty])
    with pytest.raises(ValueError):
        portion_of(b"not an archive", [form.empty])

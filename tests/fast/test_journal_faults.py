"""A journal that cannot be used says why, and nothing is spoilt: faults, second drivers, readers, full disks."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from dure.errors import (
    JournalBusy,
    JournalCorrupted,
    JournalError,
    JournalNotFound,
    JournalReadOnly,
    JournalTooNew,
)
from dure.journal import Journal
from tests.fast.journals import FILE, contents, copy_of, small, verify


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small(tmp_path / "campaign")


@pytest.fixture
def frozen() -> Iterator[Callable[[Path], None]]:
    """Make a folder read-only: by permission, or by a read-only mount for root, whom permissions do not stop."""
    mounted: list[Path] = []

    def freeze(folder: Path) -> None:
        if os.geteuid() != 0:
            for path in (*folder.iterdir(), folder):
                path.chmod(0o555 if path.is_dir() else 0o444)
            return
        for options in (["--bind", str(folder)], ["-o", "remount,bind,ro"]):
            done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"root without the right to mount cannot make a folder read-only: {done.stderr.strip()}")
            mounted[:] = [folder]

    yield freeze
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


def newer(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("UPDATE meta SET format = 99")


def a_table_lost(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("DROP TABLE meta")


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size * 2 // 3)


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize(
    ("spoil", "error", "found"),
    [
        (newer, JournalTooNew, "format 99.* format 1;"),
        (a_table_lost, JournalCorrupted, "meta"),
        (cut, JournalCorrupted, "damaged"),
        # SQLite quotes the name in its message, and the name is no text
        (lambda file: file.write_bytes(file.read_bytes().replace(b"tablemeta", b"tablem\xe5ta")), JournalCorrupted, "damaged"),
        (lambda file: os.truncate(file, 0), JournalCorrupted, "damaged"),
        (lambda file: file.write_bytes(b"not a journal" * 1000), JournalCorrupted, "damaged"),
    ],
)
def test_a_spoiled_file_is_named_and_left_as_it_is(folder: Path, spoil: Any, error: type[JournalError], found: str, write: bool):
    spoil(folder / FILE)
    before = contents(folder)

    def use() -> None:
        with Journal.open(folder, write=write) as journal:
            journal.verify()

    with pytest.raises(error, match=found):
        use()
    assert contents(folder) == before


def test_an_altered_journal_with_a_wal_keeps_both(folder: Path, tmp_path: Path):
    left = tmp_path / "left"
    with Journal.open(folder) as journal:
        journal.append("noted", {"n": 1})
        with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as db:
            db.execute("UPDATE events SET payload = '{\"n\":2}' WHERE seq = 8")
            shutil.copytree(folder, left)  # as a driver killed now would leave it
    before = contents(left)
    assert before[f"{FILE}-wal"]
    with pytest.raises(JournalCorrupted, match="event 8 "):
        Journal.open(left)
    assert contents(left) == before


def test_no_journal_and_one_too_many(folder: Path, tmp_path: Path):
    for write in (True, False):
        with pytest.raises(JournalNotFound, match="no journal"):
            Journal.open(tmp_path, write=write)
    assert list(tmp_path.iterdir()) == [folder], "looking for a journal leaves nothing behind"
    before = contents(folder)
    with pytest.raises(JournalError, match="holds a journal already"):
        Journal.create(folder)
    assert contents(folder) == before
    (folder / FILE).rename(folder / f"{FILE}-wal")
    with pytest.raises(JournalError, match="or a part of one"):
        Journal.create(folder)


def test_a_driver_killed_while_making_a_journal_does_not_stop_the_next(tmp_path: Path):
    (tmp_path / "new.sqlite").write_bytes(b"half a journal")
    (tmp_path / "new.sqlite-journal").write_bytes(b"and more")
    with Journal.create(tmp_path) as journal:
        journal.append("noted", {})
    verify(tmp_path)


@pytest.mark.parametrize("header_written", [False, True])
def test_a_driver_killed_while_switching_the_wal_stops_neither_readers_nor_drivers(folder: Path, header_written: bool):
    # the roll-back journal of that moment: sqlite.org/fileformat2.html, section 3; the first page is all that is in it
    data = bytearray((folder / FILE).read_bytes())
    size = int.from_bytes(data[16:18], "big")
    checksum = sum(data[place] for place in range(size - 200, 0, -200))
    head = [1, 0, len(data) // size, 512, size]  # records, nonce, pages, sector, page
    journal = bytes.fromhex("d9d505f920a163d7") + b"".join(number.to_bytes(4, "big") for number in head)
    record = (1).to_bytes(4, "big") + data[:size] + checksum.to_bytes(4, "big")
    (folder / f"{FILE}-journal").write_bytes(journal.ljust(512, b"\0") + record)
    if header_written:
        data[18:20] = b"\2\2"
        (folder / FILE).write_bytes(data)
    before = contents(folder)
    verify(folder)
    assert contents(folder) == before
    with Journal.open(folder) as driver:
        assert len(list(driver.events())) == 7
        driver.append("noted", {})
    assert list(contents(folder)) == [FILE]
    verify(folder)


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    for use in (Journal.create, Journal.open):
        with pytest.raises(JournalError, match="file"):
            use(tmp_path / "file" / "sub")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(JournalError, match="loop"):
        Journal.create(loop)


def test_one_driver_at_a_time(folder: Path):
    with Journal.open(folder) as journal:
        for second in (Journal.open, Journal.create):
            with pytest.raises(JournalBusy, match=f"process {os.getpid()} on "):
                second(folder)
        journal.append("noted", {})
    with Journal.open(folder) as journal:
        assert len(list(journal.events())) == 8


def test_a_driver_that_could_not_open_leaves_the_lock(folder: Path):
    good = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(b"")
    with pytest.raises(JournalCorrupted):
        Journal.open(folder)
    (folder / FILE).write_bytes(good)
    Journal.open(folder).close()


def test_a_reader_follows_drivers_that_come_and_go(folder: Path):
    with Journal.open(folder, write=False) as reader:
        assert len(list(reader.events())) == 7
        for n in range(8, 11):
            with Journal.open(folder) as driver:
                driver.append("noted", {"n": n})
                assert reader.head == driver.head
                reader.verify()
            assert [event.seq for event in reader.events()] == list(range(1, n + 1))
            with copy_of(folder) as alone:  # the reader keeps the WAL from going, not from being emptied
                verify(alone, head=reader.head)


def test_a_closed_journal_is_one_file(folder: Path):
    assert sorted(path.name for path in folder.iterdir()) == ["driver.lock", FILE]
    with copy_of(folder) as other, Journal.open(other, write=False) as journal:
        assert len(list(journal.events())) == 7
        journal.verify()
        assert list(contents(other)) == [FILE]


def test_closing_twice_is_closing_once_and_closed_is_closed(folder: Path):
    journal = Journal.open(folder)
    journal.close()
    with Journal.open(folder):
        journal.close()
        with pytest.raises(JournalBusy):
            Journal.open(folder)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        journal.append("noted", {})


def test_a_reader_cannot_write(folder: Path):
    before = contents(folder)
    with Journal.open(folder, write=False) as reader:
        with pytest.raises(JournalReadOnly, match="readonly"):
            reader.append("noted", {})
        with pytest.raises(JournalReadOnly, match="readonly"):
            reader.put(b"x")
    assert contents(folder) == before


def test_a_read_only_folder_can_be_read_and_is_not_written(folder: Path, frozen: Callable[[Path], None]):
    frozen(folder)
    before = contents(folder)
    verify(folder)
    with pytest.raises(JournalReadOnly, match="cannot be opened or written"):
        Journal.open(folder)
    with pytest.raises(JournalReadOnly, match="cannot be opened or written"):
        Journal.create(folder / "sub")
    assert contents(folder) == before


@pytest.mark.parametrize("without_wal", [False, True])
def test_what_a_killed_driver_left_is_read_in_a_read_only_folder(
    folder: Path, tmp_path: Path, frozen: Callable[[Path], None], without_wal: bool
):
    left = tmp_path / "left"
    with Journal.open(folder) as journal:
        journal.append("noted", {})
        shutil.copytree(folder, left)
    if without_wal:  # somebody copied the one file out of a campaign under way
        for suffix in ("-wal", "-shm"):
            (left / f"{FILE}{suffix}").unlink()
    frozen(left)
    before = contents(left)
    with Journal.open(left, write=False) as journal:
        assert len(list(journal.events())) == (7 if without_wal else 8)
        journal.verify()
    assert contents(left) == before


def test_reading_the_one_file_of_a_campaign_under_way_creates_no_other(folder: Path):
    with Journal.open(folder) as journal:
        journal.append("noted", {})
        with copy_of(folder) as other:
            verify(other)
            assert list(contents(other)) == [FILE]


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """What a quota does: the kernel refuses to let a file of this process grow on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_an_event_that_does_not_fit_is_not_there_and_nothing_else_is_lost(folder: Path):
    with Journal.open(folder) as journal:
        head = journal.head
        with no_file_larger_than(100_000):
            with pytest.raises(JournalReadOnly, match="cannot be opened or written"):
                journal.append("noted", {"text": "x" * 200_000})
            with pytest.raises(JournalReadOnly, match="cannot be opened or written"):
                journal.put(bytes(200_000))
        assert journal.head == head
        journal.verify()
        journal.append("noted", {"text": "x" * 200_000})
    with Journal.open(folder) as journal:
        assert len(list(journal.events())) == 8

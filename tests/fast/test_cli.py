"""The command line without simulators: what it loads, accepts, refuses and shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from dure import cli, i18n
from dure.cli import doctor as doctors
from dure.cli.face import COMMANDS
from dure.cli.options import LIMIT, SETTING, new_folder, refuse_foreign
from dure.errors import InputError
from dure.problem import find
from tests.fast.bowls import BOWL

DURE = [sys.executable, "-c", "from dure.cli import main; main()"]

Dure = Callable[..., tuple[int, str, str]]


@pytest.fixture
def dure(capsys: pytest.CaptureFixture[str]) -> Dure:
    """``dure("list", "--json")`` gives exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main([str(one) for one in arguments])
        shown = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, shown.out, shown.err

    return call


@pytest.fixture
def bowl(tmp_path: Path) -> Path:
    file = tmp_path / "bowl.py"
    file.write_text(BOWL)
    return file


def width(text: str) -> int:
    """Terminal columns: East Asian wide letters take two (Unicode annex 11)."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


# ------------------------------------------------------------------------------------------------------------- help
def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom dure.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n"
        "    print(end.code, *sorted({m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    last = done.stdout.splitlines()[-1].split()
    assert last[0] == "0"
    assert not {"numpy", "scipy", "torch", "botorch", "pint", "pybamm", "casadi", "matplotlib", "pandas", "rich"} & set(last)
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_help_pages_fit_80_columns_and_speak_one_language(language: str):
    pages = [[], *([name] for name in COMMANDS), ["pool", "generate"]]
    code = (
        "import sys, json\nfrom dure.cli import main\n"
        "for page in json.loads(sys.argv[1]):\n"
        "    try:\n        main([*page, '--help'])\n    except SystemExit as end:\n        assert end.code == 0, page\n"
    )
    environment = os.environ | {"DURE_LANG": language, "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(pages)], env=environment, capture_output=True, text=True, check=True
    )
    assert max(map(width, done.stdout.splitlines())) <= 80
    english = ("Usage:", "Options:", "Commands:", "Show this message and exit.", "Print one JSON object")
    assert [text for text in english if (text in done.stdout) == (language != "en")] == []


def test_wrong_use_is_explained_in_korean_by_click_too():
    environment = os.environ | {"DURE_LANG": "ko"}
    wrong = {"verify": "인수가 없습니다", "verify x --jsn": "옵션은 없습니다", "lst": "혹시 list"}
    for arguments, said in wrong.items():
        done = subprocess.run([*DURE, *arguments.split()], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert said in done.stderr
        assert "Error" not in done.stderr
        assert done.stdout == ""


def spoken(catalogue: Catalog) -> dict[str, str]:
    """Translations by the first form of what is translated; click's Korean has no plural."""
    return {one.id if isinstance(one.id, str) else one.id[0]: "".join(one.string) for one in catalogue if one.id}


def test_clicks_catalogue_has_clicks_own_messages_compiled():
    folder = Path(i18n.__file__).parent / "locale/ko/LC_MESSAGES"
    with (folder / "click.po").open("rb") as file:
        source = [entry.id for entry in read_po(file) if entry.id]
    with (folder / "click.po").open("rb") as file, (folder / "click.mo").open("rb") as compiled:
        assert spoken(read_po(file)) == spoken(read_mo(compiled))
    said = "".join(file.read_text("utf-8") for file in Path(click.__file__).parent.glob("*.py"))
    texts = [text for entry in source for text in ([entry] if isinstance(entry, str) else entry)]
    assert [text for text in texts if f'"{text}"' not in said] == []


# ------------------------------------------------------------------------------------------------ what is asked for
def test_list_and_show_say_what_the_registry_has(dure: Dure, bowl: Path):
    code, output, _ = dure("list", "--json")
    listed = json.loads(output)
    assert code == 0
    assert "energy/fast-charge" in [one["name"] for one in listed["problems"]]
    assert listed["broken"] == []
    code, output, _ = dure("show", bowl, "--json")
    assert (code, json.loads(output)) == (0, find(str(bowl)).describe())
    code, output, _ = dure("show", bowl)
    assert code == 0
    for stated in ("Where is the bottom?", "-1 – 1", "minimise (m)", "≥ 0", "slack = 0.4", "14 runs"):
        assert stated in output


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        (["show", "energy/fast-charg"], "UnknownName", "energy/fast-charge"),
        (["run", "fast-charge"], "UnknownName", "energy/fast-charge"),
        (["rum", "energy/fast-charge"], "UnknownName", "run"),
        (["run", "BOWL", "--setting", "deph=0.3"], "UnknownName", "depth"),
        (["run", "BOWL", "--setting", "depth=deep"], "ValueRefused", "depth"),
        (["run", "BOWL", "--setting", "depth=2"], "ValueRefused", "[0, 1]"),
        (["run", "BOWL", "--setting", "depth"], "BadParameter", "NAME=VALUE"),
        (["run", "BOWL", "--limit", "slak=0.3"], "UnknownName", "slack"),
        (["run", "BOWL", "--limit", "height=0.3"], "ValueRefused", "objective"),
        (["run", "BOWL", "--limit", "slack=1:2"], "ValueRefused", "one limit"),
        (["run", "BOWL", "--limit", "slack=low"], "BadParameter", "NAME=NUMBER"),
        (["run", "BOWL", "--limits", "fare"], "UnknownName", "far"),
        (["run", "BOWL", "--strategy", "sobool"], "UnknownName", "sobol"),
        (["run", "BOWL", "--prior", "mine"], "UnknownName", "none"),
        (["run", "BOWL", "--runs", "-3"], "PlanError", "-3"),
        (["run", "BOWL", "--runs", "3", "--cost", "9"], "UsageError", "--cost"),
        (["run", "BOWL", "--strategy", "sobol", "--data", "no.csv"], "InputError", "no.csv"),
        (["run", "no.py"], "InputError", "no.py"),
        (["resume", "nowhere"], "JournalNotFound", "nowhere"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(
    dure: Dure, bowl: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], kind: str, said: str
):
    monkeypatch.chdir(bowl.parent)
    given = [str(bowl) if one == "BOWL" else one for one in arguments]
    code, output, errors = dure(*given)
    assert (code, output) == (2, "")
    assert said in errors
    assert "Traceback" not in errors
    code, output, errors = dure(*given, "--json")
    assert code == 2
    refusal = json.loads(output)
    assert refusal.keys() == {"error"}
    assert refusal["error"]["kind"] == kind
    assert said in refusal["error"]["message"]
    assert [one.name for one in bowl.parent.iterdir() if one.name != "__pycache__"] == ["bowl.py"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("real(-1, 1)", "real(1, -1)"), "Point.x"),
        (('minimise(unit="m")', 'minimise(unit="mm/parsek/furlong2x")'), "Value.height"),
        (("slack: float = at_least(0.0)", "slack: float = 0.0"), "Value.slack"),
        (("Point(x=0.5, y=0.5)", "Point(x=5, y=0.5)"), "Point.x = 5"),
        (("class Value:", "class Value"), "expected ':'"),
        (("runs=14", "runs=1/0"), "ZeroDivisionError"),
        (("from dure import", "from durr import"), "durr"),
        (('"far": {"slack": 0.4}', '"far": {"slac": 0.4}'), "slack"),
    ],
)
def test_an_error_in_a_problem_file_points_at_its_line(dure: Dure, bowl: Path, change: tuple[str, str], said: str):
    assert change[0] in BOWL
    bowl.write_text(BOWL.replace(*change, 1))
    # a field that is not declared is only known by its class
    mark = "class Value:" if said == "Value.slack" else change[1]
    wrong = next(number for number, line in enumerate(bowl.read_text().splitlines(), 1) if mark in line)
    code, _, errors = dure("run", bowl)
    assert code == 2
    assert said in errors
    file, line = errors.removeprefix("Error: ").split(":")[:2]
    assert file == str(bowl)
    # a statement over several lines is named by one of its own: the call's first, or the argument's
    assert abs(int(line) - wrong) <= 1


def test_what_a_problem_file_prints_stays_out_of_the_json(dure: Dure, bowl: Path):
    bowl.write_text(f'print("hello from the file")\n{BOWL}')
    code, output, errors = dure("show", bowl, "--json")
    assert (code, json.loads(output)["name"]) == (0, "mine/bowl")
    assert "hello from the file" in errors


def test_an_output_without_the_letters_still_gets_the_rest(bowl: Path):
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "DURE_LANG": "ko"}
    for more in ([], ["--json"]):
        done = subprocess.run([*DURE, "show", str(bowl), *more], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == "mine/bowl"


def test_an_unexpected_error_is_one_sentence_unless_asked(dure: Dure, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dure.cli.problems.find", lambda _name: 1 / 0)
    code, output, errors = dure("show", "x")
    assert (code, output) == (1, "")
    assert errors.count("\n") == 1
    assert "ZeroDivisionError" in errors
    monkeypatch.setenv("DURE_DEBUG", "1")
    assert "Traceback" in dure("show", "x")[2]
    code, output, _ = dure("show", "x", "--json")
    assert (code, json.loads(output)["error"]["kind"]) == (1, "ZeroDivisionError")


def test_a_missing_package_is_bad_input_and_names_the_doctor(dure: Dure, bowl: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(bowl.parent)
    monkeypatch.delitem(sys.modules, "dure.strategy.structured", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    code, _, errors = dure("run", bowl)
    assert code == 2
    assert "torch is not installed" in errors
    assert "dure doctor" in errors


# -------------------------------------------------------------------------------------------------------- dure new
def test_new_writes_a_problem_that_works_and_never_overwrites(dure: Dure, tmp_path: Path):
    for kind in ([], ["--program"]):
        file = tmp_path / f"beam{len(kind)}.py"
        assert dure("new", file.with_suffix(""), *kind)[0] == 0
        assert len(file.read_text().splitlines()) <= 36
        written = file.read_bytes()
        code, _, errors = dure("new", file, *kind)
        assert code == 2
        assert str(file) in errors
        assert file.read_bytes() == written
        problem = find(str(file))
        assert problem.name == f"mine/{file.stem}"
        answer = problem.answer(problem.starts[0], problem.make_setting({}), fidelity="full", seed=0)
        # Euler-Bernoulli: an end load F bends a cantilever by F L^3 / (3 E I), I = b h^3 / 12; F = 1 kN, L = 1 m, E = 70 GPa
        assert answer.outcome.bend == pytest.approx(1e3 * 1.0 / (3 * 70e9 * 0.05 * 0.1**3 / 12) * 1e3, rel=1e-4)
        # 2,700 kg/m3 (aluminium) times 1 m x 50 mm x 100 mm
        assert answer.outcome.mass == pytest.approx(2700 * 0.05 * 0.1, rel=1e-4)


def test_new_refuses_names_and_folders_that_cannot_be(dure: Dure, tmp_path: Path):
    for name in ("Beam", "my beam", "balk€"):
        assert dure("new", tmp_path / name)[0] == 2
    assert list(tmp_path.iterdir()) == []
    assert dure("new", tmp_path / "new-folder" / "beam")[0] == 0


# ------------------------------------------------------------------------------------------------ options, folders
@given(name=st.from_regex(r"[a-z_]{1,9}", fullmatch=True), value=st.floats(allow_nan=False), other=st.floats(allow_nan=False))
def test_pairs_are_read_as_they_are_written(name: str, value: float, other: float):
    assert SETTING.convert(f"{name}={value}", None, None) == (name, str(value))
    assert LIMIT.convert(f"{name}={value!r}", None, None) == (name, value)
    assert LIMIT.convert(f" {name} = {value!r}:{other!r}", None, None) == (name, (value, other))


@pytest.mark.parametrize("text", ["", "=", "a", "a=", "=1", "a=1:2:3", "a=b", "a=1:"])
def test_what_is_no_limit_is_refused(text: str):
    with pytest.raises(click.BadParameter, match="NAME="):
        LIMIT.convert(text, None, None)


def test_folders_are_new_or_hold_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda _form: "20261122-120000")
    first = new_folder("energy/fast-charge")
    assert first == Path("runs/energy-fast-charge-20261122-120000")
    first.mkdir(parents=True)
    second = new_folder("energy/fast-charge")
    assert second.parent == first.parent
    assert not second.exists()
    refuse_foreign(first)
    (first / "report.html").write_text("somebody's own")
    with pytest.raises(InputError, match=r"report\.html"):
        refuse_foreign(first)
    with pytest.raises(InputError, match="file"):
        refuse_foreign(first / "report.html")
    (first / "journal.sqlite").touch()
    refuse_foreign(first)


# ------------------------------------------------------------------------------------------------------ dure doctor
def test_doctor_names_the_command_that_installs_what_is_missing(dure: Dure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    real = doctors.importlib.util.find_spec
    monkeypatch.setattr(doctors.importlib.util, "find_spec", lambda name: None if name in {"pybamm", "pandas"} else real(name))
    monkeypatch.setenv("DURE_DATA", str(tmp_path / "nowhere"))
    code, output, _ = dure("doctor", "--json", "--out", tmp_path)
    said = json.loads(output)
    found = {one["name"]: one for one in said["findings"]}
    assert (code, said["ok"]) == (1, False)
    assert not found["energy"]["ok"]
    assert "make setup" in found["energy"]["fix"]
    assert found["energy"]["needed"]
    assert not found["tables"]["needed"]
    assert str(tmp_path / "nowhere") in found["DURE_DATA"]["found"]
    monkeypatch.setattr(doctors.importlib.util, "find_spec", real)
    code, output, _ = dure("doctor", "--json", "--out", tmp_path)
    assert (code, json.loads(output)["ok"]) == (0, True)


@pytest.mark.parametrize(("kind", "local"), [("ext4", True), ("nfs4", False), ("lustre", False), ("fuse.sshfs", False)])
def test_doctor_knows_disks_that_are_not_here(
    dure: Dure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, local: bool
):
    class Mount:
        def __init__(self, mountpoint: str, fstype: str) -> None:
            self.mountpoint, self.fstype = mountpoint, fstype

    mounts = [Mount("/", "ext4"), Mount(str(tmp_path), kind), Mount("/elsewhere", "nfs")]
    monkeypatch.setattr(doctors.psutil, "disk_partitions", lambda all: mounts)
    _, output, _ = dure("doctor", "--json", "--out", tmp_path / "not" / "there" / "yet")
    found = {one["name"]: one for one in json.loads(output)["findings"]}
    assert (found["filesystem"]["ok"], found["filesystem"]["found"]) == (local, kind)

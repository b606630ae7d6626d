"""Problems are found by name through entry points, or by the path of their file; faults of others are told, not suffered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dure.errors import InputError, ProblemError, UnknownName
from dure.problem import citation_text, find, names, registered
from dure.problem.citations import check_citations
from tests.fast.sites import Site, nothing_else_installed

FILE = """
from dure import Problem, design, minimise, outcome, real

@design
class Box:
    width: float = real(0.0, 1.0)

@outcome
class Weighed:
    weight: float = minimise()

problem = Problem(name="{name}", version="1", question="How light?", design=Box, outcome=Weighed,
                  simulate=lambda box: Weighed(weight=box.width))
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with nothing_else_installed(tmp_path, monkeypatch):
        yield Site(tmp_path, "dure.problems")


def test_an_installed_package_brings_its_problems(site: Site):
    site.install("goodpack", {"toy/box": "goodpack_box:problem"}, goodpack_box=FILE.format(name="toy/box"))
    assert "toy/box" in names()
    assert find("toy/box").name == "toy/box"
    assert find("toy/box").source == (site.folder / "goodpack_box.py").resolve()


def test_two_packages_that_register_one_name_are_both_named(site: Site):
    site.install("firstpack", {"toy/box": "firstpack_box:problem"})
    site.install("otherpack", {"toy/box": "otherpack_box:problem"})
    for ask in (names, registered, lambda: find("toy/box")):
        with pytest.raises(ProblemError, match="toy/box") as error:
            ask()
        assert "firstpack" in str(error.value)
        assert "otherpack" in str(error.value)
        assert "uninstall one" in str(error.value)


def test_the_same_module_from_two_packages_is_a_clash_too(site: Site):
    site.install("firstpack", {"toy/box": "shared_box:problem"})
    site.install("otherpack", {"toy/box": "shared_box:problem"})
    with pytest.raises(ProblemError, match="otherpack"):
        names()


def test_one_package_found_twice_on_the_path_is_no_clash(
    site: Site, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    again = Site(tmp_path_factory.mktemp("again"), "dure.problems")
    monkeypatch.syspath_prepend(str(again.folder))
    for place in (site, again):
        place.install("goodpack", {"toy/box": "goodpack_box:problem"}, goodpack_box=FILE.format(name="toy/box"))
    assert names().count("toy/box") == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import no_such_simulator", "ModuleNotFoundError.*no_such_simulator"),
        ("raise SystemExit('goodbye')", "SystemExit.*goodbye"),
        ("problem = 3", "not a Problem named 'toy/broken'"),
        (FILE.format(name="toy/other"), "not a Problem named 'toy/broken'"),
        (
            FILE.format(name="toy/broken").replace("real(0.0, 1.0)", "real(1.0, 0.0)"),
            r"broken_box.py:6: Box.width: range \[1.0, 0.0\]",
        ),
        ("", "AttributeError.*problem"),
    ],
)
def test_a_broken_package_is_told_and_the_others_load(site: Site, text: str, says: str):
    site.install("brokenpack", {"toy/broken": "broken_box:problem"}, broken_box=text)
    site.install("goodpack", {"toy/box": "goodpack_box:problem"}, goodpack_box=FILE.format(name="toy/box"))
    problems, broken = registered()
    assert "toy/box" in [problem.name for problem in problems]
    (fault,) = [one for one in broken if one.name == "toy/broken"]
    assert "brokenpack" in fault.source
    with pytest.raises(ProblemError, match=says) as error:
        find("toy/broken")
    assert str(error.value) == fault.reason


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="energy/fast-charge"):
        find("energy/fastcharge")


def test_a_file_is_found_by_its_path_and_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "box.py").write_text(FILE.format(name="mine/box") + "again = problem\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert find("./box.py") is find(str(tmp_path / "box.py"))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("gone.py", None, "does not exist"),
        ("empty.py", "", "holds 0 problems; .* problem = Problem"),
        ("two.py", FILE.format(name="a/one") + FILE.format(name="a/two").replace("problem =", "other ="), "holds 2 problems"),
        ("odd.py", "\0", "odd.py"),
    ],
)
def test_a_file_without_exactly_one_problem_is_refused(tmp_path: Path, name: str, text: str | None, says: str):
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        find(str(tmp_path / name))


def test_two_files_of_one_name_are_two_problems(tmp_path: Path):
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "box.py").write_text(FILE.format(name=f"mine/{folder}"), encoding="utf-8")
    assert [find(str(tmp_path / folder / "box.py")).name for folder in ("first", "second")] == ["mine/first", "mine/second"]


def test_a_citation_names_author_year_title_and_doi():
    # references.bib; Kennedy and O'Hagan, Biometrika 87 (2000) 1-13
    assert citation_text("Kennedy2000") == (
        "Kennedy and O'Hagan (2000), Predicting the output from a complex computer code when fast approximations are available, "
        "Biometrika 87, https://doi.org/10.1093/biomet/87.1.1"
    )
    assert citation_text("Sulzer2021").startswith("Sulzer et al. (2021), Python Battery Mathematical Modelling (PyBaMM), ")
    assert citation_text("doi:10.1038/nature12373") == "https://doi.org/10.1038/nature12373"


@pytest.mark.parametrize("key", ["Kenedy2000", "kennedy2000", ""])
def test_an_unknown_citation_is_refused(key: str):
    with pytest.raises(UnknownName, match="citation"):
        check_citations([key])


@pytest.mark.parametrize("key", ["doi:", "doi:11.1038/x", "doi:10.1038", "doi:10.1038/with space"])
def test_what_is_no_doi_is_refused(key: str):
    with pytest.raises(ProblemError, match="not a DOI"):
        check_citations([key])

"""Records: what is said of them, which files they take, that they come back as they were, and how they are cited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bibtexparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.errors import InputError, VerificationFailed
from dure.record import FORMATS, KOGL, About, File, Person, Published, Record, check, check_head, check_path, licence, orcid, ror

pytestmark = pytest.mark.needs("idutils", "license_expression")

# Of real institutions and one person: MIT, Cambridge, Seoul National University, KAIST; ORCID's own example.
RORS = ("042nb2s44", "013meh722", "04h9pn542", "05apxxy63")
EXAMPLE = "0000-0002-1825-0097"
KIM = Person("Kim, Minji", EXAMPLE, "Seoul National University", "https://ror.org/04h9pn542")


def about(**said: Any) -> About:
    told: dict[str, Any] = {
        "kind": "dataset",
        "title": "A table",
        "description": "Of numbers.",
        "licence": "CC-BY-4.0",
        "creators": (KIM,),
    }
    return About(**told | said)


def record(**said: Any) -> Record:
    return Record(about(**said), (File("a.csv", "0" * 64, 4, "text/csv"),), (), "2026-11-26")


@pytest.mark.parametrize("given", RORS)
def test_a_ror_id_is_known_by_its_check_digits(given: str):
    assert ror(given) == ror(f"https://ror.org/{given}") == f"https://ror.org/{given}"
    wrong = given[:3] + ("b" if given[3] != "b" else "c") + given[4:]
    with pytest.raises(InputError, match="ROR"):
        ror(wrong)


def test_an_orcid_id_is_known_by_its_check_digit():
    assert orcid(EXAMPLE) == orcid(f"https://orcid.org/{EXAMPLE}") == f"https://orcid.org/{EXAMPLE}"
    for wrong in ("0000-0002-1825-0098", "1825", ""):
        with pytest.raises(InputError, match="ORCID"):
            orcid(wrong)


def test_licences_are_those_of_spdx_and_of_kogl():
    assert licence("cc-by-4.0").id == "CC-BY-4.0"
    assert licence("Apache-2.0 OR MIT").id == "Apache-2.0 OR MIT"
    assert [licence(one).id for one in KOGL] == [f"LicenseRef-KOGL-{number}" for number in (1, 2, 3, 4)]
    for wrong in ("", "free", "LicenseRef-KOGL-5", "CC-BY-4.0 AND nothing"):
        with pytest.raises(InputError, match=r"CC-BY-4\.0"):
            licence(wrong)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"title": " "}, "title"),
        ({"description": ""}, "description"),
        ({"licence": "mine"}, "SPDX"),
        ({"creators": ()}, "--creator"),
        ({"creators": (Person("Kim", orcid="1"),)}, "ORCID"),
        ({"kind": "thing"}, "campaign, dataset"),
        ({"derived_from": ("10.5281/zenodo.1",)}, "dure:"),
        ({"title": "x" * 301}, "300"),
        ({"title": "a\x00b"}, "control"),
    ],
)
def test_what_is_not_enough_to_publish_is_refused_with_the_fix(said: dict[str, Any], says: str):
    with pytest.raises(InputError, match=says):
        about(**said)


def test_a_title_is_the_same_however_its_syllables_were_typed():
    assert about(title="\u1112\u1161\u11ab\u1100\u1173\u11af").title == "한글"


@given(
    title=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(str.strip),
    path=st.sampled_from(["a.csv", "b/자료.parquet", "c.json"]),
    size=st.integers(0, 2**50),
)
@settings(max_examples=30)
def test_a_record_comes_back_from_json_as_it_was(title: str, path: str, size: int):
    made = Record(about(title=title), (File(path, "ab" * 32, size, check_path(path)),), (), "2026-11-26")
    again = Record.from_plain(json.loads(json.dumps(made.plain())))
    assert again == made
    assert again.sha256 == made.sha256


@pytest.mark.parametrize(
    "spoil",
    [
        lambda plain: plain["files"][0].update(path="../a.csv"),
        lambda plain: plain["files"][0].update(sha256="zz"),
        lambda plain: plain["files"][0].update(bytes=-1),
        lambda plain: plain["files"][0].update(format="text/html"),
        lambda plain: plain["files"].append(dict(plain["files"][0], path="A.csv")),
        lambda plain: plain["files"].clear(),
        lambda plain: plain["about"].update(more=1),
        lambda plain: plain["about"].update(title=7),
        lambda plain: plain["about"].pop("licence"),
        lambda plain: plain["about"].update(creators=[{"nom": "x"}]),
        lambda plain: plain.update(outcomes=[{"name": "mass", "value": float("inf"), "unit": ""}]),
        lambda plain: plain.update(format=2),
        lambda plain: plain.update(made="yesterday"),
    ],
)
def test_what_a_stranger_altered_is_no_record(spoil: Any):
    plain = json.loads(json.dumps(record().plain()))
    spoil(plain)
    with pytest.raises(InputError):
        Record.from_plain(plain)


@given(
    path=st.one_of(
        st.text(max_size=30), st.lists(st.sampled_from(["..", ".", "", "a", "b.csv", "c\\d.csv", "~"]), max_size=5).map("/".join)
    )
)
def test_no_path_leads_out_of_a_record(path: str):
    root = Path("/records/here")
    try:
        check_path(path)
    except InputError:
        return
    assert (root / path).resolve().is_relative_to(root)
    assert (root / path).resolve() != root


@pytest.mark.parametrize("ending", sorted(FORMATS))
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_refused_under_any_name(ending: str, protocol: int):
    with pytest.raises(InputError, match=r"pickle|not what its name says"):
        check_head(f"model{ending}", b"\x80" + bytes([protocol]) + b"cos\nsystem\n")


@pytest.mark.parametrize("length", [0x280, 0x380, 0x480, 0x580, 0x1280])
def test_safetensors_whose_length_begins_as_a_pickle_does_are_no_pickle(length: int):
    """The format begins with the length of its header in eight bytes, the lowest first, and pads the header with spaces."""
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(length)
    check_head("model.safetensors", (length.to_bytes(8, "little") + header + bytes(4))[:4096])
    with pytest.raises(InputError, match=r"pickle|not what its name says"):
        check_head("model.safetensors", length.to_bytes(8, "little") + header[: length // 2])  # cut off


@pytest.mark.parametrize(
    "head",
    [
        b"\x80\x02U\x05\0\0\0\0{0cposix\nsystem\n(S'true'\ntR.".ljust(4096),  # a pickle whose first eight bytes are a length
        b"\x80\x02\0\0\0\0\0\0" + b'{"0cposix\nsystem\n'.ljust(0x280),
        (3000).to_bytes(8, "little") + b'{"a":' + b"[" * 2995,  # too deep to be read
    ],
)
def test_what_only_begins_as_safetensors_do_is_refused(head: bytes):
    with pytest.raises(InputError):
        check_head("model.safetensors", head)


@pytest.mark.parametrize("path", ["m.pkl", "m.pt", "m.npy", "m.joblib", "m.py", "m.zip", "m", "m.exe", "m.sh"])
def test_kinds_that_are_not_listed_are_refused(path: str):
    with pytest.raises(InputError, match="safetensors"):
        check_path(path)


def test_korean_text_cut_in_the_middle_of_a_letter_is_still_text():
    head = ("가" * 3000).encode()[:4096]
    check_head("a.csv", head)
    with pytest.raises(InputError):
        check_head("a.csv", head[:2000] + b"\xff" + head[2001:])


@pytest.mark.needs("rocrate", "mlcroissant", "pyarrow")
def test_a_table_becomes_a_record_and_every_altered_byte_is_found(tmp_path: Path):
    from dure.record import make

    source = tmp_path / "table.csv"
    source.write_text("temperature,yield\n300,0.5\n310,0.6\n", encoding="utf-8")
    describe = tmp_path / "about.toml"
    describe.write_text(
        'title = "Yields"\ndescription = "Measured."\nlicence = "LicenseRef-KOGL-1"\n'
        '[[creators]]\nname = "Kim, Minji"\n[[columns]]\nfile = "table.csv"\nname = "temperature"\nunit = "K"\n',
        encoding="utf-8",
    )
    folder = tmp_path / "record"
    made = make(source, folder, describe=describe, said={"title": "Yields, measured"})
    assert made.about.title == "Yields, measured"
    assert [(one.name, one.unit) for one in made.about.columns] == [("temperature", "K"), ("yield", "")]
    assert {one.path for one in made.files} == {"table.csv", "croissant.json", "ro-crate-metadata.json"}
    assert check(folder) == made
    for one in made.files:
        kept = (folder / one.path).read_bytes()
        (folder / one.path).write_bytes(kept[:-2] + b" " + kept[-1:])
        with pytest.raises(VerificationFailed, match=one.path):
            check(folder)
        (folder / one.path).unlink()
        with pytest.raises(VerificationFailed, match=one.path):
            check(folder)
        (folder / one.path).write_bytes(kept)
    with pytest.raises(InputError, match="not empty"):
        make(source, folder, describe=describe)


def test_a_citation_names_who_when_what_which_and_where():
    cited = Published(
        about(title="50% & more_"), "dure:0123456789ab/v2", "https://hub/records/0123456789ab/v2", "Hub", "2026-11-26"
    )
    assert cited.text() == (
        "Kim, Minji (2026): 50% & more_. Version 2. Hub. Dataset. dure:0123456789ab/v2. https://hub/records/0123456789ab/v2"
    )
    library = bibtexparser.parse_string(cited.bibtex())
    assert library.failed_blocks == []
    (entry,) = library.entries
    found = {name: field.value for name, field in entry.fields_dict.items()}
    assert (found["author"], found["year"], found["version"]) == ("Kim, Minji", "2026", "2")
    assert found["title"] == r"{50\% \& more\_}"

"""The record of a real campaign against the reference validators of its standards, offline."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slow.beams import finished

ROOT = Path(__file__).parents[2]
VALIDATOR = ROOT / ".venv-validators/bin/python"


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from dure.record import Person, make

    home = tmp_path_factory.mktemp("home")
    campaign = finished(home)
    said = {
        "licence": "CC-BY-4.0",
        "tags": ("beam", "보"),
        "creators": (Person("Kim, Minji", "0000-0002-1825-0097"), Person("Lee, J.")),
    }
    make(campaign, home / "record", said=said)
    return home / "record"


def _validated(folder: Path) -> dict[str, dict[str, object]]:
    import rocrate

    context = Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld"
    command = [str(VALIDATOR), str(ROOT / "tests/slow/validate_crate.py"), str(folder), str(context)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, dict[str, object]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.needs("rocrate", "validators")
def test_the_crate_passes_the_reference_validator_and_a_broken_one_does_not(record: Path, tmp_path: Path):
    found = _validated(record)
    assert {name: one["issues"] for name, one in found.items()} == {"ro-crate-1.1": [], "process-run-crate": []}
    assert all(int(str(one["checks"])) > 30 for one in found.values())
    broken = tmp_path / "broken"
    shutil.copytree(record, broken)
    crate = json.loads((broken / "ro-crate-metadata.json").read_text("utf-8"))
    crate["@graph"] = [one for one in crate["@graph"] if one["@type"] != "SoftwareApplication"]
    del next(one for one in crate["@graph"] if one["@id"] == "./")["license"]
    (broken / "ro-crate-metadata.json").write_text(json.dumps(crate), encoding="utf-8")
    assert all(one["issues"] for one in _validated(broken).values())


@pytest.mark.needs("mlcroissant", "pandas")
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")  # rdflib's own business with itself
def test_the_reference_reader_of_croissant_reads_the_trials_to_the_last_digit(record: Path):
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=str(record / "croissant.json"))
    assert not dataset.metadata.issues.errors
    rows = list(dataset.records("trials.csv#rows"))
    with (record / "trials.csv").open(encoding="utf-8", newline="") as stream:
        written = list(csv.DictReader(stream))
    assert len(rows) == len(written) > 0
    for row, line in zip(rows, written, strict=True):
        assert row["trials.csv#mass"] == float(line["mass"])
        assert row["trials.csv#trial"].decode() == line["trial"]


@pytest.mark.needs("prov")
def test_provenance_is_prov_and_knows_every_attempt(record: Path):
    from prov.model import ProvActivity, ProvDocument, ProvGeneration

    document = ProvDocument.deserialize(str(record / "prov.json"), format="json")
    with (record / "trials.csv").open(encoding="utf-8", newline="") as stream:
        answered = sum(row["status"] == "answered" for row in csv.DictReader(stream))
    activities = list(document.get_records(ProvActivity))
    assert len(activities) == len(list(document.get_records(ProvGeneration))) == answered
    assert all(one.get_startTime() <= one.get_endTime() for one in activities)


@pytest.mark.needs("datacite")
def test_the_fields_of_datacite_keep_its_schema(record: Path):
    from datacite import schema45

    from dure.record import Published, read

    cited = Published(read(record).about, "dure:0123456789ab/v1", "https://hub/records/0123456789ab/v1", "Hub", "2026-11-26")
    fields = json.loads(cited.datacite())
    schema45.validator.validate(fields)
    del fields["titles"]
    assert not schema45.validator.is_valid(fields)


def test_a_reader_without_dure_can_take_it_apart(record: Path):
    """Nothing but the standard library: the crate lists every file with its hash, and the table opens."""
    code = (
        "import csv, hashlib, json, pathlib, sys\n"
        "graph = {one['@id']: one for one in json.loads(pathlib.Path('ro-crate-metadata.json').read_text('utf-8'))['@graph']}\n"
        "parts = [one['@id'] for one in graph['./']['hasPart']]\n"
        "assert all(hashlib.sha256(pathlib.Path(one).read_bytes()).hexdigest() == graph[one]['sha256'] for one in parts)\n"
        "assert 'trials.csv' in parts and len(list(csv.DictReader(open('trials.csv', encoding='utf-8')))) > 0\n"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=record, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

"""``dure report`` and ``dure verify``."""

from __future__ import annotations

from pathlib import Path

import click

from dure.cli.face import Done, as_json, command
from dure.cli.screen import console
from dure.i18n import _

__all__ = ["report", "verify"]

_folder = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))


@command("report", help=_("DIR is the campaign's folder. The same journal gives the same bytes."))
@_folder
@as_json
def report(*, folder: Path, as_json: bool) -> Done:
    """Write report.html, claims.json and results again."""
    from dure.campaign import task_of
    from dure.journal import Journal, fold
    from dure.problem import find
    from dure.report import summary, write_report

    page = write_report(folder).resolve()
    if not as_json:
        console().print(_("Report: {path}").format(path=page), soft_wrap=True)
    with Journal.open(folder, write=False) as journal:
        history = fold(journal.events())
    task = task_of(history, find(history.plan["reference"]))
    return Done({**summary(history, task), "folder": str(folder.resolve()), "report": str(page)})


@command(
    "verify",
    help=_(
        "DIR is the folder of a campaign or record. Checks a record's files against their hashes; of a campaign the chain of the "
        "journal, every claim, the report and the results. Changes nothing."
    ),
)
@_folder
@as_json
def verify(*, folder: Path, as_json: bool) -> Done:
    """Fail with what does not agree."""
    from dure.record import RECORD, check, is_campaign
    from dure.report import verify as check_campaign

    record = (folder / RECORD).is_file()
    if record:
        check(folder)
    if is_campaign(folder) or not record:
        checked = check_campaign(folder)
        reported = (folder / "report.html").is_file()
        said = _("Everything agrees: journal, claims, report and results.") if reported else " ".join(checked)
    else:
        said = _("Every file is as it was published.")
    if not as_json:
        console().print(said)
    return Done({"verified": True, "folder": str(folder.resolve())})

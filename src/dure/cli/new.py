"""``dure new``: a problem file that runs as it is, to be changed into one's own."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from string import Template

import click

from dure.cli.face import Done, as_json, command
from dure.cli.screen import console
from dure.errors import InputError
from dure.i18n import _

__all__ = ["new"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@command("new", help=_("NAME is the file to write; .py may be left out. The example in it runs as it is."))
@click.argument("name", type=click.Path(path_type=Path))
@click.option("--program", is_flag=True, help=_("The simulator is a command-line program instead of a Python function."))
@as_json
def new(*, name: Path, program: bool, as_json: bool) -> Done:
    """Write the example; nothing is overwritten."""
    file = name if name.suffix == ".py" else name.with_name(f"{name.name}.py")
    if not _NAME.fullmatch(file.stem):
        raise InputError(
            _("{name!r} cannot name a problem: use small letters, digits, - and _, such as my-beam").format(name=file.stem)
        )
    kind = "program" if program else "function"
    text = resources.files("dure.cli").joinpath("templates", f"{kind}.py.txt").read_text("utf-8")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(Template(text).substitute(name=f"mine/{file.stem}"))
    except FileExistsError:
        raise InputError(_("{file} is there already and was left as it is; choose another name").format(file=file)) from None
    if not as_json:
        console().print(_("Wrote {file}. Run it: dure run {file}").format(file=file), soft_wrap=True)
    return Done({"file": str(file.resolve())})

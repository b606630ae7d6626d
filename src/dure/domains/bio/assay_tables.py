"""Tables of assays as people keep them: which column is what, and what a cell says, whatever its signs and units."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dure.errors import InputError, MissingPart, ValueRefused
from dure.i18n import N_, _
from dure.problem.smiles import rdkit_quiet

__all__ = ["SUFFIXES", "Reader", "Told", "Unread", "rows_of"]

SUFFIXES = (".csv", ".tsv", ".txt", ".sdf", ".parquet")

_STRUCTURE = (
    "smiles",
    "canonicalsmiles",
    "isomericsmiles",
    "ligandsmiles",
    "structure",
    "molecule",
    "mol",
    "구조",
    "구조식",
    "분자",
)
_NAME = (
    *("name", "id", "compound", "compoundid", "compoundname", "compoundno", "moleculename", "moleculechemblid", "chemblid"),
    *("sample", "well", "이름", "화합물", "화합물번호", "화합물명", "시료", "시료번호", "번호"),
)
_LOGARITHMS = ("pic50", "pki", "pec50", "pkd", "pactivity", "pchemblvalue")
_CONCENTRATIONS = ("ic50", "ki", "ec50", "kd")
_OTHERS = ("activity", "result", "value", "standardvalue", "potency", "활성", "결과", "측정값", "값", "pvalue")
_BESIDE = re.compile(
    r"unit|relation|qualifier|type|단위|log|(?<![a-z])(sd|sem|se|std|dev|deviation|error|ci|n|hill|slope|count|comment|date)(?![a-z])"
)
"""Words of headings that stand beside a value's and are none."""
_UNIT = ("unit", "units", "standardunit", "standardunits", "단위")
_SIGNS = {"": 0, "=": 0, "~": 0, "≈": 0, ">": 1, ">=": 1, ">>": 1, "≥": 1, "<": -1, "<=": -1, "<<": -1, "≤": -1}
_SURPLUS = "\x1f"
"""Stands for the heading of cells beyond the last heading."""
_RELATION = ("relation", "qualifier", "operator", "standardrelation", "modifier", "부호")
_MOLAR = {
    f"{prefix}{sign}": 10.0**power
    for prefix, power in (("", 0), ("m", -3), ("u", -6), ("n", -9), ("p", -12))
    for sign in ("m", "mol/l")
}
NO_VALUE = N_("{text!r} is no value")
EITHER = N_("{text!r} may be {small} or {large}; write it without a comma")
UNLIKELY = N_("{text!r} is no {column}: these lie between {low} and {high}; a concentration belongs under IC50")
OTHER_UNIT = N_("{text!r} is in {unit} and others are in {plain}")
NOT_MOLAR = N_("{text!r} is in no molar unit; write nM, uM, mM or M beside it or in a column unit")
NOT_POSITIVE = N_("{text!r} is no concentration")
NO_SIGN = N_("{sign!r} is no relation; write one of =, <, <=, >, >=, ~")
TOO_MANY = N_("{text!r} stands beyond the last heading; put quotes around a cell that holds a comma")

_LIKELY = (-2.0, 16.0)
"""Between these lies minus the logarithm of any molar concentration that was ever measured."""

_SPACES = " \u00a0\u2009\u202f'"
_CELL = re.compile(
    rf"^\s*(?P<sign><=|>=|<<|>>|<|>|=|~|≈|≤|≥)?\s*(?P<number>[-+]?[\d.,](?:[\d.,{_SPACES}]*\d)?\.?(?:[eE][-+]?\d+)?)\s*(?P<unit>[A-Za-zµμ%]\S*)?\s*$"
)
_SPACED = re.compile(rf"[-+]?\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?:[.,]\d+)?(?:[eE][-+]?\d+)?")
_GROUP = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
"""One sign before three digits: of decimals or of thousands."""
_EMPTY = ("", "na", "n/a", "nan", "none", "null", "-", "nd", "n.d.", "not tested")


class Unread(ValueRefused):
    """A row that cannot be used: ``what`` with named places for ``numbers`` says why, in whatever language is spoken later."""

    def __init__(self, what: str, **numbers: str) -> None:
        super().__init__(_(what).format(**numbers))
        self.what, self.numbers = what, numbers


@dataclass(frozen=True)
class Told:
    """What a cell says: ``value`` is None where nothing was measured.

    ``qualifier`` is 1 where the true value is above ``value``, -1 where below; ``given`` is what stood there where it was
    converted, "" where it was not.
    """

    value: float | None
    qualifier: int = 0
    given: str = ""


@dataclass(frozen=True)
class Reader:
    """How one table is read: its headings by what stands under them, the unit that a heading names, and its decimal sign.

    ``concentration`` says that values are molar concentrations, ``logarithm`` that they are logarithms already, ``plain`` is the
    unit that most values have; ``comma`` whether a comma is the decimal sign, None where cells contradict each other or do not
    tell. ``beside`` reads the concentrations of a table whose logarithms are read: these are empty where only a bound is known.
    """

    smiles: str
    value: str
    name: str
    unit: str
    relation: str
    of_heading: str
    concentration: bool
    logarithm: bool
    plain: str
    comma: bool | None
    beside: Reader | None = None

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, str]], column: str, file: Path) -> Reader:
        """Find the columns of a table of at least one row; ``column`` is the value's where it is known.

        Raises:
            InputError: it has no column of structures or of values.
        """
        headings = [one for one in rows[0] if one != _SURPLUS]
        plain = {_plain(one): one for one in reversed(headings)}

        def first(names: Iterable[str]) -> str:
            return next((plain[name] for name in names if name in plain), "")

        smiles = first(_STRUCTURE)
        if not smiles:
            raise InputError(
                _('{file} has no column of structures among {columns}; name the one that holds them "SMILES"').format(
                    file=file, columns=", ".join(headings)
                )
            )
        if column and column not in headings:
            raise InputError(
                _("{file} has no column {column} for --setting column=...; it has {columns}").format(
                    file=file, column=column, columns=", ".join(headings)
                )
            )
        logarithm = first(_LOGARITHMS) or _naming(headings, _LOGARITHMS, file)
        molar = first(_CONCENTRATIONS) or ("" if logarithm else _naming(headings, _CONCENTRATIONS, file))
        value = column or logarithm or molar or first(_OTHERS)
        if not value:
            raise InputError(
                _("{file} has no column of values among {columns}; call one {known}, or say --setting column=NAME").format(
                    file=file, columns=", ".join(headings), known=", ".join(("pIC50", "IC50", "Ki", "activity"))
                )
            )
        names = smiles, first(_NAME), first(_UNIT), first(_RELATION)
        found = cls._over(rows, value, names, file)
        other = molar or (first(("standardvalue",)) if first(("standardunit", "standardunits")) else "")
        beside = cls._over(rows, other, names, file) if found.logarithm and other else None
        return replace(found, beside=beside if beside and beside.concentration else None)

    @classmethod
    def _over(cls, rows: Sequence[Mapping[str, str]], value: str, names: tuple[str, ...], file: Path) -> Reader:
        """How to read one column of values beside those of structures, names, units and relations."""
        smiles, name, unit, relation = names
        quantity, low = _quantity(value), value.lower()
        of_heading = _unit_of(value)
        negative = re.search(r"(?:[-−]|neg\w*|minus)\s*log", low)
        if re.search(r"log", low) and quantity in _CONCENTRATIONS and not negative:
            raise InputError(
                _(
                    "{file}: of {column} smaller is better, and which unit it has is not said; give pIC50, or IC50 with its unit"
                ).format(file=file, column=value)
            )
        logarithm = bool(negative or re.match(r"p[A-Z]|p_|log", value)) or quantity in _LOGARITHMS
        unit = unit or _column_of_units(rows, value, of_heading)
        cells = [one for one in (_CELL.match(row[value]) for row in rows) if one]
        units = [cell["unit"] or "" for cell in cells] + ([row[unit] for row in rows] if unit else []) + [of_heading]
        units = [one.strip() for one in units if one.strip()]
        return cls(
            smiles=smiles,
            value=value,
            name=name,
            unit=unit,
            relation=relation,
            of_heading=of_heading,
            concentration=not logarithm and (any(_molar(one) for one in units) or quantity in _CONCENTRATIONS),
            logarithm=logarithm,
            plain=Counter(units).most_common(1)[0][0] if units else "",
            comma=_comma([cell["number"] for cell in cells]),
        )

    def told(self, row: Mapping[str, str]) -> Told:
        """What a row says.

        Raises:
            Unread: it is no value, or one whose unit or decimal sign stays open.
        """
        if surplus := row.get(_SURPLUS):
            raise Unread(TOO_MANY, text=surplus)
        text = row[self.value].strip()
        stated = row.get(self.relation, "").strip(" '\"")
        if stated not in _SIGNS:
            raise Unread(NO_SIGN, sign=stated)
        if self.beside and (text.lower() in _EMPTY or _SIGNS[stated]):
            return self.beside.told(row)  # a relation speaks of the concentration, and the logarithm of a bound is left empty
        if text.lower() in _EMPTY:
            return Told(None)
        cell = _CELL.match(text.replace("−", "-"))
        if cell is None or (self.logarithm and cell["unit"]):
            raise Unread(NO_VALUE, text=text)
        number = _number(cell["number"], self.comma)
        sign = cell["sign"] or stated
        qualifier = _SIGNS[sign]
        unit = cell["unit"] or row.get(self.unit, "").strip() or self.of_heading
        if self.logarithm:
            if _quantity(self.value) in _LOGARITHMS and not _LIKELY[0] <= number <= _LIKELY[1]:
                low, high = map(str, _LIKELY)
                raise Unread(UNLIKELY, text=text, column=self.value, low=low, high=high)
            return Told(number, qualifier)
        if not self.concentration:
            if unit and unit != self.plain:
                raise Unread(OTHER_UNIT, text=text, unit=unit, plain=self.plain)
            return Told(number, qualifier)
        molar = _molar(unit)
        if molar is None:
            raise Unread(NOT_MOLAR, text=text)
        if number <= 0:
            raise Unread(NOT_POSITIVE, text=f"{text} {unit}")
        given = f"{sign if qualifier else ''}{number:g} {unit}"
        return Told(round(-math.log10(number * molar), 6), -qualifier, given)


def _plain(heading: str) -> str:
    """A heading without case, signs and unit: "IC50 (nM)" is "ic50"."""
    return re.sub(r"[^a-z0-9가-힣]", "", re.sub(r"[\(\[].*?[\)\]]", "", heading).lower())


def _quantity(heading: str) -> str:
    """The quantity that a heading names among other words, "IC50 EGFR" or "Ki_nM", else the heading in plain."""
    found = re.search(r"(?<![a-z])p?(?:ic50|ec50|ki|kd)(?![a-z0-9])", heading.lower())
    return found[0] if found else _plain(heading)


def _unit_of(heading: str) -> str:
    """The unit that a heading names in brackets, or at its end where it names a quantity as well."""
    named = re.search(r"[\(\[]\s*([^\)\]]+?)\s*[\)\]]", heading)
    if named is None and _quantity(heading) in (*_CONCENTRATIONS, "potency"):
        named = re.search(r"[_/,\s]([numpµμ]?M)$", heading)
    return named[1] if named else ""


def _naming(headings: Sequence[str], known: Sequence[str], file: Path) -> str:
    """The heading that names one of the known quantities among other words.

    Raises:
        InputError: there are several, and nobody said which.
    """
    found = [one for one in headings if _quantity(one) in known and not _BESIDE.search(one.lower())]
    if len(found) > 1:
        raise InputError(
            _("{file} has several columns of values, {columns}; say --setting column=NAME").format(
                file=file, columns=", ".join(found)
            )
        )
    return found[0] if found else ""


def _column_of_units(rows: Sequence[Mapping[str, str]], value: str, of_heading: str) -> str:
    """The column that names the value's quantity and "unit"; where the value's heading names no unit, one of units alone."""
    headings = [one for one in rows[0] if re.search(r"(?<![a-z])units?(?![a-z])|단위", one.lower())]
    if own := [one for one in headings if _quantity(one) == _quantity(value)]:
        return own[0]
    if _molar(of_heading):
        return ""
    for one in (*headings, *rows[0]):
        cells = [row[one].strip() for row in rows if row.get(one, "").strip()]
        if cells and all(_molar(cell) for cell in cells):
            return one
    return ""


def _molar(unit: str) -> float | None:
    return _MOLAR.get(re.sub("[µμ]", "u", unit.strip()).lower())


def _comma(numbers: Sequence[str]) -> bool | None:
    """Whether a comma is the decimal sign in a column, from the cells that can be read in one way only; None where in doubt."""
    said, pointed = set(), False
    for one in numbers:
        body = re.split("[eE]", one)[0].lstrip("+-")
        if "," in body and "." in body:
            said.add(body.rindex(",") > body.rindex("."))
        elif body.count(",") > 1 or body.count(".") > 1:
            said.add("." in body)
        elif "," in body and not _GROUP.fullmatch(body):
            said.add(True)
        elif "." in body and not _GROUP.fullmatch(body):
            said.add(False)
        pointed = pointed or "." in body
    if not said and pointed and not any("," in one for one in numbers):
        return False
    return said.pop() if len(said) == 1 else None


def _number(text: str, comma: bool | None) -> float:
    """A number with its thousands set apart by commas, points, spaces or not at all.

    Raises:
        Unread: its parts are no thousands, or its only comma may be either sign.
    """
    body = re.sub(f"[{_SPACES}]", "", text) if _SPACED.fullmatch(text) else text
    if comma is None and _GROUP.fullmatch(body.lstrip("+-")):
        raise Unread(EITHER, text=text, small=body.replace(",", "."), large=re.sub("[.,]", "", body))
    decimal = "," if comma or (comma is None and "." not in body) else "."
    apart = "." if decimal == "," else ","
    grouped = rf"[-+]?\d{{1,3}}(?:{re.escape(apart)}\d{{3}})+(?:{re.escape(decimal)}\d+)?"
    if apart in re.split("[eE]", body)[0] and not re.fullmatch(grouped, body):
        raise Unread(NO_VALUE, text=text)
    try:
        return float(body.replace(apart, "").replace(decimal, "."))
    except ValueError:
        raise Unread(NO_VALUE, text=text) from None


def rows_of(file: Path) -> list[tuple[str, dict[str, str]]]:
    """Where each row stands, and its cells as text by heading."""
    suffix = file.suffix.lower()
    if suffix == ".sdf":
        return _rows_of_sdf(file)
    if suffix == ".parquet":
        table = _table_of_parquet(file)
        return [(f"{file.name}:{number}", row) for number, row in enumerate(table, 1)]
    text = _text_of(file.read_bytes())
    try:
        dialect: Any = csv.Sniffer().sniff(text.partition("\n")[0], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    reader = csv.reader(io.StringIO(text, newline=""), dialect)
    headings = [one.strip() for one in next(reader, [])]
    if twice := sorted({one for one in headings if one and headings.count(one) > 1}):
        raise InputError(_("{file}: columns {names} stand there twice").format(file=file, names=", ".join(twice)))
    found = []
    for cells in reader:
        if any(cell.strip() for cell in cells):
            padded = [*cells, *[""] * (len(headings) - len(cells))]
            surplus = next((cell for cell in padded[len(headings) :] if cell.strip()), "")
            row = dict(zip(headings, padded, strict=False)) | {_SURPLUS: surplus}
            found.append((f"{file.name}:{reader.line_num}", row))
    return found


def _text_of(data: bytes) -> str:
    """A table's text without Excel's sep=: UTF-8 or 16, the code page of Korean Windows where headings are in it, or Latin."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp949", "replace")
            korean = [one for one in (*_STRUCTURE, *_NAME, *_OTHERS, *_UNIT) if not one.isascii()]
            if not any(one in text.partition("\n")[0] for one in korean):
                text = data.decode("latin-1")
    return text.partition("\n")[2] if text.startswith("sep=") else text


def _table_of_parquet(file: Path) -> list[dict[str, str]]:
    try:
        from pyarrow.parquet import read_table
    except ModuleNotFoundError:
        raise MissingPart(_('{table} needs pyarrow: pip install "dure[tables]"').format(table=file)) from None
    return [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in read_table(file).to_pylist()]


def _rows_of_sdf(file: Path) -> list[tuple[str, dict[str, str]]]:
    """Each record with its properties as cells, its structure as SMILES, its title as name; what RDKit cannot read has none."""
    with rdkit_quiet():
        from rdkit import Chem

        found = []
        try:
            records: Any = Chem.SDMolSupplier(str(file))
        except OSError:  # RDKit's word for a file without a record
            return []
        for number, one in enumerate(records, 1):
            properties = {} if one is None else {name.strip(): str(value) for name, value in one.GetPropsAsDict().items()}
            title = "" if one is None or not one.HasProp("_Name") else one.GetProp("_Name")
            structure = "" if one is None else str(Chem.MolToSmiles(one))
            found.append((f"{file.name}:{number}", ({"name": title} if title else {}) | properties | {"smiles": structure}))
    headings = dict.fromkeys(name for _where, row in found for name in row)
    return [(where, dict.fromkeys(headings, "") | row) for where, row in found]

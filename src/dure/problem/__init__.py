"""The language problems are written in, and the registry that finds them."""

from dure.problem.arrangement import Arranged, Arrangement, arrangement
from dure.problem.citations import citation_text
from dure.problem.classes import design, inputs_of, measures_of, outcome, setting, values_of
from dure.problem.fields import Choice, Field, Integer, Ordered, Real, choice, integer, ordered, real
from dure.problem.goals import Goal, Measure, at_least, at_most, maximise, minimise, reported, with_limits, within
from dure.problem.growing import bred, drawn
from dure.problem.held import Held
from dure.problem.ladder import Check, Fidelity, Noise, Rule, rule
from dure.problem.molecule import Molecule, molecule, tanimoto
from dure.problem.need import Need
from dure.problem.parts import Axis, Parts, Reduction, max_over, min_over, sum_over, weighted_over
from dure.problem.problem import NoSetting, Problem
from dure.problem.program import Program, json_file, program, text_values
from dure.problem.registry import find, lasting, names, registered
from dure.problem.replay import LABEL, RUNG, Replay
from dure.problem.sequence import Sequenced, sequence
from dure.problem.smiles import canonical, fingerprints, molecule_of
from dure.problem.space import Space
from dure.problem.table import Table, read_table
from dure.problem.theory import Theory
from dure.problem.tokens import Tokens
from dure.problem.trial import Trial
from dure.problem.views import Answer, Complex, Curve, Fan, Map, Sheet, View, view_of

__all__ = [
    "LABEL",
    "RUNG",
    "Answer",
    "Arranged",
    "Arrangement",
    "Axis",
    "Check",
    "Choice",
    "Complex",
    "Curve",
    "Fan",
    "Fidelity",
    "Field",
    "Goal",
    "Held",
    "Integer",
    "Map",
    "Measure",
    "Molecule",
    "Need",
    "NoSetting",
    "Noise",
    "Ordered",
    "Parts",
    "Problem",
    "Program",
    "Real",
    "Reduction",
    "Replay",
    "Rule",
    "Sequenced",
    "Sheet",
    "Space",
    "Table",
    "Theory",
    "Tokens",
    "Trial",
    "View",
    "arrangement",
    "at_least",
    "at_most",
    "bred",
    "canonical",
    "choice",
    "citation_text",
    "design",
    "drawn",
    "find",
    "fingerprints",
    "inputs_of",
    "integer",
    "json_file",
    "lasting",
    "max_over",
    "maximise",
    "measures_of",
    "min_over",
    "minimise",
    "molecule",
    "molecule_of",
    "names",
    "ordered",
    "outcome",
    "program",
    "read_table",
    "real",
    "registered",
    "reported",
    "rule",
    "sequence",
    "setting",
    "sum_over",
    "tanimoto",
    "text_values",
    "values_of",
    "view_of",
    "weighted_over",
    "with_limits",
    "within",
]

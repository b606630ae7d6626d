"""chip/synthesis: our own circuits compute what they say, recipes keep them equivalent, and failures have reasons."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("platformdirs", reason="pip install 'dure[chip]'")

from dure.domains.chip import synthesis
from dure.domains.chip.circuits import OWN, as_aiger, path_of
from dure.domains.chip.synthesis import PASSES, RESYN2, Circuit, Recipe, inputs_of_nodes, map_circuit, problem
from dure.errors import SimulationFailed, ValueRefused

pytestmark = pytest.mark.needs("yosys", "berkeley-abc")


def evaluated(circuit: str, **inputs: int) -> dict[str, int]:
    """Outputs of a Verilog circuit for one assignment of its inputs, by yosys's evaluator."""
    # Beyond 32 bits a plain decimal would be cut short.
    given = {name: str(value) if value < 2**31 else f"{32 if value < 2**32 else 64}'h{value:x}" for name, value in inputs.items()}
    sets = " ".join(f"-set {name} {text}" for name, text in given.items())
    script = f"read_verilog {path_of(circuit)}; hierarchy -auto-top; proc; opt; eval {sets}"
    text = subprocess.run(["yosys", "-p", script], capture_output=True, text=True, check=True).stdout
    return {name: int(bits, 2) for name, bits in re.findall(r"Eval result: \\(\w+) = \d+'([01]+)", text)}


def packed(numbers: list[int]) -> int:
    return sum(number << (4 * place) for place, number in enumerate(numbers))


@pytest.mark.parametrize(
    ("circuit", "inputs", "outputs"),
    [
        ("adder", {"a": 65535, "b": 1, "carry": 1}, {"sum": 65537}),
        ("multiplier", {"a": 201, "b": 57}, {"product": 11457}),
        ("priority_encoder", {"request": 2**41 + 2**7}, {"number": 41, "any": 1}),
        ("sorter", {"given": packed([9, 3, 15, 0, 7, 7, 1, 12])}, {"sorted": packed([0, 1, 3, 7, 7, 9, 12, 15])}),
        ("alu", {"a": 5, "b": 7, "operation": 1}, {"result": 254, "carry": 1, "zero": 0}),
        ("fir_tap", {"sample": 3, "coefficient": 50, "before": 1000}, {"after": 1150}),
    ],
)
def test_our_circuits_compute_what_their_first_line_says(circuit: str, inputs: dict[str, int], outputs: dict[str, int]):
    assert evaluated(circuit, **inputs) == outputs


def test_every_own_circuit_is_there_and_no_other():
    folder = Path(synthesis.__file__).parent / "circuits"
    assert {path.stem for path in folder.iterdir()} == set(OWN)


def test_a_random_recipe_is_proven_equivalent_and_has_no_more_gates_than_before():
    generator = np.random.default_rng(3)
    passes = generator.choice(PASSES, size=12).tolist()
    mapped, plain = (map_circuit(path_of("alu"), given) for given in (passes, ()))
    assert mapped.ands <= plain.ands


def test_the_exported_recipe_does_the_same_in_abc_alone(tmp_path: Path):
    recipe = Recipe(passes=RESYN2)
    measured = problem.answer(recipe, Circuit(), fidelity="lut6", seed=0).outcome
    (tmp_path / "recipe.abc").write_text(synthesis.export(recipe, Circuit(), measured)["recipe.abc"], encoding="utf-8")
    command = f"read {as_aiger(path_of('alu'))}; strash; source {tmp_path / 'recipe.abc'}; write_blif {tmp_path / 'out.blif'}"
    subprocess.run(["berkeley-abc", "-q", command], capture_output=True, check=True)
    inputs = inputs_of_nodes((tmp_path / "out.blif").read_text("utf-8"))
    assert sum(count >= 2 for count in inputs) == measured.luts


def test_the_exported_circuit_is_the_given_one_with_its_own_names(tmp_path: Path):
    (tmp_path / "circuit.blif").write_text(synthesis.export(Recipe(passes=RESYN2), Circuit(), None)["circuit.blif"], "utf-8")
    command = f"cec -n {as_aiger(path_of('alu'))} {tmp_path / 'circuit.blif'}"
    said = subprocess.run(["berkeley-abc", "-q", command], capture_output=True, check=True, text=True).stdout
    assert "Networks are equivalent" in said
    assert "operation[0]" in (tmp_path / "circuit.blif").read_text("utf-8")


NO_LOGIC = {
    "tri.v": ("module t(input a, b, output y); assign y = a ? b : 1'bz; endmodule", "tri-state"),
    "flop.v": ("module t(input c, d, output reg q); always @(posedge c) q <= d ^ q; endmodule", "registers"),
    "reset.v": (
        "module t(input c, r, output reg [3:0] q); always @(posedge c or posedge r) if (r) q <= 0; else q <= q + 1; endmodule",
        "registers",
    ),
    "latch.v": ("module t(input e, d, output reg q); always @* if (e) q = d; endmodule", "registers"),
    "memory.v": (
        "module t(input c, w, input [3:0] a, input d, output q); reg m[0:15]; always @(posedge c) if (w) m[a] <= d; "
        "assign q = m[a]; endmodule",
        "registers",
    ),
    "latch.blif": (".model t\n.inputs d c\n.outputs q\n.latch d q re c 0\n.end\n", "1 latches"),
    "loose.blif": (".model t\n.inputs a b\n.outputs y\n.names a b n y\n111 1\n.end\n", "nothing drives 1 .* n"),
    "constant.v": ("module t(input a, output y); assign y = 1'b1; endmodule", "nothing is left to map"),
}


@pytest.mark.parametrize("name", NO_LOGIC)
def test_what_is_no_logic_alone_is_refused_and_never_proven_equal_to_something_else(tmp_path: Path, name: str):
    text, said = NO_LOGIC[name]
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(SimulationFailed, match=said):
        map_circuit(tmp_path / name, ())


def test_what_is_not_equivalent_is_never_reported():
    # A pass that puts another circuit in place stands for a faulty one.
    other = as_aiger(path_of("multiplier"))
    with pytest.raises(SimulationFailed, match="equivalence was not proven"):
        map_circuit(path_of("fir_tap"), [f"read {other}", "strash"])


@pytest.mark.parametrize(
    ("text", "said"),
    [("module broken(input a; endmodule", "yosys ended with code 1"), ("", "holds no module")],
)
def test_a_broken_circuit_says_why(tmp_path: Path, text: str, said: str):
    (tmp_path / "broken.v").write_text(text, encoding="utf-8")
    with pytest.raises(SimulationFailed, match=said):
        map_circuit(tmp_path / "broken.v", ())


def test_a_recipe_that_takes_too_long_is_stopped():
    with pytest.raises(SimulationFailed, match=r"berkeley-abc was killed: not done after 0\.001 s"):
        map_circuit(path_of("alu"), RESYN2, timeout=0.001)


PARITY = "module mine(input [5:0] a, output y);\n assign y = ^a;\nendmodule\n"
"""Of six inputs: one look-up table, five exclusive-ors of three AND gates each."""


def own(path: Path) -> Circuit:
    return problem.make_setting({"circuit": str(path)})


def tables(circuit: Circuit) -> float:
    return problem.answer(Recipe(passes=()), circuit, fidelity="lut6", seed=0).outcome.luts


@pytest.mark.needs("bwrap")
def test_a_file_of_ones_own_is_read_in_every_kind(tmp_path: Path):
    verilog = tmp_path / "mine.v"
    verilog.write_text(PARITY, encoding="utf-8")
    aiger = tmp_path / "mine.aig"
    aiger.write_bytes(as_aiger(verilog).read_bytes())
    command = f"read {aiger}; strash; write_blif {tmp_path / 'mine.blif'}"
    subprocess.run(["berkeley-abc", "-q", command], capture_output=True, check=True)
    for name in ("mine.v", "mine.aig", "mine.blif"):
        assert tables(own(tmp_path / name)) == 1, name


@pytest.mark.needs("bwrap")
def test_an_edited_file_is_another_circuit_and_its_old_name_is_refused(tmp_path: Path):
    file = tmp_path / "a#b" / "mine.v"
    file.parent.mkdir()
    file.write_text(PARITY, encoding="utf-8")
    before = own(file)
    assert tables(before) == 1
    file.write_text(PARITY.replace("[5:0]", "[10:0]"), encoding="utf-8")
    assert tables(own(file)) > 1
    with pytest.raises(ValueRefused, match="is no longer the file of"):
        tables(before)
    file.unlink()
    with pytest.raises(ValueRefused, match=r"mine\.v is gone; put the file of"):
        path_of(before.circuit)


@pytest.mark.needs("bwrap")
def test_verilog_of_ones_own_reads_nothing_but_itself(tmp_path: Path):
    secret = tmp_path / "secret.v"
    secret.write_text("module secret(input a, output y);\n assign y = ~a;\nendmodule\n", encoding="utf-8")
    file = tmp_path / "mine.v"
    file.write_text(f'`include "{secret}"\n{PARITY}', encoding="utf-8")
    with pytest.raises(SimulationFailed, match="yosys ended with code 1"):
        tables(own(file))


def test_a_circuit_that_is_not_there_is_missed():
    with pytest.raises(ValueRefused, match=r"there is no file .*nothing\.v"):
        problem.make_setting({"circuit": "./nothing.v"})


@pytest.mark.parametrize("given", ["epfl-addr", "/etc/hostname", "mine.aag"])
def test_what_is_no_circuit_is_refused_with_what_is(given: str):
    with pytest.raises(
        ValueRefused, match=r"is neither one of adder, .*epfl-adder, .* nor a file that ends in \.v, \.blif, \.aig"
    ):
        own(Path(given))

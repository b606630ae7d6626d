"""Our own figures of the reference protocols, to more digits than the published table: a change of physics shows here first."""

from __future__ import annotations

import pytest

pytest.importorskip("pybamm", reason="pip install 'dure[energy]'")

from dure.domains.energy.protocol import run_protocol

PROTOCOLS = {
    "P1": (1.0, 1.0, 1.0, 1.0),
    "P8": (2.2138549612, 2.1261481907, 2.2211168264, 1.4723035599),
}


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_reference_protocols_stay_as_they_were(name: str, golden):
    run = run_protocol(PROTOCOLS[name], 25.0, fidelity="dfn")
    values = {"minutes": run.total_minutes, "anode_potential": run.potential_min_v, "t_max": run.peak_c}
    golden(f"fast_charge_{name}", values, source="DFN of PyBaMM, OKane2022, start and air at 25 degC", rtol=1e-4, atol=1e-5)

"""Dure against the tools a user would pick instead, on small problems with known references.

- ``suites``: the tasks, each a real ``dure.Problem`` with a budget; ``references.json`` has what they are measured by.
- ``players``: Dure and its peers behind one small protocol, all given the same starting designs, answers and budget.
- ``collect``: runs peers and keeps what they got under ``benchmarks/results/peers``, so that they need not run again.
- ``python -m benchmarks.peers``: runs Dure against what is kept.
"""

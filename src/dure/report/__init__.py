"""A campaign as one page of HTML that works offline, every number of it a claim; and the check that nothing was altered."""

from dure.report.complexes import VIEWER
from dure.report.summary import summary
from dure.report.verifying import verify
from dure.report.writing import write_report

__all__ = ["VIEWER", "summary", "verify", "write_report"]

"""For authors of plug-ins: the laws that every strategy keeps, and cases of every kind to see them kept in. Needs hypothesis."""

from dure.testing.cases import Case, cases
from dure.testing.laws import check_strategy

__all__ = ["Case", "cases", "check_strategy"]

"""What is told of a table, against pandas; the sandbox it is read in is tried in tests/slow."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.needs("pyarrow", "pandas")

NUMBERS = st.one_of(st.none(), st.floats(-1e9, 1e9, width=32))
TABLES = st.lists(
    st.tuples(NUMBERS, st.one_of(st.none(), st.integers(-(10**6), 10**6)), st.text("가나abc ", max_size=5)), max_size=40
)


def told(data: bytes, kind: str) -> Any:
    from durehub.lib.summary import summary

    return json.loads(json.dumps(summary(io.BytesIO(data), kind), allow_nan=False))


@settings(max_examples=40)
@given(TABLES)
def test_columns_hold_what_pandas_says_they_hold(rows: list[tuple[float | None, int | None, str]]):
    import pandas as pd

    frame = pd.DataFrame(rows, columns=["x", "n", "말"]).astype({"x": "float64", "n": "Int64", "말": "string"})
    data = io.BytesIO()
    frame.to_parquet(data)
    found = told(data.getvalue(), "parquet")
    assert (found["rows"], found["columns"], len(found["first"])) == (len(rows), 3, min(len(rows), 10))
    for column in found["about"]:
        values = frame[column["name"]]
        assert column["count"] == values.count()
        if column["name"] != "말" and values.count():
            known = (column["least"], column["largest"], column["mean"])
            assert known == pytest.approx((values.min(), values.max(), values.mean()), rel=1e-9, abs=1e-9)
        else:
            assert column["mean"] is None


def test_text_tables_are_read_as_they_stand():
    assert told(b"a,b\n1,2\n3,\n", "csv")["first"] == [["1", "2"], ["3", ""]]
    assert told("온도\t수율\n300\t0.5\n".encode(), "tsv")["about"][1]["largest"] == 0.5
    assert told(b"a,a\n1,2\n", "csv")["first"] == [["1", "2"]]
    mixed = b"a,b\n" + b"1,2\n" * 200_000 + b"word,2\n"
    assert told(mixed, "csv")["about"][0]["type"] == "string"
    assert told(b"a\nnan\n1\ninf\n", "csv")["about"][0]["mean"] == 1.0
    wide = ",".join(f"c{one}" for one in range(300)).encode() + b"\n"
    assert (told(wide, "csv")["columns"], len(told(wide, "csv")["about"])) == (300, 100)
    assert len(told(b"a\n" + b"x" * 5000 + b"\n", "csv")["first"][0][0]) == 100

"""Groups around a keeper. Every member is similar to the keeper itself, so groups do not chain."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from animeds_db.session.scripts import sql_script


def leaders(workbench: duckdb.DuckDBPyConnection, better: np.ndarray, worse: np.ndarray) -> pa.Table:
    """Return rank and leader (int64) of every frame in an edge. A leader is its own leader.

    `better` and `worse` are ranks of similar frames, better < worse. The result is that of a loop over the frames,
    best first: a frame is kept unless a kept frame is similar, and then it joins the best such frame.
    """
    workbench.register("found_edges", pa.table({"better": better, "worse": worse}))
    workbench.execute("CREATE OR REPLACE TABLE edges AS SELECT * FROM found_edges")
    workbench.execute(
        "CREATE OR REPLACE TABLE open AS SELECT better AS rank FROM edges UNION SELECT worse FROM edges"
    )
    workbench.execute("CREATE OR REPLACE TABLE decided (rank BIGINT, leads BOOLEAN)")
    step = sql_script("steps/dedup", "leaders_round.sql")
    while workbench.execute("SELECT count(*) FROM open").fetchall()[0][0]:
        workbench.execute(f"CREATE OR REPLACE TABLE round AS {step}")
        workbench.execute("INSERT INTO decided SELECT * FROM round")
        workbench.execute("CREATE OR REPLACE TABLE open AS SELECT * FROM open ANTI JOIN round USING (rank)")
    return workbench.sql(sql_script("steps/dedup", "leaders.sql")).to_arrow_table()

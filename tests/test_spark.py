"""The same figures from Spark, in local mode, as from the embedded engine.

Needs ``salesdiag[spark]`` and Java 17; all traffic stays on loopback.
"""

from __future__ import annotations

import shutil

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import salesdiag as sd
from salesdiag.schema import TABLES
from tests.cases import CASES
from tests.frames import sample_department, sample_frames
from tests.test_postgres import EVERY, assert_same

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("java") is None, reason="no Java, which Spark runs on"),
    # Spark 4 calls what pandas and Arrow deprecate
    pytest.mark.filterwarnings("default"),
]
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}


@pytest.fixture(scope="module")
def department(tmp_path_factory):
    """Hold the sample in a Spark session of its own, from Parquet files."""
    sql = pytest.importorskip("pyspark.sql", reason="needs salesdiag[spark]")
    builder = sql.SparkSession.builder.master("local[2]").appName("salesdiag")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    connection = ibis.pyspark.connect(session)
    folder = tmp_path_factory.mktemp("spark")
    tables = {}
    for name, frame in sample_frames().items():
        dates = [one.name for one in TABLES[name].columns if one.type == "date"]
        days = {one: frame[one].dt.date for one in dates if one in frame}
        path = folder / f"{name}.parquet"
        data = pa.Table.from_pandas(frame.assign(**days), preserve_index=False)
        pq.write_table(data, path, coerce_timestamps="us")
        tables[name] = connection.read_parquet(str(path), table_name=f"sample_{name}")
    try:
        yield sd.Department(
            **tables, as_of="2025-12-31", currency="EUR", name="Sample",
            calendar=sample_department().calendar,
        )  # fmt: skip
    finally:
        session.stop()


@pytest.mark.parametrize(("analysis", "keys"), EVERY)
def test_every_analysis_gives_the_same_on_spark(department, analysis, keys):
    assert analysis in CASES
    assert_same(analysis(department, by=keys), analysis(sample_department(), by=keys))

"""The features of a few days, by Spark in this process, beside pandas. No network."""

import io
import pathlib
import tempfile
import unittest

import pandas

import columns
import count
import features
import load
import train

DAYS = 3


def pandas_table(name):
    return pandas.read_csv(io.BytesIO(load.table(name)))


class Features(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        from pyspark.sql import SparkSession

        cls.folder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.folder.name)
        builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        builder = builder.config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "2")
        cls.spark = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").getOrCreate()
        cls.spark.sparkContext.setLogLevel("ERROR")
        flights = pandas_table("flights")
        cls.flights = flights[(flights.day <= DAYS) & flights.month.isin([1, 7, 11])]
        cls.counts, cls.table = cls.features_of("plain", cls.flights)

    @classmethod
    def tearDownClass(cls):
        cls.spark.stop()
        cls.folder.cleanup()

    @classmethod
    def features_of(cls, name, flights):
        """Runs the job on these flights; returns its counts and its table."""
        raw, target = cls.root / name / "raw", cls.root / name / "features"
        for table in ("flights", "weather", "planes"):
            (raw / table).mkdir(parents=True)
        flights.to_csv(raw / "flights" / "flights.csv", index=False, na_rep="NA")
        (raw / "weather" / "weather.csv").write_bytes(load.table("weather"))
        (raw / "planes" / "planes.csv").write_bytes(load.table("planes"))
        counts = features.run(cls.spark, f"file://{raw}", f"file://{target}", 2013)
        table = pandas.read_parquet(target).astype({columns.PARTITION: int})
        keys = [columns.PARTITION, "day", "departure", "carrier", "flight", "origin"]
        return counts, table.sort_values(keys, ignore_index=True)

    def test_counts_agree_with_pandas(self):
        flights = self.flights
        weather = pandas_table("weather").drop_duplicates(["origin", "time_hour"])
        before = pandas.to_datetime(flights.time_hour) - pandas.Timedelta(hours=1)
        known = set(zip(weather.origin, pandas.to_datetime(weather.time_hour)))
        self.assertEqual(
            self.counts,
            {
                "rows": len(flights),
                "labelled": int(flights.arr_delay.notna().sum()),
                "late": int((flights.arr_delay > 15).sum()),
                "with_weather": sum(pair in known for pair in zip(flights.origin, before)),
                "with_plane": int(flights.tailnum.isin(pandas_table("planes").tailnum).sum()),
                "months": 3,
            },
        )

    def test_counts_agree_with_the_csv_module(self):
        raw = count.raw_counts(self.flights.to_csv(index=False, na_rep="NA"), 2013)
        written = count.feature_counts(f"file://{self.root / 'plain' / 'features'}")
        self.assertEqual([+part for part in raw], [+part for part in written])

    def test_features_do_not_move_with_what_is_known_only_later(self):
        changed = self.flights.copy()
        for name in columns.FORBIDDEN:
            changed[name] = [float(7 + row % 50) for row in range(len(changed))]
        _, table = self.features_of("changed", changed)
        wanted = [*columns.FEATURES, *columns.KEYS, columns.PARTITION]
        pandas.testing.assert_frame_equal(table[wanted], self.table[wanted])
        self.assertFalse(table[columns.LABEL].equals(self.table[columns.LABEL]))

    def test_the_weather_is_that_of_the_hour_before(self):
        weather = pandas_table("weather").set_index(["origin", "time_hour"])
        row = self.table[self.table.temp.notna()].iloc[0]
        before = row.time_hour.tz_localize("UTC") if row.time_hour.tzinfo is None else row.time_hour
        before = (before - pandas.Timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.assertEqual(row.temp, weather.loc[(row.origin, before)].temp)

    def test_training_reads_what_the_job_wrote(self):
        rows = train.table(f"file://{self.root / 'plain' / 'features'}")
        self.assertEqual(len(rows), self.counts["labelled"])
        _, figures = train.evaluate(rows, test_from=11)
        self.assertEqual(figures["auc_constant"], 0.5)
        self.assertEqual(figures["rows_train"] + figures["rows_test"], self.counts["labelled"])


if __name__ == "__main__":
    unittest.main()

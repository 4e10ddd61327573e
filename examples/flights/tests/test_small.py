"""Results, places and loading: no Spark, no network."""

import os
import tempfile
import unittest
from unittest import mock

import columns
import load
import results
import store


class Columns(unittest.TestCase):
    def test_nothing_known_only_later_is_a_feature(self):
        everything = [*columns.FEATURES, *columns.KEYS, columns.PARTITION]
        self.assertEqual(set(everything) & set(columns.FORBIDDEN), set())
        self.assertNotIn(columns.LABEL, everything)
        self.assertEqual(len(everything), len(set(everything)))


class Results(unittest.TestCase):
    def test_written_to_the_termination_log_as_one_flat_object(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log")
            with mock.patch.dict(os.environ, TERMINATION_LOG=path), mock.patch("builtins.print"):
                results.report(auc=0.7, model="s3://b/m", rows=3)
            with open(path, encoding="utf-8") as log:
                self.assertEqual(log.read(), '{"auc":0.7,"model":"s3://b/m","rows":3}')

    def test_what_the_operator_would_refuse_is_refused_here(self):
        for bad in ({"a": [1]}, {"a": {"b": 1}}, {"a": None}):
            self.assertRaises(TypeError, results.encode, bad)
        self.assertRaises(ValueError, results.encode, {"a": float("nan")})
        self.assertRaises(ValueError, results.encode, {"a": "x" * results.LIMIT})
        self.assertEqual(len(results.encode({"a": "x" * (results.LIMIT - 8)})), results.LIMIT)


class Places(unittest.TestCase):
    def test_schemes(self):
        self.assertEqual(store.for_spark("s3://b/x"), "s3a://b/x")
        self.assertEqual(store.for_boto("s3a://b/x"), "s3://b/x")
        self.assertEqual(store.for_spark("file:///x"), "file:///x")
        self.assertEqual(store.join("s3://b/", "/x/", "y"), "s3://b/x/y")
        self.assertRaises(ValueError, store.read, "/etc/hostname")

    def test_bucket_from_argument_or_environment(self):
        with mock.patch.dict(os.environ, BUCKET_RAW="ml-raw-1234"):
            self.assertEqual(store.bucket("raw"), "s3://ml-raw-1234")
            self.assertEqual(store.bucket("raw", "s3a://other/"), "s3a://other")
        self.assertRaises(SystemExit, store.bucket, "nowhere")


class Loading(unittest.TestCase):
    def test_twice_writes_once(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch("builtins.print"):
            first, second = load.load(f"file://{folder}"), load.load(f"file://{folder}")
        self.assertEqual((first["written"], first["kept"]), (5, 0))
        self.assertEqual((second["written"], second["kept"]), (0, 5))
        self.assertEqual(first["rows_flights"], 336_776)


if __name__ == "__main__":
    unittest.main()

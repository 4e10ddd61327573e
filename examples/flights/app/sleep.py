"""A job that does nothing for N seconds and ends well; SIGTERM ends it at once. Story helper.

usage: sleep.py SECONDS [--spark]      --spark starts a Spark session first, so that executors are up
"""

import signal
import sys
import time

import results


def stop(*_):
    sys.exit(143)


if __name__ == "__main__":
    seconds = float(sys.argv[1])
    executors = 0
    if "--spark" in sys.argv[2:]:
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.appName("sleep").getOrCreate()
        spark.range(100).repartition(2).count()  # needs an executor
        executors = spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1  # less the driver
    signal.signal(signal.SIGTERM, stop)
    print(f"sleeping {seconds} s", flush=True)
    time.sleep(seconds)
    results.report(slept=seconds, executors=executors)

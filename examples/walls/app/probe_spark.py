"""The same tries from a Spark driver and from one of its executors, and through S3A beside boto3.

usage: probe_spark.py --own URI [--read URI] [--sibling URI] [--other URI]
Reports `driver_passed`, `executor_passed`, `s3a_passed`, what went wrong in each, and whether the executor
has an API token. The executor's Python runs in the executor's pod and sees what that pod was given.
"""

import os

from pyspark.sql import SparkSession

import probe


def in_executor(places):
    """One task, so one executor, that probes from where it runs."""

    def task(_):
        import probe as there

        yield there.probe(**places)

    return task


def s3a(spark, own, read=None, sibling=None, other=None):
    """Reads and writes of data frames; the result of each and what gave a wrong one."""
    rows = spark.range(10)
    tries = {
        "own_write": (True, lambda: rows.write.mode("overwrite").parquet(under(own, "s3a"))),
        "own_read": (True, lambda: spark.read.parquet(under(own, "s3a")).count()),
        "own_append": (True, lambda: rows.write.mode("append").parquet(under(own, "s3a"))),
    }
    for name, uri in (("sibling", sibling), ("other", other)):
        if uri:
            tries[f"{name}_write"] = (False, lambda u=uri: rows.write.mode("overwrite").parquet(under(u, "s3a")))
            tries[f"{name}_read"] = (False, lambda u=uri: spark.read.text(under(u, "s3a")).count())
    found = {name: (allowed, outcome(call)) for name, (allowed, call) in tries.items()}
    wrong = [name for name, (allowed, result) in found.items() if result != ("ok" if allowed else "AccessDenied")]
    return {name: result for name, (_, result) in found.items()}, wrong


def under(uri, name):
    """A folder of the place, under the scheme of S3A."""
    return "s3a://" + uri.split("://", 1)[1].rstrip("/") + "/" + name


def outcome(call):
    """`ok`, `AccessDenied`, or the first line of another error."""
    try:
        call()
        return "ok"
    except Exception as error:
        text = str(error)
        denied = "AccessDenied" in text or "Status Code: 403" in text
        return "AccessDenied" if denied else text.strip().splitlines()[0][:120]


def main():
    places = probe.arguments()
    spark = SparkSession.builder.appName("walls").getOrCreate()
    spark.sparkContext.addPyFile(os.path.join(os.path.dirname(os.path.abspath(__file__)), "probe.py"))
    driver = probe.probe(**places)
    executor = spark.sparkContext.parallelize([0], 1).mapPartitions(in_executor(places)).first()
    through, wrong = s3a(spark, **places)
    spark.stop()
    probe.report(
        {
            "driver_passed": driver["passed"],
            "driver_wrong": driver["wrong"],
            "executor_passed": executor["passed"],
            "executor_wrong": executor["wrong"],
            "executor_token": executor["token"],
            **{f"s3a_{name}": result for name, result in through.items()},
            "s3a_passed": not wrong,
            "passed": driver["passed"] and executor["passed"] and not wrong and not executor["token"],
        }
    )


if __name__ == "__main__":
    main()

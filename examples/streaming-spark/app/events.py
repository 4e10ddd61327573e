"""Keeps every event of a Kafka topic as a row of a Parquet table, each once: stopped anywhere, it goes on where it was.

usage: events.py --topic NAME --out URI [--per-batch N]
Where it was stands in the checkpoint, which Millrace sets; Spark's file sink makes a batch that is repeated count once.
"""

import argparse
import os

from pyspark.sql import SparkSession


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--topic", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--per-batch", type=int, default=10_000)
    return parser.parse_args()


def main():
    args = arguments()
    spark = SparkSession.builder.getOrCreate()
    events = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", os.environ["KAFKA_BOOTSTRAP_SERVERS"])
        .option("subscribe", args.topic)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", args.per_batch)
        .load()
    )
    rows = events.selectExpr("CAST(value AS STRING) AS event", "partition", "offset", "timestamp")
    # The name is the query's place in the checkpoint: without it every start would be the first.
    query = rows.writeStream.queryName("events").format("parquet").option("path", args.out).start()
    query.awaitTermination()


if __name__ == "__main__":
    main()

"""Spark: flights joined with the weather before departure and with planes, as one table of features.

usage: features.py --raw URI --features URI [--year 2013]      (else from BUCKET_RAW, BUCKET_FEATURES)
Writes FEATURES/year=YYYY/month=M/*.parquet, replacing that year as a whole, so that a retry is harmless.
Every flight of the year is kept, also the cancelled and diverted ones: they have no arrival, hence no
label, and the training step leaves them out by itself.
"""

import argparse
import time

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

import columns
import results
import store

FLIGHTS = (
    "year int, month int, day int, dep_time double, sched_dep_time int, dep_delay double, arr_time double, "
    "sched_arr_time int, arr_delay double, carrier string, flight int, tailnum string, origin string, "
    "dest string, air_time double, distance double, hour int, minute int, time_hour timestamp"
)
WEATHER = (
    "origin string, year int, month int, day int, hour int, temp double, dewp double, humid double, "
    "wind_dir double, wind_speed double, wind_gust double, precip double, pressure double, visib double, "
    "time_hour timestamp"
)
PLANES = (
    "tailnum string, year double, type string, manufacturer string, model string, engines double, "
    "seats double, speed double, engine string"
)
HOUR = 3600


def table(spark, raw, name, schema):
    """One raw table. A value that does not fit its type ends the job instead of becoming null."""
    place = store.join(store.for_spark(raw), name)
    return spark.read.csv(place, schema=schema, header=True, nullValue="NA", mode="FAILFAST")


def build(flights, weather, planes):
    """The features: one row per row of `flights`, whatever the other two tables hold."""
    return (
        flights.transform(schedule)
        .join(F.broadcast(weather.transform(before_departure)), ["origin", "time_hour"], "left")
        .join(F.broadcast(planes.transform(plane_facts)), "tailnum", "left")
        .withColumn("plane_age", F.col("year") - F.col("plane_year"))
        .withColumn(columns.LABEL, (F.col("arr_delay") > columns.LATE_MINUTES).cast("int"))
        .select(*columns.KEYS, columns.PARTITION, *columns.FEATURES, columns.LABEL)
    )


def schedule(flights):
    """What the timetable says."""
    day = ["origin", "month", "day"]
    legs = Window.partitionBy("tailnum", "month", "day").orderBy("sched_dep_time", "carrier", "flight")
    return (
        flights.withColumn("weekday", F.dayofweek(F.make_date("year", "month", "day")))
        .withColumn("departure", minutes("sched_dep_time"))
        .withColumn("arrival", minutes("sched_arr_time"))
        .withColumn("departures_hour", F.count("*").over(Window.partitionBy("origin", "time_hour")))
        .withColumn("departures_day", F.count("*").over(Window.partitionBy(*day)))
        .withColumn("leg", F.when(F.col("tailnum").isNotNull(), F.row_number().over(legs)))
    )


def minutes(clock):
    """Minutes after midnight of a time written like 1745."""
    return F.floor(F.col(clock) / 100) * 60 + F.col(clock) % 100


def before_departure(weather):
    """Weather as known at the start of an hour: the reading of the hour before, and the hours before that."""
    once = weather.dropDuplicates(["origin", "time_hour"]).withColumn("at", F.col("time_hour").cast("long"))

    def hours(count):
        return Window.partitionBy("origin").orderBy("at").rangeBetween(-(count - 1) * HOUR, 0)

    return once.select(
        "origin",
        (F.col("at") + HOUR).cast("timestamp").alias("time_hour"),
        *columns.WEATHER[:9],
        F.sum("precip").over(hours(3)).alias("precip_3h"),
        F.sum("precip").over(hours(12)).alias("precip_12h"),
        F.min("visib").over(hours(3)).alias("visib_3h"),
        F.max("wind_speed").over(hours(3)).alias("wind_speed_3h"),
        F.max("wind_gust").over(hours(3)).alias("wind_gust_3h"),
        (F.col("pressure") - F.avg("pressure").over(hours(6))).alias("pressure_change"),
    )


def plane_facts(planes):
    """What the register of planes says."""
    return planes.dropDuplicates(["tailnum"]).select("tailnum", F.col("year").alias("plane_year"), "seats", "engines")


def count(features):
    """Counts of the features as written, all in one pass."""
    sums = features.agg(
        F.count("*").alias("rows"),
        F.count(columns.LABEL).alias("labelled"),
        F.sum(columns.LABEL).alias("late"),
        F.count("visib").alias("with_weather"),
        F.count("engines").alias("with_plane"),
        F.countDistinct(columns.PARTITION).alias("months"),
    )
    return {name: int(value or 0) for name, value in sums.first().asDict().items()}


def run(spark, raw, target, year):
    """Builds and writes the features of a year; returns the counts read back from what was written."""
    flights = table(spark, raw, "flights", FLIGHTS).where(F.col("year") == year)
    if flights.isEmpty():  # before anything is replaced
        raise ValueError(f"no flights of the year {year} in {raw}")
    weather = table(spark, raw, "weather", WEATHER)
    planes = table(spark, raw, "planes", PLANES)
    place = store.for_spark(target)
    built = build(flights, weather, planes).repartition(4, columns.PARTITION)
    built.write.mode("overwrite").partitionBy(columns.PARTITION).parquet(place)
    return count(spark.read.parquet(place))


def main():
    parser = argparse.ArgumentParser(description="features of the flights of a year")
    parser.add_argument("--raw", help="URI of the raw bucket")
    parser.add_argument("--features", help="URI of the features bucket")
    parser.add_argument("--year", type=int, default=2013)
    args = parser.parse_args()
    raw = store.bucket("raw", args.raw)
    target = store.join(store.bucket("features", args.features), f"year={args.year}")
    began = time.monotonic()
    spark = (
        SparkSession.builder.appName("flights-features")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.showConsoleProgress", "false")  # a log, not a terminal
        .config("spark.sql.shuffle.partitions", "4")  # 337,000 rows; the default 200 is for terabytes
        .getOrCreate()
    )
    counts = run(spark, raw, target, args.year)
    spark.stop()
    results.report(**counts, features=store.for_boto(target), seconds=round(time.monotonic() - began, 1))


if __name__ == "__main__":
    main()

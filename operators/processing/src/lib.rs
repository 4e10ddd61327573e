//! Spark, Flink and container jobs: attempts, retries, deadlines.

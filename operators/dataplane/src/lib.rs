//! Kafka topics, buckets and short-lived access to them.

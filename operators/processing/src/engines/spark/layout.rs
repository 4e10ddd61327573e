//! Where things are in Spark's pods: files, ports, containers.

/// Where the driver sees its ConfigMap; `SPARK_CONF_DIR`.
pub(crate) const MOUNT: &str = "/etc/millrace/spark";
/// Key of the properties.
pub(crate) const PROPERTIES: &str = "spark.properties";
/// Key of the executors' template.
pub(crate) const TEMPLATE: &str = "executor.yaml";
/// Key of the statements of an SQL job.
pub(crate) const SQL: &str = "job.sql";

/// The port of the driver's RPC, where executors report.
pub(crate) const RPC_PORT: i32 = 7078;
/// The port of the driver's block manager.
pub(crate) const BLOCK_PORT: i32 = 7079;
/// The port of Spark's page.
pub(crate) const UI_PORT: i32 = 4040;

/// Name of the executors' container, which Spark looks for in the template.
pub(crate) const EXECUTOR_CONTAINER: &str = "spark-kubernetes-executor";

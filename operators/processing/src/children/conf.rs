//! The ConfigMap of a Spark attempt: properties, the executors' template, log settings. Immutable, without secrets.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};

use super::{event_log, executor, parts, properties, stream};
use crate::{
    engine::{self, Plan},
    model::{Executors, Program, Spark},
};

/// Where the driver sees it; `SPARK_CONF_DIR`.
pub(crate) const MOUNT: &str = "/etc/millrace/spark";
/// Key of the properties.
pub(crate) const PROPERTIES: &str = "spark.properties";
/// Key of the executors' template.
pub(crate) const TEMPLATE: &str = "executor.yaml";

/// Key of the statements of an SQL job.
pub(crate) const SQL: &str = "job.sql";

/// A failed attempt's message is the end of its log, so the log ends with the application's own words: Spark's
/// information is left out, and so are the warnings it gives about its own shutdown and about a node short of cpu.
const LOG4J2: &str = "\
rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
logger.k8s.name = org.apache.spark.scheduler.cluster.k8s
logger.k8s.level = error
logger.shutdown.name = org.apache.spark.util.ShutdownHookManager
logger.shutdown.level = off
logger.dispatcher.name = org.apache.spark.rpc.netty.Dispatcher
logger.dispatcher.level = error
logger.outbox.name = org.apache.spark.rpc.netty.Outbox
logger.outbox.level = error
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.vertx.name = io.vertx.core.impl.BlockedThreadChecker
logger.vertx.level = off
logger.metrics.name = org.apache.hadoop.metrics2
logger.metrics.level = error
";

/// The ConfigMap of one attempt.
pub(crate) fn build(plan: &Plan<'_>, own: &Spark) -> ConfigMap {
    let mut data = BTreeMap::from([
        (PROPERTIES.to_owned(), properties::text(plan, own)),
        ("log4j2.properties".to_owned(), LOG4J2.to_owned()),
    ]);
    if own.executors != Executors::None {
        data.insert(TEMPLATE.to_owned(), executor::template(plan));
    }
    if event_log::directory(own).is_some() {
        let (key, text) = event_log::SITE;
        data.insert(key.to_owned(), text.to_owned());
    }
    if own.runs_in_batches().is_some() {
        data.insert(stream::KEY.to_owned(), stream::RUNNER.to_owned());
    }
    if let Program::Sql(sql) = &own.program {
        data.insert(SQL.to_owned(), plan.fill_file(sql));
    }
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(engine::conf_name(plan.base)),
            labels: Some(parts::labels(plan.job, plan.numbers.1)),
            ..ObjectMeta::default()
        },
        immutable: Some(true),
        data: Some(data),
        binary_data: None,
    }
}

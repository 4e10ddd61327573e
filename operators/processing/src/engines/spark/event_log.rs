//! What makes the event log's directory: Spark writes into one, and does not start where there is none.
//!
//! A store has directories only where something lies in them, so Hadoop's own shell makes one before the driver starts.

use k8s_openapi::api::core::v1::Container;
use millrace_kit::refs;

use super::{properties, spec::Spark};
use crate::{build::BuildContext, model::Prefix};

/// Hadoop's shell does not start without its own settings, be they none: key of the ConfigMap, and what stands there.
pub(crate) const SITE: (&str, &str) = ("core-site.xml", "<configuration/>\n");
/// Name of the init container.
const NAME: &str = "event-log";
/// Spark's launcher, wherever the image has it, with Hadoop's shell.
const SHELL: &str = r#"exec "${SPARK_HOME:-/opt/spark}/bin/spark-class" org.apache.hadoop.fs.FsShell "$@""#;

/// The place that has to be made.
pub(crate) fn directory(own: &Spark) -> Option<&Prefix> {
    own.event_log.as_ref().filter(|place| !place.prefix.is_empty())
}

/// The init container, where one is needed: the root of a bucket is always there.
pub(crate) fn init(context: &BuildContext<'_>, own: &Spark, driver: &Container) -> Option<Container> {
    let place = directory(own)?;
    let options = properties::store(context).into_iter().map(|(key, value)| format!("-D{key}={value}"));
    let mut command = ["sh", "-c", SHELL, NAME].map(str::to_owned).to_vec();
    command.extend(options);
    command.extend(["-mkdir".to_owned(), "-p".to_owned(), context.uri(place)?]);
    Some(Container {
        name: NAME.to_owned(),
        command: Some(command.iter().map(|text| refs::literal(text)).collect()),
        args: None,
        ports: None,
        lifecycle: None,
        ..driver.clone()
    })
}

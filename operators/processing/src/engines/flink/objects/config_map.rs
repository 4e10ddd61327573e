//! The ConfigMap of a Flink attempt: settings, log settings, the TaskManagers' template, the entry point.
//!
//! Immutable, without secrets. JobManager and TaskManagers read the same one.

use k8s_openapi::api::core::v1::ConfigMap;

use super::{settings, worker};
use crate::{
    build::BuildContext,
    engines::flink::spec::Flink,
    engines::flink::{
        layout::{CONFIG, ENTRY, FlinkStart, LOG, TEMPLATE},
        name,
    },
    objects::common,
};

/// The ConfigMap of one attempt.
pub(crate) fn build(context: &BuildContext<'_>, own: &Flink, start: &FlinkStart) -> ConfigMap {
    let data = [
        (CONFIG, settings::text(context, own, start)),
        (LOG, include_str!("log4j-console.properties").to_owned()),
        (TEMPLATE, worker::template(context, own)),
        (ENTRY, include_str!("entry.sh").to_owned()),
    ];
    let data = data.into_iter().map(|(key, text)| (key.to_owned(), text)).collect();
    common::config_map(context, name::config(&context.attempt.name), data)
}

//! The ConfigMap of a Spark attempt: properties, the executors' template, log settings. Immutable, without secrets.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;

use super::{
    event_log, executor, graceful_stop,
    layout::{PROPERTIES, SQL, TEMPLATE},
    log4j, properties,
    spec::{Executors, Program, Spark},
};
use crate::{build::BuildContext, job::name, objects::common};

/// The ConfigMap of one attempt.
pub(crate) fn build(context: &BuildContext<'_>, own: &Spark) -> ConfigMap {
    let mut data = BTreeMap::from([
        (PROPERTIES.to_owned(), properties::text(context, own)),
        ("log4j2.properties".to_owned(), log4j::settings(own)),
    ]);
    if own.executors != Executors::None {
        data.insert(TEMPLATE.to_owned(), executor::template(context));
    }
    if event_log::directory(own).is_some() {
        let (key, text) = event_log::SITE;
        data.insert(key.to_owned(), text.to_owned());
    }
    if own.runs_in_batches().is_some() {
        data.insert(graceful_stop::KEY.to_owned(), graceful_stop::RUNNER.to_owned());
    }
    if let Program::Sql(sql) = &own.program {
        data.insert(SQL.to_owned(), context.fill_file(sql));
    }
    common::config_map(context, name::config(&context.attempt.name), data)
}

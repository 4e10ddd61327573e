//! The ConfigMap of a Flink attempt: `config.yaml` and log settings. Immutable, without secrets.

use std::{collections::BTreeMap, fmt::Write as _};

use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use millrace_crds::engines::FlinkMode;
use serde_json::{Value, json};

use crate::{
    children::{account, parts},
    engine::{
        Plan,
        flink::{self, ClaimMode, FlinkStart, REST_PORT},
    },
    model::{
        Flink,
        flink::{Program, State},
    },
};

/// Where JobManager and TaskManagers see it.
pub(crate) const MOUNT: &str = "/opt/flink/conf";
/// Key of the settings.
pub(crate) const CONFIG: &str = "config.yaml";
/// Key of the log settings.
pub(crate) const LOG: &str = "log4j-console.properties";

const LOG4J: &str = "\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = ConsoleAppender
rootLogger.appenderRef.term.ref = T
appender.console.name = ConsoleAppender
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %-5p %c{1}: %m%n%ex
appender.term.name = T
appender.term.type = File
appender.term.fileName = /dev/termination-log
appender.term.layout.type = PatternLayout
appender.term.layout.pattern = %c{1}: %.-300m | %rEx{2}%n
appender.term.filter.t.type = ThresholdFilter
appender.term.filter.t.level = ERROR
";

/// The ConfigMap of one attempt.
pub(crate) fn build(plan: &Plan<'_>, own: &Flink, start: &FlinkStart) -> ConfigMap {
    let config = settings(plan, own, start).iter().fold(String::new(), |mut file, (key, value)| {
        // Every value as JSON, which YAML reads as it stands.
        let _ = writeln!(file, "{}: {value}", Value::from(key.as_str()));
        file
    });
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(flink::conf_name(plan.base)),
            labels: Some(parts::labels(plan.job, plan.numbers.1)),
            ..ObjectMeta::default()
        },
        immutable: Some(true),
        data: Some(BTreeMap::from([(CONFIG.to_owned(), config), (LOG.to_owned(), LOG4J.to_owned())])),
        binary_data: None,
    }
}

fn settings(plan: &Plan<'_>, own: &Flink, start: &FlinkStart) -> BTreeMap<String, Value> {
    let mut all: BTreeMap<String, Value> =
        own.conf.iter().map(|(key, value)| (key.clone(), json!(plan.fill_file(value)))).collect();
    let mut set = |key: &str, value: Value| {
        all.insert(key.to_owned(), value);
    };
    set("execution.target", json!("kubernetes-application"));
    set("internal.cluster.execution-mode", json!("NORMAL"));
    set("kubernetes.cluster-id", json!(plan.base));
    set("kubernetes.namespace", json!(plan.job.metadata.namespace));
    set("kubernetes.service-account", json!("default"));
    set("kubernetes.jobmanager.service-account", json!(account::FLINK.name));
    set("kubernetes.container.image.ref", json!(plan.fill_file(&own.image)));
    set("kubernetes.container.image.pull-policy", json!(parts::pull(own.pull)));
    set("kubernetes.taskmanager.cpu.amount", json!(cores(&own.task_manager.0)));
    set("kubernetes.taskmanager.labels", json!(labels(plan)));
    set("jobmanager.memory.process.size", json!(memory(&own.job_manager.1)));
    set("taskmanager.memory.process.size", json!(memory(&own.task_manager.1)));
    set("taskmanager.numberOfTaskSlots", json!(own.slots));
    set("parallelism.default", json!(own.parallelism));
    set("slotmanager.number-of-slots.max", json!(own.task_managers.1 * own.slots));
    set("jobmanager.rpc.port", json!(6123));
    set("blob.server.port", json!(6124));
    set("taskmanager.rpc.port", json!(6122));
    set("rest.port", json!(REST_PORT));
    set("execution.shutdown-on-application-finish", json!(false));
    set("execution.submit-failed-job-on-application-error", json!(true));
    set("$internal.pipeline.job-id", json!(start.job_id));
    set("pipeline.name", json!(plan.job.metadata.name));
    set("execution.runtime-mode", json!(if own.mode == FlinkMode::Batch { "BATCH" } else { "STREAMING" }));
    match &own.program {
        Program::Jar { main, class, args } => {
            set("pipeline.jars", json!([plan.fill_file(main)]));
            if let Some(class) = class {
                set("$internal.application.main", json!(class));
            }
            set(
                "$internal.application.program-args",
                json!(args.iter().map(|a| plan.fill_file(a)).collect::<Vec<_>>()),
            );
        }
        Program::Sql(script) => {
            set("$internal.application.main", json!("org.apache.flink.table.runtime.application.SqlDriver"));
            set("$internal.application.program-args", json!(["--script", plan.fill_file(script)]));
        }
    }
    if let Some(state) = &own.state {
        keep(plan, state, start, &mut set);
    }
    if let Some(grant) = plan.grant()
        && let Some(endpoint) = &grant.endpoint
    {
        set("s3.endpoint", json!(endpoint));
        set("s3.path.style.access", json!(grant.path_style));
    }
    all
}

fn keep(plan: &Plan<'_>, state: &State, start: &FlinkStart, set: &mut impl FnMut(&str, Value)) {
    let Some(root) = flink::root(plan, state) else { return };
    set("high-availability.type", json!("kubernetes"));
    set("high-availability.storageDir", json!(format!("{root}ha")));
    set("high-availability.cluster-id", json!(plan.base));
    set("job-result-store.storage-path", json!(format!("{root}ha/results/{}", plan.base)));
    set("execution.checkpointing.dir", json!(flink::checkpoints(&root)));
    set("execution.checkpointing.savepoint-dir", json!(flink::savepoints(&root)));
    set("execution.checkpointing.interval", json!(format!("{}s", state.checkpoint_every.as_secs())));
    set("execution.checkpointing.externalized-checkpoint-retention", json!("RETAIN_ON_CANCELLATION"));
    if let Some((path, claim)) = &start.restore {
        set("execution.state-recovery.path", json!(path));
        let mode = if *claim == ClaimMode::Claim { "CLAIM" } else { "NO_CLAIM" };
        set("execution.state-recovery.claim-mode", json!(mode));
        set("execution.state-recovery.ignore-unclaimed-state", json!(state.allow_non_restored));
    }
}

fn labels(plan: &Plan<'_>) -> String {
    let mut all = parts::labels(plan.job, plan.numbers.1);
    all.insert(millrace_crds::well_known::LABEL_ROLE.to_owned(), "executor".to_owned());
    all.iter().map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().join(",")
}

/// Thousandths of a core as a number of cores.
#[expect(clippy::cast_precision_loss, reason = "no pod has 2^52 thousandths of a core")]
fn cores(cpu: &millrace_crds::Quantity) -> f64 {
    crate::model::millis(cpu).unwrap_or(500) as f64 / 1000.0
}

/// In Flink's notation, whose units are powers of two.
fn memory(memory: &millrace_crds::Quantity) -> String {
    format!("{}m", crate::model::bytes(memory).unwrap_or(0) >> 20)
}

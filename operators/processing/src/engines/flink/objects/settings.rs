//! `config.yaml`: the user's options below, ours on top.

use std::{collections::BTreeMap, fmt::Write as _};

use millrace_crds::engines::FlinkMode;
use serde_json::{Value, json};

use super::worker;
use crate::{
    build::BuildContext,
    engines::flink::layout::{self, ClaimMode, FlinkStart, REST_PORT},
    engines::flink::spec::{Flink, Program, State},
    job::name::FLINK_ACCOUNT,
    objects::common,
    seen::GrantView,
};

/// Main class of a script.
const SQL_DRIVER: &str = "org.apache.flink.table.runtime.application.SqlDriver";
/// The provider that reads profiles: its `credential_process` prints what the kubelet renews.
const PROVIDER: &str = "com.amazonaws.auth.profile.ProfileCredentialsProvider";
/// How long the adaptive scheduler keeps a slot it has no task for.
const IDLE: &str = "slot.idle.timeout";
/// Java's options for all processes.
const JAVA_OPTIONS: &str = "env.java.opts.all";
/// Doors of the Java modules that Flink and Hadoop walk through; Flink's own settings, which ours replace, open the same.
const OPENS: [&str; 11] = [
    "java.lang",
    "java.net",
    "java.io",
    "java.nio",
    "sun.nio.ch",
    "java.lang.reflect",
    "java.text",
    "java.time",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
];

/// The file: every value as JSON, which YAML reads as it stands but for what JSON does not escape: the characters that YAML
/// takes for the end of a line, and those that it does not take at all.
pub(super) fn text(context: &BuildContext<'_>, own: &Flink, start: &FlinkStart) -> String {
    all(context, own, start).iter().fold(String::new(), |mut file, (key, value)| {
        let line = format!("{}: {value}", Value::from(key.as_str()));
        for c in line.chars() {
            match c {
                '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                    let _ = write!(file, "\\u{:04x}", u32::from(c));
                }
                other => file.push(other),
            }
        }
        file.push('\n');
        file
    })
}

/// The options.
fn all(context: &BuildContext<'_>, own: &Flink, start: &FlinkStart) -> BTreeMap<String, Value> {
    let mut all: BTreeMap<String, Value> =
        own.conf.iter().map(|(key, value)| (key.clone(), json!(context.fill_file(value)))).collect();
    let theirs = own.conf.get(JAVA_OPTIONS).map(|text| context.fill_file(text)).unwrap_or_default();
    let mut set = |key: &str, value: Value| {
        all.insert(key.to_owned(), value);
    };
    set(JAVA_OPTIONS, json!(format!("{} {theirs}", opens()).trim()));
    set("execution.target", json!("kubernetes-application"));
    set("internal.cluster.execution-mode", json!("NORMAL"));
    // Without these two an application that is over is gone before anybody has asked how it went. With them Flink tells it
    // for as long as the JobManager lives: an application's cluster keeps the ended job in a store without a limit of time
    // or number (`ApplicationClusterEntryPoint.createSerializableExecutionGraphStore`), whatever `jobstore.*` says.
    set("execution.shutdown-on-application-finish", json!(false));
    set("execution.submit-failed-job-on-application-error", json!(true));
    set("execution.runtime-mode", json!(if own.mode == FlinkMode::Batch { "BATCH" } else { "STREAMING" }));
    set("$internal.pipeline.job-id", json!(start.job_id));
    set("pipeline.name", json!(context.job.metadata.name));
    set("parallelism.default", json!(start.parallelism.unwrap_or(own.parallelism)));
    set("jobmanager.rpc.port", json!(layout::RPC_PORT));
    set("blob.server.port", json!(layout::BLOB_PORT.to_string()));
    set("taskmanager.rpc.port", json!("6122"));
    set("rest.port", json!(REST_PORT));
    // Whoever reaches the page may look, not submit and not cancel.
    set("web.submit.enable", json!(false));
    set("web.cancel.enable", json!(false));
    set("io.tmp.dirs", json!("/tmp"));
    set("user.artifacts.base-dir", json!("/tmp/artifacts"));
    sizes(own, &mut set);
    pods(context, own, &mut set);
    program(context, &own.program, &mut set);
    if let Some((path, claim)) = &start.restore {
        set("execution.state-recovery.path", json!(path));
        let mode = if *claim == ClaimMode::Claim { "CLAIM" } else { "NO_CLAIM" };
        set("execution.state-recovery.claim-mode", json!(mode));
        let lenient = own.state.as_ref().is_some_and(|state| state.allow_non_restored);
        set("execution.state-recovery.ignore-unclaimed-state", json!(lenient));
    }
    if let Some(state) = &own.state {
        keep(context, state, &mut set);
    }
    if let Some(grant) = context.grant() {
        store(grant, &mut set);
    }
    all
}

fn opens() -> String {
    let open = |package: &&str| format!("--add-opens=java.base/{package}=ALL-UNNAMED");
    let exports = ["java.rmi/sun.rmi.registry", "java.security.jgss/sun.security.krb5"];
    let export = |name: &&str| format!("--add-exports={name}=ALL-UNNAMED");
    exports.iter().map(export).chain(OPENS.iter().map(open)).collect::<Vec<_>>().join(" ")
}

fn sizes(own: &Flink, set: &mut impl FnMut(&str, Value)) {
    let (fewest, most) = own.task_managers;
    let cpu = cores(&own.task_manager.0);
    set("jobmanager.memory.process.size", json!(memory(&own.job_manager.1)));
    set("taskmanager.memory.process.size", json!(memory(&own.task_manager.1)));
    set("taskmanager.numberOfTaskSlots", json!(own.slots));
    if !own.in_place {
        set("slotmanager.number-of-slots.max", json!(most.saturating_mul(own.slots)));
    }
    if own.in_place || fewest < most {
        set("jobmanager.scheduler", json!("adaptive"));
        // Flink's own 50 s, looked at every 50 s, keep a TaskManager that is not needed any more for two minutes.
        if !own.conf.contains_key(IDLE) {
            set(IDLE, json!("10 s"));
        }
    }
    if fewest < most {
        set("slotmanager.number-of-slots.min", json!(fewest.saturating_mul(own.slots)));
    }
    set("kubernetes.taskmanager.cpu.amount", json!(cpu));
    // Flink insists on a limit. A core for each slot and one for the rest; a start at the request alone takes half a minute.
    let limit = f64::from(own.slots.saturating_add(1));
    set("kubernetes.taskmanager.cpu.limit-factor", json!(if cpu > 0.0 { (limit / cpu).max(1.0) } else { 1.0 }));
}

fn pods(context: &BuildContext<'_>, own: &Flink, set: &mut impl FnMut(&str, Value)) {
    set("kubernetes.cluster-id", json!(&context.attempt.name));
    set("kubernetes.namespace", json!(context.job.metadata.namespace));
    set("kubernetes.jobmanager.service-account", json!(FLINK_ACCOUNT.name));
    let worker = if own.state.is_some() { FLINK_ACCOUNT.name } else { "default" };
    set("kubernetes.taskmanager.service-account", json!(worker));
    set("kubernetes.container.image.ref", json!(context.fill_file(&own.image)));
    set("kubernetes.container.image.pull-policy", json!(common::pull(own.pull)));
    set("kubernetes.entry.path", json!(layout::ENTRY_PATH));
}

fn program(context: &BuildContext<'_>, own: &Program, set: &mut impl FnMut(&str, Value)) {
    // No kubelet stands between this file and the application, so what a container's arguments may refer to is put in here.
    let known = common::known(&[worker::env(context), common::users_env(context, false)].concat());
    let fill = |text: &str| context.fill_known(text, &known);
    let args = match own {
        Program::Jar { main, class, args } => {
            set("pipeline.jars", json!([context.fill_file(main)]));
            if let Some(class) = class {
                set("$internal.application.main", json!(class));
            }
            args.iter().map(|text| fill(text)).collect()
        }
        Program::Sql(script) => {
            set("$internal.application.main", json!(SQL_DRIVER));
            vec!["--script".to_owned(), fill(script)]
        }
    };
    set("$internal.application.program-args", json!(args));
}

/// What keeps the state, and lets a killed JobManager's newest checkpoint be found.
fn keep(context: &BuildContext<'_>, state: &State, set: &mut impl FnMut(&str, Value)) {
    let Some(root) = layout::root(context, state) else { return };
    set("high-availability.type", json!("kubernetes"));
    set("high-availability.storageDir", json!(format!("{root}ha")));
    set("high-availability.cluster-id", json!(&context.attempt.name));
    set("job-result-store.storage-path", json!(format!("{root}ha/{}/results", context.attempt.name)));
    set("execution.checkpointing.dir", json!(layout::checkpoints(&root)));
    set("execution.checkpointing.savepoint-dir", json!(layout::savepoints(&root)));
    set("execution.checkpointing.interval", json!(format!("{}s", state.checkpoint_every.as_secs())));
    set("execution.checkpointing.externalized-checkpoint-retention", json!("RETAIN_ON_CANCELLATION"));
}

fn store(grant: &GrantView, set: &mut impl FnMut(&str, Value)) {
    let Some(endpoint) = &grant.endpoint else { return };
    set("s3.endpoint", json!(endpoint));
    set("s3.path.style.access", json!(grant.path_style));
    // Else each file written is followed by the deletion of markers of all folders above, up to those it may not touch.
    set("s3.directory.marker.retention", json!("keep"));
    if let Some(region) = &grant.region {
        set("s3.endpoint.region", json!(region));
    }
    if grant.secret.is_some() {
        set("s3.aws.credentials.provider", json!(PROVIDER));
        // Credentials come from the file alone; Flink would ask for session tokens of its own and hand them around.
        set("security.delegation.tokens.enabled", json!(false));
    }
}

/// Thousandths of a core as a number of cores.
#[expect(clippy::cast_precision_loss, reason = "no pod has 2^52 thousandths of a core")]
fn cores(cpu: &millrace_crds::Quantity) -> f64 {
    cpu.thousandths().unwrap_or(500) as f64 / 1000.0
}

/// In Flink's notation, whose units are powers of two.
fn memory(memory: &millrace_crds::Quantity) -> String {
    format!("{}m", memory.units().unwrap_or(0) >> 20)
}

//! The section `flink`, parsed.

use std::{collections::BTreeMap, time::Duration};

use millrace_crds::{
    FlinkSpec, Quantity,
    engines::{FlinkMode, FlinkVersion, OnDelete, PullPolicy, Rescale, StateSpec, TaskManagersSpec, Upgrade},
};
use millrace_kit::refs;

use super::name::SUFFIX;
use crate::model::{
    fields::{quantity, texts},
    findings::Findings,
    references::Names,
    section::{RollbackAfter, Section, Workers},
};

const MIB: u64 = 1 << 20;
/// Less than this Flink's own split of the memory leaves no heap, and it does not start.
const LEAST: u64 = 832;

/// A Flink application.
pub(crate) struct Flink {
    pub image: String,
    pub pull: PullPolicy,
    pub mode: FlinkMode,
    pub program: Program,
    pub conf: BTreeMap<String, String>,
    /// Default parallelism.
    pub parallelism: i32,
    /// Cpu and memory.
    pub job_manager: (Quantity, Quantity),
    pub task_manager: (Quantity, Quantity),
    /// The fewest and the most TaskManagers; the same number unless the job may grow and shrink.
    pub task_managers: (i32, i32),
    /// Whether a running job takes over another parallelism.
    pub in_place: bool,
    pub slots: i32,
    /// What a streaming job keeps, if it keeps anything.
    pub state: Option<State>,
}

/// What it runs.
pub(crate) enum Program {
    /// A jar, its class, its arguments.
    Jar { main: String, class: Option<String>, args: Vec<String> },
    /// A script.
    Sql(String),
}

/// Where a job keeps its state, and what becomes of it.
#[derive(Clone)]
pub(crate) struct State {
    /// Name of the DataBucket.
    pub bucket: String,
    /// Ends with a slash, begins without.
    pub prefix: String,
    pub checkpoint_every: Duration,
    pub savepoint_every: Option<Duration>,
    pub keep: usize,
    pub upgrade: Upgrade,
    pub restore_from: RestoreFrom,
    pub on_delete: OnDelete,
    pub rollback_after: Option<Duration>,
    pub allow_non_restored: bool,
}

/// What the user wants an attempt to start from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum RestoreFrom {
    Latest,
    Empty,
    /// With references to buckets in it.
    Path(String),
}

/// Bucket and prefix of the state, as the spec of the job of this name says.
pub(crate) fn place(spec: &FlinkSpec, job: &str) -> Option<(String, String)> {
    let text = refs::plain(&spec.state.as_ref()?.bucket);
    let text = text.trim_end_matches('/');
    Some(match text.split_once('/') {
        Some((bucket, prefix)) => (bucket.to_owned(), format!("{prefix}/")),
        None => (text.to_owned(), format!("flink/{job}/")),
    })
}

/// The section without what changes nothing that runs: how its state is handled, and how many tasks there are where a
/// running job takes that over.
pub(crate) fn application(spec: &FlinkSpec) -> FlinkSpec {
    let mut spec = spec.clone();
    if let Some(state) = &mut spec.state {
        *state = StateSpec {
            savepoint_every: None,
            keep: None,
            upgrade: None,
            on_delete: None,
            rollback_after: None,
            ..state.clone()
        };
    }
    if in_place(&spec) {
        spec.parallelism = None;
        if let Some(workers) = &mut spec.task_managers {
            (workers.count, workers.min, workers.max) = (None, None, None);
        }
    }
    spec
}

fn in_place(spec: &FlinkSpec) -> bool {
    spec.task_managers.as_ref().is_some_and(|workers| workers.rescale == Some(Rescale::InPlace))
}

/// Name of the engine.
pub(crate) const NAME: &str = "flink";

impl Section for Flink {
    fn engine(&self) -> &'static str {
        NAME
    }

    fn suffix(&self) -> &'static str {
        SUFFIX
    }

    fn memory(&self) -> (&'static str, &Quantity) {
        ("flink.jobManager.memory", &self.job_manager.1)
    }

    fn worker_memory(&self) -> Option<(&'static str, &Quantity)> {
        Some(("flink.taskManagers.memory", &self.task_manager.1))
    }

    fn workers(&self) -> Option<Workers> {
        // A batch job takes what its stages need.
        let fewest = if self.mode == FlinkMode::Batch { 1 } else { self.task_managers.0 };
        Some(Workers { name: "TaskManagers", label: "app", wanted: usize::try_from(fewest).unwrap_or(0) })
    }

    fn scheme(&self) -> &'static str {
        "s3"
    }

    fn rollback_after(&self) -> Option<RollbackAfter> {
        let limit = self.state.as_ref()?.rollback_after?;
        Some(RollbackAfter { field: "flink.state.rollbackAfter", limit })
    }
}

/// Reads the section.
pub(crate) fn parse(spec: &FlinkSpec, job: &str, names: &Names, findings: &mut Findings) -> Option<Flink> {
    names.check("flink.image", &spec.image, findings);
    for (key, value) in &spec.conf {
        let field = format!("flink.conf[{key}]");
        if let Some(advice) = forbidden(key) {
            findings.note(&field, advice);
        }
        names.check(&field, value, findings);
    }
    let manager = spec.job_manager.clone().unwrap_or_default();
    let job_manager = size("flink.jobManager", (manager.cpu, manager.memory), ("1600Mi", findings));
    let workers = spec.task_managers.clone().unwrap_or_default();
    let slots = workers.slots.unwrap_or(1);
    let range = range(&workers, findings);
    let task_manager = size("flink.taskManagers", (workers.cpu, workers.memory), ("1728Mi", findings));
    let mode = spec.mode.unwrap_or_default();
    if mode == FlinkMode::Batch && spec.state.is_some() {
        findings.note("flink.state", "a batch job keeps no state; remove state, or set mode: Streaming");
    }
    if mode == FlinkMode::Batch && range.0 != range.1 {
        findings.note("flink.taskManagers.min", "a batch job takes what its stages need; give count");
    }
    if mode == FlinkMode::Batch && in_place(spec) {
        findings
            .note("flink.taskManagers.rescale", "a batch job is not rescaled; remove rescale, or set mode: Streaming");
    }
    let all = range.1.saturating_mul(slots);
    let parallelism = spec.parallelism.unwrap_or(all);
    if parallelism > all {
        let advice = format!("{parallelism} tasks do not fit into {all} slots; raise taskManagers.count or slots");
        findings.note("flink.parallelism", advice);
    }
    let state = spec.state.as_ref().and_then(|own| state(own, place(spec, job)?, (names, findings)));
    Some(Flink {
        image: spec.image.clone(),
        pull: spec.image_pull_policy.unwrap_or_default(),
        mode,
        program: program(spec, (names, findings))?,
        conf: spec.conf.clone(),
        parallelism,
        job_manager,
        task_manager,
        task_managers: range,
        in_place: in_place(spec),
        slots,
        state,
    })
}

fn program(spec: &FlinkSpec, with: (&Names, &mut Findings)) -> Option<Program> {
    let (names, findings) = with;
    match (&spec.main, &spec.sql) {
        (Some(main), None) => {
            names.check("flink.main", main, findings);
            texts("flink.args", &spec.args, (names, findings));
            Some(Program::Jar { main: main.clone(), class: spec.class.clone(), args: spec.args.clone() })
        }
        (None, Some(script)) => {
            names.check("flink.sql", script, findings);
            if spec.version == Some(FlinkVersion::V1_20) {
                findings.note("flink.sql", "Flink 1.20 has no driver for scripts; give version 2.1, or main");
            }
            if inserts(script) > 1 && !script.to_ascii_uppercase().contains("STATEMENT SET") {
                findings.note(
                    "flink.sql",
                    "of several INSERTs Flink runs the first and never gets to the others; put them into EXECUTE STATEMENT SET BEGIN … END",
                );
            }
            Some(Program::Sql(script.clone()))
        }
        _ => {
            findings.note("flink.main", "give exactly one of main, sql");
            None
        }
    }
}

/// How many statements of a script begin with INSERT.
fn inserts(script: &str) -> usize {
    let plain: String =
        script.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
    plain.split(';').filter(|s| s.trim_start().to_ascii_uppercase().starts_with("INSERT ")).count()
}

fn range(workers: &TaskManagersSpec, findings: &mut Findings) -> (i32, i32) {
    match (workers.count, workers.min, workers.max) {
        (count, None, None) => (count.unwrap_or(1), count.unwrap_or(1)),
        (None, Some(min), Some(max)) if min <= max => (min, max),
        _ => {
            findings.note("flink.taskManagers", "give count, or min and max with min not above max");
            (1, 1)
        }
    }
}

fn size(field: &str, given: (Option<Quantity>, Option<Quantity>), or: (&str, &mut Findings)) -> (Quantity, Quantity) {
    let (default, findings) = or;
    let cpu = quantity(&format!("{field}.cpu"), given.0.as_ref(), ("500m", findings));
    let memory = quantity(&format!("{field}.memory"), given.1.as_ref(), (default, findings));
    if memory.units().is_some_and(|b| b < LEAST * MIB) {
        let advice = format!("`{}` leaves Flink no heap; give at least {LEAST}Mi", memory.0);
        findings.note(format!("{field}.memory"), advice);
    }
    (cpu, memory)
}

fn state(own: &StateSpec, place: (String, String), with: (&Names, &mut Findings)) -> Option<State> {
    let (names, findings) = with;
    let (bucket, prefix) = place;
    let mut time = |field: &str, value: &Option<millrace_crds::Duration>| {
        let value = value.as_ref()?;
        let seconds = value.seconds().filter(|s| *s > 0);
        if seconds.is_none() {
            let advice = format!("`{}` is not a duration; use for example 90s, 10m or 6h", value.0);
            findings.note(format!("flink.state.{field}"), advice);
        }
        seconds.map(Duration::from_secs)
    };
    let checkpoint_every = time("checkpointEvery", &own.checkpoint_every).unwrap_or(Duration::from_secs(60));
    let savepoint_every = time("savepointEvery", &own.savepoint_every);
    let rollback_after = time("rollbackAfter", &own.rollback_after);
    let restore_from = match own.restore_from.as_deref() {
        None | Some("Latest") => RestoreFrom::Latest,
        Some("Empty") => RestoreFrom::Empty,
        Some(path) => {
            names.check("flink.state.restoreFrom", path, findings);
            RestoreFrom::Path(path.to_owned())
        }
    };
    Some(State {
        bucket,
        prefix,
        checkpoint_every,
        savepoint_every,
        keep: own.keep.and_then(|k| usize::try_from(k).ok()).unwrap_or(3),
        upgrade: own.upgrade.unwrap_or_default(),
        restore_from,
        on_delete: own.on_delete.unwrap_or_default(),
        rollback_after,
        allow_non_restored: own.allow_non_restored.unwrap_or(false),
    })
}

/// Whether this is a variable of Flink's own scripts, which Millrace sets.
pub(crate) fn reserves(variable: &str) -> bool {
    variable.starts_with("FLINK_") || variable.starts_with("_POD_") || variable == "ENABLE_BUILT_IN_PLUGINS"
}

/// Options that would take the application out of our hands, with what to use instead.
fn forbidden(key: &str) -> Option<&'static str> {
    match key {
        "execution.checkpointing.dir"
        | "state.checkpoints.dir"
        | "execution.checkpointing.savepoint-dir"
        | "state.savepoints.dir" => Some("state lies below state.bucket; use state"),
        "execution.checkpointing.interval" => Some("use state.checkpointEvery"),
        "execution.checkpointing.externalized-checkpoint-retention" => {
            Some("a checkpoint outlives its attempt; remove it")
        }
        "execution.runtime-mode" => Some("use mode"),
        "parallelism.default" => Some("use parallelism"),
        "taskmanager.numberOfTaskSlots" | "jobmanager.scheduler" => Some("use taskManagers"),
        "jobmanager.memory.process.size" => Some("use jobManager.memory"),
        "taskmanager.memory.process.size" => Some("use taskManagers.memory"),
        "pipeline.jars" | "pipeline.name" => Some("the application is main; remove it"),
        _ if key.starts_with("kubernetes.") => Some("use jobManager, taskManagers, pod and env"),
        _ if key.starts_with("high-availability") => Some("a streaming job with state has it; use state"),
        _ if key.starts_with("s3.") || key.starts_with("fs.s3") => {
            Some("access to the store follows from reads and writes; remove it")
        }
        _ if key.starts_with("$internal.") || key.starts_with("internal.") => Some("it is Millrace's; remove it"),
        _ if key.starts_with("execution.state-recovery.") || key.starts_with("execution.savepoint") => {
            Some("use state.restoreFrom and state.allowNonRestored")
        }
        _ if key.starts_with("rest.") || key.starts_with("jobmanager.rpc.") || key.starts_with("job-result-store.") => {
            Some("it is Millrace's; remove it")
        }
        "execution.target" | "execution.attached" | "execution.shutdown-on-application-finish" => {
            Some("it is Millrace's; remove it")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::inserts;

    #[test]
    fn statements_are_counted() {
        assert_eq!(inserts("CREATE TABLE a; -- INSERT INTO x;\ninsert into a select 1;"), 1);
        assert_eq!(inserts("INSERT INTO a SELECT 1; INSERT INTO b SELECT 2"), 2);
    }
}

//! The section `spark`, parsed and sized.

use std::collections::BTreeMap;

use millrace_crds::{
    Quantity, SparkSpec,
    engines::{ExecutorsSpec, PullPolicy, SparkMode},
};

use crate::model::{
    fields::{quantity, texts},
    findings::Findings,
    place::Prefix,
    references::Names,
    section::{Section, Workers},
};

const MIB: u64 = 1 << 20;
/// Spark refuses to start with less heap than 450 MiB (1.5 times its reserved 300 MiB).
const LEAST_HEAP: u64 = 450;
/// What Spark itself sets aside at least, beside the heap.
const LEAST_OVERHEAD: u64 = 384;

/// A Spark application, sized.
pub(crate) struct Spark {
    pub image: String,
    pub pull: PullPolicy,
    pub program: Program,
    /// Maven coordinates.
    pub packages: Vec<String>,
    pub jars: Vec<String>,
    pub py_files: Vec<String>,
    pub conf: BTreeMap<String, String>,
    pub driver: Size,
    pub executor: Size,
    pub executors: Executors,
    /// Where the event log goes.
    pub event_log: Option<Prefix>,
    /// Where a streaming application keeps its progress; none for batch.
    pub checkpoint: Option<Prefix>,
}

impl Spark {
    /// The Python program of a streaming application, which our runner stops between two batches.
    pub(crate) fn runs_in_batches(&self) -> Option<&str> {
        match &self.program {
            Program::Main { uri, .. } if self.checkpoint.is_some() && !uri.ends_with(".jar") => Some(uri),
            _ => None,
        }
    }
}

/// What the driver runs.
pub(crate) enum Program {
    /// A `.py` or `.jar` with its arguments.
    Main { uri: String, class: Option<String>, args: Vec<String> },
    /// Statements.
    Sql(String),
}

/// How many executors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Executors {
    /// The driver runs the tasks itself.
    None,
    Fixed(i32),
    /// As the work needs, at least and at most.
    Range(i32, i32),
}

/// The size of one JVM's pod.
#[derive(Clone, Debug)]
pub(crate) struct Size {
    pub cpu: Quantity,
    /// Task slots: the cores, rounded up.
    pub cores: u64,
    pub memory: Quantity,
    /// Of the memory, in MiB.
    pub heap: u64,
    /// The rest of the memory, in MiB.
    pub overhead: u64,
}

/// Name of the engine.
pub(crate) const NAME: &str = "spark";

impl Section for Spark {
    fn engine(&self) -> &'static str {
        NAME
    }

    fn suffix(&self) -> &'static str {
        "driver"
    }

    fn memory(&self) -> (&'static str, &Quantity) {
        ("spark.driver.memory", &self.driver.memory)
    }

    fn worker_memory(&self) -> Option<(&'static str, &Quantity)> {
        (self.executors != Executors::None).then_some(("spark.executors.memory", &self.executor.memory))
    }

    fn workers(&self) -> Option<Workers> {
        let fewest = match self.executors {
            Executors::None => return None,
            Executors::Fixed(count) => count,
            Executors::Range(min, _) => min,
        };
        let wanted = usize::try_from(fewest).unwrap_or(0);
        Some(Workers { name: "executors", label: "spark-app-selector", wanted })
    }

    fn scheme(&self) -> &'static str {
        "s3a"
    }
}

/// Reads the section of the job of this name.
pub(crate) fn parse(spec: &SparkSpec, job: &str, names: &Names, findings: &mut Findings) -> Option<Spark> {
    names.check("spark.image", &spec.image, findings);
    let program = program(spec, names, findings);
    texts("spark.jars", &spec.jars, (names, findings));
    texts("spark.pyFiles", &spec.py_files, (names, findings));
    for (key, value) in &spec.conf {
        let field = format!("spark.conf[{key}]");
        if let Some(advice) = forbidden(key) {
            findings.note(&field, advice);
        }
        names.check(&field, value, findings);
    }
    let jvm = match &program {
        Some(Program::Main { uri, .. }) => uri.ends_with(".jar"),
        _ => true,
    };
    let driver = spec.driver.clone().unwrap_or_default();
    let executors = spec.executors.clone().unwrap_or_default();
    let count = executors_of(&executors, findings);
    let event_log = spec.event_log.as_deref().and_then(Prefix::of);
    let driver = size("spark.driver", (driver.cpu, driver.memory), (jvm, findings));
    let executor = size("spark.executors", (executors.cpu, executors.memory), (jvm, findings));
    Some(Spark {
        image: spec.image.clone(),
        pull: spec.image_pull_policy.unwrap_or_default(),
        program: program?,
        packages: spec.packages.clone(),
        jars: spec.jars.clone(),
        py_files: spec.py_files.clone(),
        conf: spec.conf.clone(),
        driver: driver?,
        executor: executor?,
        executors: count,
        event_log,
        checkpoint: checkpoint(spec, job, findings),
    })
}

/// Exactly one of a program and SQL.
fn program(spec: &SparkSpec, names: &Names, findings: &mut Findings) -> Option<Program> {
    texts("spark.args", &spec.args, (names, findings));
    match (&spec.main, &spec.sql) {
        (Some(uri), None) => {
            names.check("spark.main", uri, findings);
            if !uri.ends_with(".jar") && spec.class.is_some() {
                findings.note("spark.class", "a class belongs to a .jar; leave it out for a .py");
            }
            Some(Program::Main { uri: uri.clone(), class: spec.class.clone(), args: spec.args.clone() })
        }
        (None, Some(sql)) => {
            names.check("spark.sql", sql, findings);
            if !spec.args.is_empty() || spec.class.is_some() {
                findings.note("spark.sql", "args and class belong to main; write values into the sql itself");
            }
            Some(Program::Sql(sql.clone()))
        }
        _ => {
            findings.note("spark.main", "give exactly one of main, sql");
            None
        }
    }
}

/// The place of a streaming application's progress.
/// A place for this job alone, where a whole bucket was named: two jobs in one would read each other's progress.
pub(crate) fn of_job(place: Prefix, job: &str) -> Prefix {
    let prefix = if place.prefix.is_empty() { format!("spark/{job}/") } else { place.prefix };
    Prefix { prefix, ..place }
}

fn checkpoint(spec: &SparkSpec, job: &str, findings: &mut Findings) -> Option<Prefix> {
    let streams = spec.mode.unwrap_or_default() == SparkMode::Streaming;
    if streams != spec.checkpoint.is_some() {
        findings.note("spark.checkpoint", "mode Streaming and checkpoint belong together; give both or neither");
    }
    if streams && spec.sql.is_some() {
        findings.note("spark.sql", "sql runs to its end; mode Streaming needs main");
    }
    spec.checkpoint.as_deref().and_then(Prefix::of).map(|place| of_job(place, job))
}

fn executors_of(spec: &ExecutorsSpec, findings: &mut Findings) -> Executors {
    match (spec.count, spec.min, spec.max) {
        (Some(0), None, None) => Executors::None,
        (count, None, None) => Executors::Fixed(count.unwrap_or(1)),
        (None, Some(min), Some(max)) if min <= max => Executors::Range(min, max),
        (None, Some(min), Some(max)) => {
            findings.note("spark.executors.min", format!("{min} is more than max, {max}"));
            Executors::None
        }
        _ => {
            findings.note("spark.executors", "give either count, or min and max");
            Executors::None
        }
    }
}

/// Properties that would take the application out of our hands, with what to use instead.
fn forbidden(key: &str) -> Option<&'static str> {
    match key {
        "spark.master" | "spark.submit.deployMode" => Some("the master is Millrace's; remove it"),
        "spark.driver.host"
        | "spark.driver.bindAddress"
        | "spark.driver.port"
        | "spark.driver.blockManager.port"
        | "spark.blockManager.port" => Some("addresses and ports are Millrace's; remove it"),
        "spark.driver.memory" | "spark.driver.cores" | "spark.driver.memoryOverhead" => {
            Some("use spark.driver.cpu and spark.driver.memory of the job")
        }
        "spark.executor.memory"
        | "spark.executor.cores"
        | "spark.executor.memoryOverhead"
        | "spark.executor.instances" => Some("use spark.executors of the job"),
        "spark.dynamicAllocation.enabled"
        | "spark.dynamicAllocation.minExecutors"
        | "spark.dynamicAllocation.maxExecutors"
        | "spark.dynamicAllocation.initialExecutors" => Some("use spark.executors.min and max of the job"),
        "spark.jars" | "spark.jars.packages" | "spark.submit.pyFiles" => {
            Some("use spark.jars, spark.packages and spark.pyFiles of the job")
        }
        "spark.sql.streaming.checkpointLocation" => Some("use spark.checkpoint of the job"),
        "spark.eventLog.enabled" | "spark.eventLog.dir" => Some("use spark.eventLog of the job"),
        "spark.app.id" => Some("the id is the attempt's name; remove it"),
        _ if key.starts_with("spark.kubernetes.") => Some("use driver, executors, pod and env of the job"),
        _ if key.starts_with("spark.hadoop.fs.s3a.aws.") || key.starts_with("spark.hadoop.fs.s3a.endpoint") => {
            Some("access to the store follows from reads and writes; remove it")
        }
        _ if !key.starts_with("spark.") => {
            Some("Spark ignores properties that do not begin with spark.; write spark.…")
        }
        _ => None,
    }
}

/// Heap and overhead out of the whole memory: Spark's own rule (a tenth for a jar or SQL, four tenths beside a Python worker,
/// at least 384 MiB), solved for the heap.
fn size(field: &str, given: (Option<Quantity>, Option<Quantity>), with: (bool, &mut Findings)) -> Option<Size> {
    let (jvm, findings) = with;
    let cpu = quantity(&format!("{field}.cpu"), given.0.as_ref(), ("500m", findings));
    let memory = quantity(&format!("{field}.memory"), given.1.as_ref(), ("1Gi", findings));
    let total = memory.units()? / MIB;
    let share = if jvm { total / 11 } else { total * 2 / 7 };
    let overhead = share.max(LEAST_OVERHEAD);
    let heap = total.saturating_sub(overhead);
    if heap < LEAST_HEAP {
        let least = LEAST_HEAP + LEAST_OVERHEAD;
        findings.note(
            format!("{field}.memory"),
            format!("`{}` leaves {heap} MiB of heap, and Spark needs {LEAST_HEAP}; give at least {least}Mi", memory.0),
        );
    }
    let cores = cpu.thousandths()?.div_ceil(1000).max(1);
    Some(Size { cpu, cores, memory, heap, overhead })
}

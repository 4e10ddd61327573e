//! The section `spark`, parsed and sized.

use std::collections::BTreeMap;

use millrace_crds::{Quantity, SparkSpec, engines::PullPolicy};

use super::{Findings, Names, bytes, millis, quantity, texts};

const MIB: u64 = 1 << 20;
/// Spark refuses to start with less heap than 450 MiB (1.5 times its reserved 300 MiB).
const LEAST_HEAP: u64 = 450;
/// What Spark itself sets aside at least, beside the heap.
const LEAST_OVERHEAD: u64 = 384;

/// A Spark application, sized.
pub(crate) struct Spark {
    pub image: String,
    pub pull: PullPolicy,
    pub main: String,
    pub class: Option<String>,
    pub args: Vec<String>,
    pub conf: BTreeMap<String, String>,
    pub driver: Size,
    pub executor: Size,
    /// 0 means that the driver runs the tasks itself.
    pub executors: i32,
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

/// Reads the section.
pub(super) fn parse(spec: &SparkSpec, names: &Names, findings: &mut Findings) -> Option<Spark> {
    names.check("spark.image", &spec.image, findings);
    names.check("spark.main", &spec.main, findings);
    texts("spark.args", &spec.args, (names, findings));
    for (key, value) in &spec.conf {
        let field = format!("spark.conf[{key}]");
        if let Some(advice) = forbidden(key) {
            findings.note(&field, advice);
        }
        names.check(&field, value, findings);
    }
    let jar = spec.main.ends_with(".jar");
    if !jar && spec.class.is_some() {
        findings.note("spark.class", "a class belongs to a .jar; leave it out for a .py");
    }
    let driver = spec.driver.clone().unwrap_or_default();
    let executors = spec.executors.clone().unwrap_or_default();
    let count = executors.count.unwrap_or(1);
    let driver = size("spark.driver", (driver.cpu, driver.memory), (jar, findings));
    let executor = size("spark.executors", (executors.cpu, executors.memory), (jar, findings));
    Some(Spark {
        image: spec.image.clone(),
        pull: spec.image_pull_policy.unwrap_or_default(),
        main: spec.main.clone(),
        class: spec.class.clone(),
        args: spec.args.clone(),
        conf: spec.conf.clone(),
        driver: driver?,
        executor: executor?,
        executors: count,
    })
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

/// Heap and overhead out of the whole memory: Spark's own rule (a tenth for a jar, four tenths beside a Python worker,
/// at least 384 MiB), solved for the heap.
fn size(field: &str, given: (Option<Quantity>, Option<Quantity>), with: (bool, &mut Findings)) -> Option<Size> {
    let (jar, findings) = with;
    let cpu = quantity(&format!("{field}.cpu"), given.0.as_ref(), ("500m", findings));
    let memory = quantity(&format!("{field}.memory"), given.1.as_ref(), ("1Gi", findings));
    let total = bytes(&memory)? / MIB;
    let share = if jar { total / 11 } else { total * 2 / 7 };
    let overhead = share.max(LEAST_OVERHEAD);
    let heap = total.saturating_sub(overhead);
    if heap < LEAST_HEAP {
        let least = LEAST_HEAP + LEAST_OVERHEAD;
        findings.note(
            format!("{field}.memory"),
            format!("`{}` leaves {heap} MiB of heap, and Spark needs {LEAST_HEAP}; give at least {least}Mi", memory.0),
        );
    }
    let cores = millis(&cpu)?.div_ceil(1000).max(1);
    Some(Size { cpu, cores, memory, heap, overhead })
}

//! `spark.properties`: the user's below, ours on top.

use std::{collections::BTreeMap, fmt::Write as _};

use millrace_kit::refs;

use super::{
    graceful_stop, layout,
    spec::{Executors, Program, Size, Spark},
};
use crate::{build::BuildContext, model::Section, objects::common};

/// The provider that reads profiles from `AWS_CONFIG_FILE`: its `credential_process` prints what the kubelet renews.
const PROVIDER: &str = "software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider";

/// What holds unless the user says otherwise: what goes over the network or to a disk is encrypted, and the JVM ends with
/// the program even if a thread of it does not (from 4.1 on; older ones wait for the thread).
const DEFAULTS: [(&str, &str); 3] = [
    ("spark.network.crypto.enabled", "true"),
    ("spark.io.encryption.enabled", "true"),
    ("spark.submit.callSystemExitOnMainExit", "true"),
];

/// The same for a number of executors that follows the work: Spark's own default lets shuffle data keep one for ever.
const RANGE_DEFAULTS: [(&str, &str); 1] = [("spark.dynamicAllocation.shuffleTracking.timeout", "600s")];

/// The same for SQL: no metastore, and nothing written outside the scratch space.
const SQL_DEFAULTS: [(&str, &str); 2] =
    [("spark.sql.catalogImplementation", "in-memory"), ("spark.sql.warehouse.dir", "/tmp/warehouse")];

/// The file.
pub(crate) fn text(context: &BuildContext<'_>, own: &Spark) -> String {
    let sql = matches!(own.program, Program::Sql(_));
    let range = matches!(own.executors, Executors::Range(..));
    let defaults = DEFAULTS.iter().chain(SQL_DEFAULTS.iter().filter(|_| sql));
    let defaults = defaults.chain(RANGE_DEFAULTS.iter().filter(|_| range));
    let mut all: BTreeMap<String, String> = defaults.map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    all.extend(own.conf.iter().map(|(key, value)| (key.clone(), context.fill_file(value))));
    let mut set = |key: &str, value: String| {
        all.insert(key.to_owned(), value);
    };
    let job = context.job.metadata.name.clone().unwrap_or_default();
    set("spark.app.name", job);
    set("spark.app.id", context.attempt.name.clone());
    set("spark.driver.port", layout::RPC_PORT.to_string());
    set("spark.driver.blockManager.port", layout::BLOCK_PORT.to_string());
    set("spark.ui.port", layout::UI_PORT.to_string());
    set("spark.driver.memory", format!("{}m", own.driver.heap));
    set("spark.jars.ivy", "/tmp/.ivy".to_owned());
    set("spark.authenticate", "true".to_owned());
    if own.executors == Executors::None {
        set("spark.master", format!("local[{}]", own.driver.cores));
    } else {
        cluster(context, own, &mut set);
    }
    files(context, own, &mut set);
    if let Some(place) = own.checkpoint.as_ref().and_then(|place| context.uri(place)) {
        set("spark.sql.streaming.checkpointLocation", place);
    }
    if let Some(log) = own.event_log.as_ref().and_then(|place| context.uri(place)) {
        set("spark.eventLog.enabled", "true".to_owned());
        set("spark.eventLog.dir", log);
    }
    for (key, value) in store(context) {
        set(&format!("spark.hadoop.{key}"), value);
    }
    all.iter().fold(String::new(), |mut file, (key, value)| {
        let _ = writeln!(file, "{}={}", escape(key, true), escape(value, false));
        file
    })
}

/// What is fetched before the program starts, by the driver and by nobody else.
fn files(context: &BuildContext<'_>, own: &Spark, set: &mut impl FnMut(&str, String)) {
    let fill = |list: &[String]| -> Vec<String> { list.iter().map(|text| context.fill_file(text)).collect() };
    let (packages, jars, mut python) = (fill(&own.packages), fill(&own.jars), fill(&own.py_files));
    // The program is one of the driver's arguments, which a kubelet reads.
    let known = common::known(&[common::env(context), common::users_env(context, false)].concat());
    python.extend(graceful_stop::fetched(own).map(|uri| refs::expand_kubelet(&context.fill(uri), &known)));
    let lists = [("spark.jars.packages", packages), ("spark.jars", jars), ("spark.submit.pyFiles", python)];
    for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        set(key, list.join(","));
    }
}

fn cluster(context: &BuildContext<'_>, spark: &Spark, set: &mut impl FnMut(&str, String)) {
    let Size { cpu, cores, heap, overhead, .. } = &spark.executor;
    let namespace = context.job.metadata.namespace.clone().unwrap_or_default();
    set("spark.master", "k8s://https://kubernetes.default.svc".to_owned());
    set("spark.kubernetes.submitInDriver", "true".to_owned());
    set("spark.kubernetes.namespace", namespace);
    set("spark.kubernetes.driver.pod.name", format!("{}-{}", context.attempt.name, spark.suffix()));
    set("spark.kubernetes.executor.podNamePrefix", context.attempt.name.clone());
    set("spark.kubernetes.container.image", context.fill_file(&spark.image));
    set("spark.kubernetes.container.image.pullPolicy", common::pull(spark.pull).to_owned());
    set("spark.kubernetes.executor.podTemplateFile", format!("{}/{}", layout::MOUNT, layout::TEMPLATE));
    set("spark.kubernetes.executor.podTemplateContainerName", layout::EXECUTOR_CONTAINER.to_owned());
    // The driver's account is not the executors': they get no token at all.
    set("spark.kubernetes.authenticate.executor.serviceAccountName", "default".to_owned());
    // Without a ConfigMap of its own the driver needs rights on pods only.
    set("spark.kubernetes.executor.disableConfigMap", "true".to_owned());
    // No claims and no Service: asking for them would end in refusals, whose traces hide the application's last words.
    set("spark.kubernetes.driver.ownPersistentVolumeClaim", "false".to_owned());
    set("spark.kubernetes.driver.reusePersistentVolumeClaim", "false".to_owned());
    set("spark.kubernetes.driver.service.deleteOnTermination", "false".to_owned());
    set("spark.kubernetes.executor.enablePollingWithResourceVersion", "true".to_owned());
    set("spark.kubernetes.executor.request.cores", cpu.0.clone());
    set("spark.executor.cores", cores.to_string());
    set("spark.executor.memory", format!("{heap}m"));
    set("spark.executor.memoryOverhead", format!("{overhead}m"));
    match spark.executors {
        Executors::None => {}
        Executors::Fixed(count) => set("spark.executor.instances", count.to_string()),
        Executors::Range(min, max) => {
            // Executors that hold shuffle data stay, since there is no shuffle service.
            set("spark.dynamicAllocation.enabled", "true".to_owned());
            set("spark.dynamicAllocation.shuffleTracking.enabled", "true".to_owned());
            set("spark.dynamicAllocation.minExecutors", min.to_string());
            set("spark.dynamicAllocation.initialExecutors", min.to_string());
            set("spark.dynamicAllocation.maxExecutors", max.to_string());
        }
    }
}

/// The store in Hadoop's words; nothing where no bucket is granted.
pub(crate) fn store(context: &BuildContext<'_>) -> Vec<(&'static str, String)> {
    let Some((grant, endpoint)) = context.grant().and_then(|grant| Some((grant, grant.endpoint.clone()?))) else {
        return Vec::new();
    };
    let mut all = vec![
        ("fs.s3a.connection.ssl.enabled", endpoint.starts_with("https://").to_string()),
        ("fs.s3a.endpoint", endpoint),
        ("fs.s3a.path.style.access", grant.path_style.to_string()),
        ("fs.s3a.aws.credentials.provider", PROVIDER.to_owned()),
        // Version 1 renames through `_temporary`, whose delete markers a versioned bucket still lists: the second run
        // into a prefix would fail. A rename in an object store is no more atomic than version 2 anyway.
        ("mapreduce.fileoutputcommitter.algorithm.version", "2".to_owned()),
    ];
    all.extend(grant.region.clone().map(|region| ("fs.s3a.endpoint.region", region)));
    all
}

/// The escapes of Java's properties format.
fn escape(text: &str, key: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{c}' => out.push_str("\\f"),
            ' ' if key || at == 0 => out.push_str("\\ "),
            '=' | ':' | '#' | '!' if key || at == 0 => {
                out.push('\\');
                out.push(c);
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn properties_are_escaped() {
        assert_eq!(escape("a b=c", true), "a\\ b\\=c");
        assert_eq!(escape(" x=1\ny\\", false), "\\ x=1\\ny\\\\");
    }
}

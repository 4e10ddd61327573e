//! `spark.properties`: the user's below, ours on top.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{conf, driver, executor, parts};
use crate::{
    engine::{Engine, Plan},
    model::{Size, Spark},
    observe::GrantView,
};

/// The provider that reads profiles from `AWS_CONFIG_FILE`: its `credential_process` prints what the kubelet renews.
const PROVIDER: &str = "software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider";

/// The file.
pub(crate) fn text(plan: &Plan<'_>, own: &Spark) -> String {
    let mut all: BTreeMap<String, String> =
        own.conf.iter().map(|(key, value)| (key.clone(), plan.fill_file(value))).collect();
    let mut set = |key: &str, value: String| {
        all.insert(key.to_owned(), value);
    };
    let job = plan.job.metadata.name.clone().unwrap_or_default();
    set("spark.app.name", job);
    set("spark.app.id", plan.base.to_owned());
    set("spark.driver.port", driver::RPC_PORT.to_string());
    set("spark.driver.blockManager.port", driver::BLOCK_PORT.to_string());
    set("spark.ui.port", driver::UI_PORT.to_string());
    set("spark.driver.memory", format!("{}m", own.driver.heap));
    set("spark.jars.ivy", "/tmp/.ivy".to_owned());
    match own.executors {
        0 => set("spark.master", format!("local[{}]", own.driver.cores)),
        count => cluster(plan, (own, count), &mut set),
    }
    if let Some(grant) = plan.grant() {
        store(grant, &mut set);
    }
    all.iter().fold(String::new(), |mut file, (key, value)| {
        let _ = writeln!(file, "{}={}", escape(key, true), escape(value, false));
        file
    })
}

fn cluster(plan: &Plan<'_>, own: (&Spark, i32), set: &mut impl FnMut(&str, String)) {
    let (spark, count) = own;
    let Size { cpu, cores, heap, overhead, .. } = &spark.executor;
    let namespace = plan.job.metadata.namespace.clone().unwrap_or_default();
    set("spark.master", "k8s://https://kubernetes.default.svc".to_owned());
    set("spark.kubernetes.submitInDriver", "true".to_owned());
    set("spark.kubernetes.namespace", namespace);
    set("spark.kubernetes.driver.pod.name", format!("{}-{}", plan.base, spark.suffix()));
    set("spark.kubernetes.executor.podNamePrefix", plan.base.to_owned());
    set("spark.kubernetes.container.image", plan.fill_file(&spark.image));
    set("spark.kubernetes.container.image.pullPolicy", parts::pull(spark.pull).to_owned());
    set("spark.kubernetes.executor.podTemplateFile", format!("{}/{}", conf::MOUNT, conf::TEMPLATE));
    set("spark.kubernetes.executor.podTemplateContainerName", executor::CONTAINER.to_owned());
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
    set("spark.authenticate", "true".to_owned());
    set("spark.executor.instances", count.to_string());
    set("spark.executor.cores", cores.to_string());
    set("spark.executor.memory", format!("{heap}m"));
    set("spark.executor.memoryOverhead", format!("{overhead}m"));
}

fn store(grant: &GrantView, set: &mut impl FnMut(&str, String)) {
    let Some(endpoint) = &grant.endpoint else { return };
    set("spark.hadoop.fs.s3a.endpoint", endpoint.clone());
    set("spark.hadoop.fs.s3a.connection.ssl.enabled", endpoint.starts_with("https://").to_string());
    set("spark.hadoop.fs.s3a.path.style.access", grant.path_style.to_string());
    set("spark.hadoop.fs.s3a.aws.credentials.provider", PROVIDER.to_owned());
    // Version 1 renames through `_temporary`, whose delete markers a versioned bucket still lists: the second run into a
    // prefix would fail. A rename in an object store is no more atomic than version 2 anyway.
    set("spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version", "2".to_owned());
    if let Some(region) = &grant.region {
        set("spark.hadoop.fs.s3a.endpoint.region", region.clone());
    }
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

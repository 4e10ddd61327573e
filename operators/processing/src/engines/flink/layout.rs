//! Where Flink is and where it keeps its state: ports, paths, and what an attempt begins with.

use millrace_crds::{data_grant::GrantedBucket, processing_job::FlinkAttempt};

use crate::{
    build::BuildContext,
    engines::flink::spec::State,
    job::restore_point::EMPTY,
    seen::{GrantView, WorkloadView},
};

/// Key of the settings.
pub(crate) const CONFIG: &str = "config.yaml";
/// Key of the log settings.
pub(crate) const LOG: &str = "log4j-console.properties";
/// Key of the TaskManagers' template; Flink looks for a file of that name.
pub(crate) const TEMPLATE: &str = "taskmanager-pod-template.yaml";
/// Key of the entry point.
pub(crate) const ENTRY: &str = "entry.sh";
/// Where the entry point is in a pod.
pub(crate) const ENTRY_PATH: &str = "/etc/millrace/flink/entry.sh";

/// Where TaskManagers report.
pub(crate) const RPC_PORT: i32 = 6123;
/// Where TaskManagers fetch what is too big for a message.
pub(crate) const BLOB_PORT: i32 = 6124;
/// The port of Flink's REST API.
pub(crate) const REST_PORT: i32 = 8081;

/// The file that makes a folder a savepoint or checkpoint.
const METADATA: &str = "_metadata";

/// Bucket and key of the file that makes a restore point one: `$(bucket.NAME)/KEY`, or a URI of a bucket whose name on
/// the store is known. Nothing is claimed of other places.
pub(crate) fn metadata(path: &str, known: &[GrantedBucket]) -> Option<(String, String)> {
    let (bucket, key) = match path.strip_prefix("$(bucket.") {
        Some(rest) => rest.split_once(")/").map(|(name, key)| (name.to_owned(), key))?,
        None => {
            let (real, key) = path.split_once("://")?.1.split_once('/')?;
            (known.iter().find(|b| b.bucket_name == real)?.name.clone(), key)
        }
    };
    let key = key.trim_matches('/');
    let key = if key.ends_with(METADATA) { key.to_owned() } else { format!("{key}/{METADATA}") };
    (!key.contains('$')).then_some((bucket, key))
}

/// Where a job keeps its state, as a URI with a slash at the end; known once its grant is.
pub(crate) fn root(context: &BuildContext<'_>, state: &State) -> Option<String> {
    resolve(context.grant()?, &state.bucket, &state.prefix)
}

/// As [`root`], for `bucket/NAME/prefix/`.
pub(crate) fn stored_root(grant: &GrantView, place: &str) -> Option<String> {
    let (name, prefix) = place.strip_prefix("bucket/")?.split_once('/')?;
    resolve(grant, name, prefix)
}

fn resolve(grant: &GrantView, name: &str, prefix: &str) -> Option<String> {
    let bucket = grant.buckets.iter().find(|b| b.name == name)?;
    Some(format!("s3://{}/{prefix}", bucket.bucket_name))
}

/// Where a JobManager's REST API is.
pub(crate) fn url(manager: &WorkloadView) -> Option<String> {
    manager.url(REST_PORT)
}

/// Where Flink puts a folder of checkpoints for each job.
pub(crate) fn checkpoints(root: &str) -> String {
    format!("{root}checkpoints")
}

/// Where savepoints go.
pub(crate) fn savepoints(root: &str) -> String {
    format!("{root}savepoints")
}

/// How a job takes over what it is restored from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimMode {
    /// It becomes its own, and goes when newer checkpoints have replaced it.
    Claim,
    /// It stays untouched.
    NoClaim,
}

/// How an attempt begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlinkStart {
    /// Flink's id of the job.
    pub job_id: String,
    /// What it is restored from, if anything.
    pub restore: Option<(String, ClaimMode)>,
    /// The parallelism that was stored for it.
    pub parallelism: Option<i32>,
}

impl FlinkStart {
    /// As the status says.
    pub(crate) fn of(stored: &FlinkAttempt, context: &BuildContext<'_>) -> Self {
        let claim = if stored.claims == Some(true) { ClaimMode::Claim } else { ClaimMode::NoClaim };
        let path = stored.restored_from.clone().filter(|path| path != EMPTY);
        let restore = path.map(|path| (context.fill_file(&path), claim));
        Self { job_id: stored.job_id.clone(), restore, parallelism: stored.parallelism }
    }
}

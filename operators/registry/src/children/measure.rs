//! The Job that counts the files of a ModelVersion's source, and the grant it does so with.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::{ResourceExt, core::ObjectMeta};
use millrace_crds::{
    Access, DataGrant, DataGrantSpec, ModelVersion,
    data_grant::{AccessRequest, Holder},
    well_known::{GRANT_KEY_AWS_CONFIG, GRANT_MOUNT_PATH, LABEL_OWNER_KIND, LABEL_OWNER_UID, LABEL_ROLE},
};
use millrace_kit::Child;

use super::{job, pod};
use crate::pods::{MEASURE, container_of};

const PROGRAM: &str = include_str!("measure.py");
/// Longest time one attempt may take, in seconds: the image's pull, the wait for a node, a list of some million files.
const DEADLINE: i64 = 600;
/// Longest prefix a grant takes is 512 characters, and its policy repeats it.
const MAX_PREFIX: usize = 256;

/// What is measured, and by which image.
pub(crate) struct What<'a> {
    /// Name of the grant and of its Secret.
    pub(crate) grant: &'a str,
    /// Name of the DataBucket, and its DataPlane.
    pub(crate) bucket: (&'a str, &'a str),
    /// Bucket on the store.
    pub(crate) store: &'a str,
    /// The key, without a slash at its end.
    pub(crate) path: &'a str,
    /// Image with Python and boto3: that of the registry.
    pub(crate) image: (&'a str, &'a str),
}

/// The name of the Job of an attempt.
pub(crate) fn job_name(version: &ModelVersion, attempt: i64) -> String {
    millrace_kit::names::child(
        &version.name_any(),
        &version.uid().unwrap_or_default(),
        &["measure", &attempt.to_string()],
    )
}

fn meta(version: &ModelVersion, name: &str) -> ObjectMeta {
    let labels = [
        (LABEL_OWNER_KIND, "ModelVersion".to_owned()),
        (LABEL_OWNER_UID, version.uid().unwrap_or_default()),
        (LABEL_ROLE, MEASURE.to_owned()),
    ];
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ..ObjectMeta::default()
    }
}

/// The grant: reading below the source. A source may be one file, so the prefix ends without a slash.
pub(crate) fn grant(version: &ModelVersion, what: &What<'_>) -> Child {
    let (bucket, data_plane) = what.bucket;
    let grant = DataGrant {
        metadata: meta(version, what.grant),
        spec: DataGrantSpec {
            data_plane: data_plane.to_owned(),
            holder: Holder {
                kind: "ModelVersion".to_owned(),
                name: version.name_any(),
                uid: version.uid().unwrap_or_default(),
            },
            access: vec![AccessRequest {
                bucket: Some(bucket.to_owned()),
                prefix: Some(prefix(what.path).to_owned()),
                mode: Access::Read,
                ..AccessRequest::default()
            }],
            ..DataGrantSpec::default()
        },
        status: None,
    };
    Child::of(version, &grant)
}

/// The path, or of a very long one its first directories.
fn prefix(path: &str) -> &str {
    if path.len() <= MAX_PREFIX {
        return path;
    }
    let head = millrace_kit::conditions::cut(path, MAX_PREFIX);
    head.rfind('/').and_then(|end| head.get(..=end)).unwrap_or(head)
}

/// The Job of this name, on the Secret of the grant.
pub(crate) fn job(version: &ModelVersion, what: &What<'_>, name: &str) -> Child {
    let (image, pull_policy) = what.image;
    let mut container = pod::bare(container_of(MEASURE), image, pull_policy, PROGRAM);
    container.args = Some(vec![what.store.to_owned(), pod::verbatim(what.path)]);
    container.env.get_or_insert_default().extend([
        pod::plain("AWS_CONFIG_FILE", &format!("{GRANT_MOUNT_PATH}/{GRANT_KEY_AWS_CONFIG}")),
        pod::plain("AWS_EC2_METADATA_DISABLED", "true"),
    ]);
    container.resources = Some(pod::size(&Quantity("50m".to_owned()), &Quantity("256Mi".to_owned())));
    container.volume_mounts.get_or_insert_default().push(pod::read_only("grant", GRANT_MOUNT_PATH));
    let mut spec = pod::spec(container, pod::SCRATCH);
    spec.volumes.get_or_insert_default().push(pod::secret_volume("grant", what.grant, false));
    Child::of(version, &job::job(meta(version, name), spec, DEADLINE))
}

//! Names that more than one operator must spell alike: labels, annotations, Secret keys, mount paths.
//!
//! Operators never depend on each other; they meet in the Kubernetes API, and these words are part of it.
//! Never put here a name only one operator uses.

/// API group of every kind.
pub const GROUP: &str = "millrace.dev";
/// The only version so far.
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` of every kind.
pub const API_VERSION: &str = "millrace.dev/v1alpha1";
/// Name of the DataPlane meant when an object names none.
pub const DEFAULT_DATA_PLANE: &str = "default";

/// Label on children: the kind that owns them, for example `ProcessingJob`.
pub const LABEL_OWNER_KIND: &str = "millrace.dev/owner-kind";
/// Label on children: the name of the owner.
pub const LABEL_OWNER_NAME: &str = "millrace.dev/owner-name";
/// Label on children: the uid of the owner; what pruning selects by.
pub const LABEL_OWNER_UID: &str = "millrace.dev/owner-uid";
/// Label on a job's pods and grants: the attempt's number, from 1.
pub const LABEL_ATTEMPT: &str = "millrace.dev/attempt";
/// Label on a job's pods: `driver`, `jobmanager`, `executor` or `main`. The pod cache leaves `executor` out.
pub const LABEL_ROLE: &str = "millrace.dev/role";
/// Label on what a run makes: the pipeline's name.
pub const LABEL_PIPELINE: &str = "millrace.dev/pipeline";
/// Label on what a run makes: the run's name.
pub const LABEL_RUN: &str = "millrace.dev/run";
/// Label on what a run makes: the step's name.
pub const LABEL_STEP: &str = "millrace.dev/step";

/// Kueue's label on pods: the LocalQueue they wait in.
pub const LABEL_QUEUE: &str = "kueue.x-k8s.io/queue-name";

/// Annotation on a ProcessingJob or an MLPipeline: every new value asks for one more run.
pub const ANNOTATION_RUN_REQUESTED: &str = "millrace.dev/run-requested";
/// Flux's annotation; its value is echoed in `status.lastHandledReconcileAt`.
pub const ANNOTATION_RECONCILE_REQUESTED: &str = "reconcile.fluxcd.io/requestedAt";

/// `type` of the Secrets a DataGrant fills; the only type the dataplane operator may write in users' namespaces.
pub const GRANT_SECRET_TYPE: &str = "millrace.dev/grant";
/// Where a job's containers mount the grant's Secret, a read-only directory the kubelet renews in place.
pub const GRANT_MOUNT_PATH: &str = "/var/run/millrace/grant";
/// Key of the grant's Secret: an AWS config (region, endpoint, path style) whose `credential_process` prints
/// [`GRANT_KEY_CREDENTIALS`] from [`GRANT_MOUNT_PATH`]. `AWS_CONFIG_FILE` points at it.
pub const GRANT_KEY_AWS_CONFIG: &str = "config";
/// Key of the grant's Secret: the credentials as the JSON document a `credential_process` prints.
pub const GRANT_KEY_CREDENTIALS: &str = "credentials.json";

/// Key of a DataPlane's `adminSecretRef` and `stsSecretRef`: the S3 access key id.
pub const STORE_KEY_ACCESS_KEY: &str = "accessKey";
/// Key of a DataPlane's `adminSecretRef` and `stsSecretRef`: the S3 secret key.
pub const STORE_KEY_SECRET_KEY: &str = "secretKey";

/// Default key of a ModelRegistry's database Secret: a SQLAlchemy URI, `postgresql://user:password@host:5432/db`.
pub const DATABASE_KEY_URI: &str = "uri";
/// Key of a ModelRegistry's admin Secret: the user name.
pub const LOGIN_KEY_USERNAME: &str = "username";
/// Key of a ModelRegistry's admin Secret: the password.
pub const LOGIN_KEY_PASSWORD: &str = "password";

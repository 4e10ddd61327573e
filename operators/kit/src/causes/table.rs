//! The table. Rows stand in the order in which they are tried: what names a missing object comes before what is about
//! room, and a speaker's last row takes what no other does.

use millrace_crds::Reason;

use super::source::{
    Fault,
    Source::{self, Container, Gate, Image, Refusal, Sandbox, Scheduler, Volume},
};

/// From words to what they mean.
pub(super) struct Row {
    /// Who says them.
    pub(super) from: &'static [Source],
    /// Any of these; `*` takes an object's name. None at all takes everything.
    says: &'static [&'static str],
    pub(super) fault: Fault,
    pub(super) reason: Reason,
    /// Each `{}` is what a `*` took.
    pub(super) advice: &'static str,
    pub(super) echo: bool,
}

impl Row {
    const fn advice(self, advice: &'static str) -> Self {
        Self { advice, ..self }
    }

    const fn echo(self) -> Self {
        Self { echo: true, ..self }
    }

    /// What the stars took, if the row is about these words.
    pub(super) fn reads<'a>(&self, word: &str, words: &'a str) -> Option<Vec<&'a str>> {
        if self.says.is_empty() || self.says.contains(&word) {
            return Some(Vec::new());
        }
        self.says.iter().find_map(|pattern| find(pattern, words))
    }
}

/// The first place where the pattern fits; a star takes no quotation mark.
fn find<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let first = pattern.split('*').next()?;
    text.match_indices(first).find_map(|(at, _)| fits(pattern, text.get(at..)?))
}

fn fits<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut pieces = pattern.split('*');
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut taken = Vec::new();
    for piece in pieces {
        let end =
            if piece.is_empty() { rest.find(char::is_whitespace).unwrap_or(rest.len()) } else { rest.find(piece)? };
        let name = rest.get(..end)?;
        if name.contains('"') {
            return None;
        }
        taken.push(if piece.is_empty() { name.trim_end_matches([',', '.', ';']) } else { name });
        rest = rest.get(end + piece.len()..)?;
    }
    Some(taken)
}

const fn row(from: &'static [Source], says: &'static [&'static str], fault: Fault, reason: Reason) -> Row {
    Row { from, says, fault, reason, advice: "", echo: false }
}

const MOUNTS: &[Source] = &[Container, Volume];
const NODE: &[Source] = &[Container, Volume, Sandbox, Image];

/// The words of kube-scheduler, kubelet, containerd, CRI-O and runc; where a release changed them, both stand here.
pub(super) const ROWS: &[Row] = &[
    // What is not there, by name.
    row(MOUNTS, &["secret \"*\" not found"], Fault::Spec, Reason::SecretMissing)
        .advice("create the Secret {} in this namespace, or correct the name"),
    row(MOUNTS, &["configmap \"*\" not found"], Fault::Spec, Reason::ConfigMapMissing)
        .advice("create the ConfigMap {} in this namespace, or correct the name"),
    row(MOUNTS, &["couldn't find key * in Secret *"], Fault::Spec, Reason::KeyMissing)
        .advice("add the key {} to the Secret {}, or correct the key"),
    row(MOUNTS, &["couldn't find key * in ConfigMap *"], Fault::Spec, Reason::KeyMissing)
        .advice("add the key {} to the ConfigMap {}, or correct the key"),
    row(MOUNTS, &["references non-existent secret key: *"], Fault::Spec, Reason::KeyMissing)
        .advice("add the key {} to the Secret, or correct the key"),
    row(MOUNTS, &["references non-existent config key: *"], Fault::Spec, Reason::KeyMissing)
        .advice("add the key {} to the ConfigMap, or correct the key"),
    row(
        &[Scheduler, Volume],
        &["persistentvolumeclaim \"*\" bound to non-existent persistentvolume"],
        Fault::Spec,
        Reason::VolumeLost,
    )
    .advice("the volume of the PersistentVolumeClaim {} is gone; restore it, or make the claim again"),
    row(
        &[Scheduler, Volume],
        &["persistentvolumeclaim \"*\" not found", "persistentvolumeclaim \"*\" is being deleted"],
        Fault::Spec,
        Reason::ClaimMissing,
    )
    .advice("create the PersistentVolumeClaim {} in this namespace, or correct the name"),
    row(
        &[Scheduler, Volume],
        &["storageclass.storage.k8s.io \"*\" not found"],
        Fault::Spec,
        Reason::StorageClassMissing,
    )
    .advice("StorageClass {} does not exist; correct the claim, or create the class"),
    row(&[Scheduler], &[" \"*\" not found"], Fault::Spec, Reason::ObjectMissing)
        .advice("create {}, or correct the name"),
    // The scheduler's.
    row(&[Gate], &[], Fault::Capacity, Reason::Queued).advice("look at the pod's queue and its quota"),
    row(
        &[Scheduler],
        &["unbound immediate PersistentVolumeClaims", "waiting for ephemeral volume controller", "binding volumes"],
        Fault::Cluster,
        Reason::ClaimPending,
    )
    .advice("the claim has no volume yet; look at it, its StorageClass and its provisioner"),
    row(&[Scheduler], &["Insufficient *"], Fault::Capacity, Reason::Unschedulable)
        .advice("ask for less {}, or add nodes"),
    row(&[Scheduler], &["Too many pods"], Fault::Capacity, Reason::Unschedulable)
        .advice("the nodes hold as many pods as they may; add nodes"),
    row(
        &[Scheduler],
        &["were unschedulable", "{node.kubernetes.io/unschedulable"],
        Fault::Capacity,
        Reason::NodesCordoned,
    )
    .advice("nodes are cordoned; uncordon them, or add others"),
    row(
        &[Scheduler],
        &["{node.kubernetes.io/", "{node.cloudprovider.kubernetes.io/"],
        Fault::Cluster,
        Reason::NodesNotReady,
    )
    .advice("nodes are out of order; look at their conditions"),
    row(&[Scheduler], &["untolerated taint {*}", "had taint {*}"], Fault::Capacity, Reason::NodesTainted)
        .advice("tolerate the taint {{}}, or add nodes without it"),
    row(&[Scheduler], &["untolerated taint", "had taint"], Fault::Capacity, Reason::NodesTainted)
        .advice("tolerate the nodes' taints, or add nodes without them"),
    row(
        &[Scheduler],
        &["volume node affinity conflict", "didn't match PersistentVolume's node affinity"],
        Fault::Capacity,
        Reason::VolumeElsewhere,
    )
    .advice(
        "the claim's volume is within reach of other nodes only; add nodes where it is, or correct the node selector",
    ),
    row(
        &[Scheduler],
        &[
            "didn't match Pod's node affinity",
            "didn't match node selector",
            "didn't match scheduler-enforced node affinity",
        ],
        Fault::Capacity,
        Reason::NoSuchNode,
    )
    .advice("no node has the labels that the node selector or affinity names; correct it, or add such nodes"),
    row(&[Scheduler], &["affinity rules", "topology spread constraints"], Fault::Capacity, Reason::NoPlaceBesideOthers)
        .advice("its place depends on where other pods are; relax the rules, or add nodes"),
    row(
        &[Scheduler],
        &["didn't find available persistent volumes", "enough free storage", "max volume count"],
        Fault::Capacity,
        Reason::NoVolume,
    )
    .advice("no node can give the volume; look at the claim, or add volumes or nodes"),
    row(&[Scheduler], &["no nodes available"], Fault::Capacity, Reason::NoNodes)
        .advice("the cluster has no node for pods; add nodes"),
    row(&[Scheduler], &[], Fault::Capacity, Reason::Unschedulable)
        .advice("look at what the scheduler says of the nodes"),
    // Refusals.
    row(&[Refusal], &["exceeded quota: *"], Fault::Capacity, Reason::QuotaExceeded)
        .advice("ask for less, or raise the quota {}"),
    row(&[Refusal], &["failed quota: *: must specify"], Fault::Spec, Reason::Refused)
        .advice("the quota {} wants this to be set; add a LimitRange with defaults, or set it"),
    // Nodes.
    row(NODE, &["no space left on device"], Fault::Cluster, Reason::NodeDiskFull)
        .advice("the node's disk is full; free it, or use another node"),
    row(
        NODE,
        &[
            "memory limit too low",
            "memory limit * too low",
            "inimum memory limit",
            "OOM-killed",
            "memory.max",
            "memory.limit_in_bytes",
            "signal: killed",
            "init-p: ",
            "final child's pid from pipe",
        ],
        Fault::Spec,
        Reason::MemoryTooSmall,
    )
    .advice("not even the start of a container fits into the memory that is asked for; ask for more"),
    // Images.
    row(
        &[Image],
        &["InvalidImageName", "invalid reference format", "couldn't parse image"],
        Fault::Image,
        Reason::ImageUnavailable,
    )
    .advice("this is not a valid image name; correct it"),
    row(&[Image], &["no match for platform", "no matching manifest"], Fault::Image, Reason::ImageUnavailable)
        .advice("the image is not built for the node's processor; build it for that, or choose other nodes"),
    row(
        &[Image],
        &[
            "toomanyrequests",
            "429 Too Many Requests",
            "pull QPS exceeded",
            "500 Internal",
            "502 Bad",
            "503 Service",
            "504 Gateway",
            "registry is unavailable",
        ],
        Fault::Cluster,
        Reason::ImageUnavailable,
    )
    .advice("the registry is in trouble or limits its clients; wait, or use a mirror"),
    // Whether the name is wrong or the network is down cannot be told apart; the kubelet tries until the deadline.
    row(
        &[Image],
        &[
            "no such host",
            "server misbehaving",
            "connection refused",
            "connection reset",
            "i/o timeout",
            "deadline exceeded",
            "Client.Timeout",
            "TLS handshake timeout",
            "is unreachable",
            "no route to host",
        ],
        Fault::Image,
        Reason::ImageUnavailable,
    )
    .advice("the node does not reach the registry; check its name in the image, and the network"),
    row(
        &[Image],
        &["x509:", "HTTP response to HTTPS client", "SignatureValidationFailed"],
        Fault::Image,
        Reason::ImageUnavailable,
    )
    .advice("the node does not trust the registry or the image; check the certificates of the node's runtime"),
    row(
        &[Image],
        &[
            "401 Unauthorized",
            "403 Forbidden",
            "access denied",
            "insufficient_scope",
            "authorization failed",
            "no basic auth",
            "unauthorized",
            "denied",
        ],
        Fault::Image,
        Reason::ImageUnavailable,
    )
    .advice("check the image's name and the pull secrets"),
    row(
        &[Image],
        &["not found", "manifest unknown", "pull policy of Never", "ErrImageNeverPull"],
        Fault::Image,
        Reason::ImageUnavailable,
    )
    .advice("the image does not exist; check its name, its tag and the pull policy"),
    row(&[Image], &["ImagePullBackOff", "Back-off pulling", "ErrImage*"], Fault::Image, Reason::ImageUnavailable)
        .advice("check the image's name, the pull policy and the pull secrets")
        .echo(),
    row(&[Image], &[], Fault::Image, Reason::ImageUnavailable)
        .advice("check the image's name, the pull policy and the pull secrets"),
    // Containers.
    row(&[Container], &["runAsNonRoot", "runAsUser"], Fault::Spec, Reason::ContainerRefused)
        .advice("run the image as a user other than root, by number"),
    row(
        &[Container],
        &["executable file not found", "no such file or directory", "permission denied", "no command specified"],
        Fault::Spec,
        Reason::ContainerRefused,
    )
    .advice("the command cannot run; check it and the image"),
    row(
        &[Container],
        &["failed to sync", "deadline exceeded", "is reserved for", "failed to reserve"],
        Fault::Cluster,
        Reason::NodeTrouble,
    )
    .advice("the node is slow or in trouble; look at its kubelet"),
    row(&[Container], &[], Fault::Spec, Reason::ContainerRefused)
        .advice("check the variables, the command and the image's user"),
    // Volumes.
    row(&[Volume], &["Multi-Attach error"], Fault::Cluster, Reason::VolumeInUse)
        .advice("the volume is attached to another node; stop who uses it, or use a volume that many may mount"),
    row(
        &[Volume],
        &["timed out waiting for the condition", "deadline exceeded", "not registered"],
        Fault::Cluster,
        Reason::VolumeNotMounted,
    )
    .advice("look at the volume, and at the node's kubelet")
    .echo(),
    row(&[Volume], &[], Fault::Cluster, Reason::VolumeNotMounted).advice("look at the volume and its server"),
    // Sandboxes.
    row(
        &[Sandbox],
        &["NetworkNotReady", "setup network for sandbox", "network is not ready", "cni"],
        Fault::Cluster,
        Reason::NetworkNotReady,
    )
    .advice("look at the network plugin of the node"),
    row(&[Sandbox], &["no runtime for", "RuntimeHandler"], Fault::Spec, Reason::SandboxFailed)
        .advice("the node has no such runtime class; correct it"),
    row(&[Sandbox], &[], Fault::Cluster, Reason::SandboxFailed).advice("look at the container runtime of the node"),
];

//! Where a fault is, and who tells of it.

/// How an Event says that it is about the image.
const IMAGE: [&str; 4] = ["pull", "ImagePull", "ErrImage", "InvalidImage"];

/// Where the fault is, and so whether the same would happen again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// In what the user wrote or should have created: a repetition fails the same way.
    Spec,
    /// In the image, its name or the right to pull it: a repetition fails the same way.
    Image,
    /// There is no room now: nodes, quota.
    Capacity,
    /// In the cluster: a node, its network, a volume that is not there yet.
    Cluster,
}

/// Who speaks, and so how far the pod has come; the same words mean different things from different speakers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A scheduling gate.
    Gate,
    /// The scheduler.
    Scheduler,
    /// The kubelet, while it gets the image.
    Image,
    /// The kubelet, while it makes the container.
    Container,
    /// The kubelet or the attach controller, before there is a sandbox.
    Volume,
    /// The kubelet, while it makes the sandbox.
    Sandbox,
    /// The API server, which made no pod.
    Refusal,
}

impl Source {
    /// By the reason of a condition, of a waiting container, of an Event, or of an answer of the API server.
    pub(super) fn of(word: &str, message: &str) -> Option<Self> {
        Some(match word {
            "SchedulingGated" => Self::Gate,
            "Unschedulable" | "FailedScheduling" | "SchedulerError" => Self::Scheduler,
            "ErrImagePull"
            | "ImagePullBackOff"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "ImageInspectError"
            | "InspectFailed"
            | "RegistryUnavailable"
            | "SignatureValidationFailed" => Self::Image,
            // One reason of Events for two things.
            "Failed" | "BackOff" if IMAGE.iter().any(|words| message.contains(words)) => Self::Image,
            "Failed"
            | "CreateContainerConfigError"
            | "CreateContainerError"
            | "RunContainerError"
            | "PreCreateHookError"
            | "PreStartHookError" => Self::Container,
            "FailedMount" | "FailedAttachVolume" | "FailedMapVolume" => Self::Volume,
            "FailedCreatePodSandBox"
            | "FailedCreatePodContainer"
            | "NetworkNotReady"
            | "FailedPrepareDynamicResources" => Self::Sandbox,
            "FailedCreate" | "Forbidden" => Self::Refusal,
            _ => return None,
        })
    }

    pub(super) const fn phrase(self) -> &'static str {
        match self {
            Self::Gate => "is held back by a scheduling gate",
            Self::Scheduler => "cannot be scheduled",
            Self::Image => "cannot get its image",
            Self::Container => "cannot be set up",
            Self::Volume => "does not get its volumes",
            Self::Sandbox => "gets no sandbox",
            Self::Refusal => "is not admitted",
        }
    }
}

//! The spec parsed into types that cannot be wrong; [`crate::parse`] makes them.
//!
//! Owns every rejection: each names the field and what to write instead, and all of them are found at once. How to run
//! a job ([`Policy`]) is read even where what to run ([`Work`]) is refused, so that a running attempt is never left alone.

pub(crate) mod data;
pub(crate) mod fields;
pub(crate) mod findings;
pub(crate) mod memory;
pub(crate) mod place;
pub(crate) mod pod;
pub(crate) mod references;
pub(crate) mod section;

use std::{any::Any, time::Duration};

use millrace_crds::{
    JobSpec, ProcessingJob,
    data_grant::AccessRequest,
    job::{ENGINES, EnvVar, KeepPods, ReadyWhen, Rerun},
    pod::PodSubset,
    well_known::DEFAULT_DATA_PLANE,
};

pub(crate) use place::Prefix;
pub(crate) use section::{Memory, Section, Workers};

use findings::Findings;

/// How long a start may take where the spec says nothing.
pub(crate) const START_DEADLINE: Duration = Duration::from_secs(900);

/// A job as decide sees it.
pub(crate) struct Model {
    /// How to run it; always known.
    pub policy: Policy,
    /// What to run, or everything that is wrong with it, one finding a line.
    pub work: Result<Work, String>,
    /// Hash of the part of the user's spec that makes another application of it.
    pub hash: String,
    /// Refused by what its DataPlane allows, which may change without the job.
    pub unpermitted: bool,
}

/// What the names of PriorityClasses begin with whose pods may push out any other.
const SYSTEM: &str = "system-";

/// The DataPlane that has to allow the job's priority, if that is one of the system.
pub(crate) fn system_priority(spec: &JobSpec) -> Option<&str> {
    let class = spec.pod.as_ref().and_then(|pod| pod.priority_class_name.as_deref());
    class.filter(|name| name.starts_with(SYSTEM)).map(|_| plane(spec))
}

pub(crate) fn plane(spec: &JobSpec) -> &str {
    spec.data_plane.as_deref().unwrap_or(DEFAULT_DATA_PLANE)
}

/// Retries, deadlines and wishes; a change of them touches the running attempt at once.
pub(crate) struct Policy {
    /// Repetitions after failures of the application.
    pub retries: i32,
    /// Repetitions after failures around it.
    pub infrastructure_retries: i32,
    /// First and longest pause before a repetition.
    pub backoff: (Duration, Duration),
    /// An attempt that ran this long clears the failures before it.
    pub reset_after: Option<Duration>,
    /// What follows when an attempt runs out of memory.
    pub growth: Option<memory::Growth>,
    /// From an attempt's intent to its first running container.
    pub start: Duration,
    /// From the first running container to the end.
    pub run: Option<Duration>,
    /// From the request to stop to the kill.
    pub stop: Duration,
    /// How long it may run without any of the pods that the application asks for itself.
    pub workers: Duration,
    /// Stop, or do not start.
    pub suspend: bool,
    /// What Ready waits for.
    pub ready_when: ReadyWhen,
    /// When a finished job runs again.
    pub rerun: Rerun,
    /// Which finished pods stay.
    pub keep_pods: KeepPods,
}

/// What an attempt runs.
pub(crate) struct Work {
    /// The application.
    pub section: Box<dyn Section>,
    /// Name of the DataPlane.
    pub plane: String,
    /// What it reads and writes, each target once.
    pub access: Vec<AccessRequest>,
    /// The user's variables.
    pub env: Vec<EnvVar>,
    /// The user's wishes for pods.
    pub pod: PodSubset,
    /// Grace period of its pods.
    pub grace: Duration,
}

impl Work {
    /// The section, if it is of this engine.
    pub(crate) fn section_of<S: Section>(&self) -> Option<&S> {
        let section: &dyn Any = &*self.section;
        section.downcast_ref()
    }
}

impl Model {
    /// The same job on a DataPlane that allows it a priority of the system or not. Admission cannot tell, since a rule of
    /// one kind does not see objects of another.
    pub(crate) fn permitted(mut self, job: &ProcessingJob, allowed: Option<bool>) -> Self {
        let plane = system_priority(&job.spec.job).filter(|_| allowed != Some(true));
        if let Some(plane) = plane {
            let told = format!(
                "spec.pod.priorityClassName: classes that begin with `{SYSTEM}` are the cluster's own; name another one, or let those who run the platform choose this namespace in spec.systemPriority of DataPlane {plane}"
            );
            self.work = Err(match self.work {
                Ok(_) => told,
                Err(others) => format!("{others}\n{told}"),
            });
            self.unpermitted = true;
        }
        self
    }
}

/// How to run the job; `streams` if its application has no end of its own.
pub(crate) fn policy(spec: &JobSpec, streams: bool, findings: &mut Findings) -> Policy {
    let retry = spec.retry.clone().unwrap_or_default();
    let backoff = retry.backoff.clone().unwrap_or_default();
    let deadlines = spec.deadlines.clone().unwrap_or_default();
    let mut time = |field: &str, value: &Option<millrace_crds::Duration>| {
        let value = value.as_ref()?;
        let seconds = value.seconds();
        if seconds.is_none() {
            findings.note(field, format!("`{}` is not a duration; use for example 90s, 10m or 1h30m", value.0));
        }
        seconds.map(Duration::from_secs)
    };
    let initial = time("retry.backoff.initial", &backoff.initial).unwrap_or(Duration::from_secs(10));
    let max = time("retry.backoff.max", &backoff.max).unwrap_or(Duration::from_secs(600));
    let reset_after = time("retry.backoff.resetAfter", &backoff.reset_after);
    let (start, run) = (time("deadlines.start", &deadlines.start), time("deadlines.run", &deadlines.run));
    let (stop, workers) = (time("deadlines.stop", &deadlines.stop), time("deadlines.workers", &deadlines.workers));
    let start = start.unwrap_or(START_DEADLINE);
    Policy {
        reset_after,
        growth: memory::growth(retry.on_out_of_memory.as_ref(), findings),
        retries: retry.limit.unwrap_or(0),
        infrastructure_retries: retry.infrastructure_limit.unwrap_or(10),
        backoff: (initial, max.max(initial)),
        start,
        run,
        stop: stop.unwrap_or(Duration::from_secs(30)),
        workers: workers.unwrap_or(start),
        suspend: spec.suspend.unwrap_or(false),
        ready_when: spec.ready_when.unwrap_or(if streams { ReadyWhen::Healthy } else { ReadyWhen::Submitted }),
        rerun: spec.rerun.unwrap_or_default(),
        keep_pods: spec.keep_pods.unwrap_or_default(),
    }
}

/// The fields beside those of the engines that make another application of a job.
const APPLICATION: [&str; 5] = ["dataPlane", "reads", "writes", "env", "pod"];

/// Whether a field of a job's spec says what runs, and not only how attempts of it are handled.
pub(crate) fn is_application(field: &str) -> bool {
    ENGINES.contains(&field) || APPLICATION.contains(&field)
}

//! ProcessingJob as the kernel sees it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{ControllerRevision, Deployment},
    core::v1::{ConfigMap, Pod, PodSpec, Service, ServiceAccount},
    policy::v1::PodDisruptionBudget,
    rbac::v1::RoleBinding,
};
use millrace_crds::{DataGrant, ProcessingJob, ProcessingJobStatus};
use millrace_kit::{
    Decision, Failure, Hands, Note, Operator, Reader, Seen, Warning, Watch, async_trait, events::condition_notes, later,
};

use crate::{
    children::account,
    decide, evidence,
    looks::Looks,
    observe,
    observe::{Observed, PodView, WorkersView},
    rest::{Flink, FlinkCall, http::Rest},
};

/// Our pods but for executors, which would make the cache grow with the size of users' jobs.
const PODS: &str = "millrace.dev/attempt,millrace.dev/role!=executor";
/// What our attempts own beside pods.
const OURS: &str = "millrace.dev/owner-kind=ProcessingJob";

/// Silence longer than any job is given is not remembered.
const FORGOTTEN: Duration = Duration::from_secs(86_400);

/// Keeps ProcessingJobs.
#[derive(Clone)]
pub struct Processing {
    pub(crate) flink: Arc<dyn Flink>,
    /// Since when a job's JobManager does not answer, by Flink's id of the job.
    silent: Arc<Times>,
    /// Savepoints that Flink has taken to delete, and when.
    disposed: Arc<Times>,
    /// Since when a pod's containers have ended and its phase does not say so, by uid.
    unconfirmed: Arc<Times>,
    /// The last look at each attempt that does not start, by its name: which pod was asked about, and its warnings.
    pub(crate) starts: Looks<(String, Vec<Warning>)>,
    /// The last look at the workers of each attempt, by its name.
    pub(crate) workers: Looks<WorkersView>,
}

/// When something was seen first: kept by this process alone, for what is not worth a write.
#[derive(Debug, Default)]
struct Times(Mutex<HashMap<String, Timestamp>>);

impl Times {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When it was seen first, which may be now.
    fn first(&self, what: &str, now: Timestamp) -> Timestamp {
        let mut all = self.all();
        // What is gone is not heard of again.
        all.retain(|_, since| later(*since, FORGOTTEN) > now);
        *all.entry(what.to_owned()).or_insert(now)
    }

    fn has(&self, what: &str) -> bool {
        self.all().contains_key(what)
    }

    fn forget(&self, what: &str) {
        self.all().remove(what);
    }
}

impl Default for Processing {
    fn default() -> Self {
        Self::new(Arc::new(Rest::default()))
    }
}

impl Processing {
    /// An operator that reaches Flink in this way.
    #[must_use]
    pub fn new(flink: Arc<dyn Flink>) -> Self {
        Self {
            flink,
            silent: Arc::default(),
            disposed: Arc::default(),
            unconfirmed: Arc::default(),
            starts: Looks::default(),
            workers: Looks::default(),
        }
    }

    /// Remembers that a JobManager answered.
    pub(crate) fn answers(&self, job: &str) {
        self.silent.forget(job);
    }

    /// Whether Flink has taken this savepoint to delete it; a process that does not know asks once more.
    pub(crate) fn has_disposed(&self, path: &str) -> bool {
        self.disposed.has(path)
    }

    /// Since when a JobManager does not answer, as far as this process knows.
    pub(crate) fn away(&self, job: &str, now: Timestamp) -> Timestamp {
        self.silent.first(job, now)
    }

    /// Since when a pod is without its node's last word, as far as this process knows.
    pub(crate) fn unconfirmed(&self, pod: &PodView, now: Timestamp) -> Option<Timestamp> {
        if evidence::awaits_phase(pod) {
            return Some(self.unconfirmed.first(&pod.uid, now));
        }
        self.unconfirmed.forget(&pod.uid);
        None
    }
}

#[async_trait]
impl Operator for Processing {
    type Object = ProcessingJob;
    type Observed = Observed;
    type Effect = FlinkCall;
    const NAME: &'static str = "processing";

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::child::<ProcessingJob, Pod>("what an attempt's driver or main pod proves").labels(PODS).keep::<Pod>(
                |pod| {
                    let node_name = pod.spec.take().and_then(|spec| spec.node_name);
                    pod.spec = Some(PodSpec { node_name, ..PodSpec::default() });
                    pod.metadata.annotations = None;
                },
                |_| Vec::new(),
            ),
            Watch::child::<ProcessingJob, DataGrant>("when data is ready, and where it is").labels(OURS),
            Watch::child::<ProcessingJob, ConfigMap>("which ones old attempts left; their data is not kept")
                .labels(OURS)
                .keep::<ConfigMap>(
                    |conf| {
                        conf.data = None;
                        conf.binary_data = None;
                    },
                    |_| Vec::new(),
                ),
            Watch::child::<ProcessingJob, Deployment>("which ones Flink attempts left; owners of TaskManagers")
                .labels(OURS)
                .keep::<Deployment>(
                    |anchor| {
                        anchor.spec = None;
                        anchor.status = None;
                    },
                    |_| Vec::new(),
                ),
            Watch::child::<ProcessingJob, Service>("which ones attempts of several pods left")
                .labels(OURS)
                .keep::<Service>(
                    |service| {
                        service.spec = None;
                        service.status = None;
                    },
                    |_| Vec::new(),
                ),
            Watch::child::<ProcessingJob, ControllerRevision>("healthy specs, to go back to").labels(OURS),
            Watch::related::<ServiceAccount>("whether a namespace has the engines' accounts", |_, _| Vec::new())
                .labels(account::SELECTOR),
            Watch::related::<RoleBinding>("whether they are bound", |_, _| Vec::new()).labels(account::SELECTOR),
            Watch::related::<PodDisruptionBudget>("whether a namespace has the budget of drivers", |_, _| Vec::new())
                .labels(account::SELECTOR),
        ]
    }

    async fn observe(&self, job: &ProcessingJob, reader: &Reader) -> Result<Observed, Failure> {
        observe::observe(self, job, reader).await
    }

    fn decide(job: &ProcessingJob, seen: &Seen<Observed>, now: Timestamp) -> Decision<ProcessingJobStatus, FlinkCall> {
        decide::decide(job, seen, now)
    }

    /// The end of a job is told once, even where it also stalls the object.
    fn notes(old: &ProcessingJobStatus, new: &ProcessingJobStatus) -> Vec<Note> {
        let mut notes = condition_notes(old, new);
        notes.dedup_by(|a, b| a.reason == b.reason);
        notes
    }

    async fn effect(&self, _: &ProcessingJob, call: &FlinkCall, hands: &Hands) -> Result<(), Failure> {
        self.flink.call(call).await?;
        if let FlinkCall::Dispose { path, .. } = call {
            self.disposed.first(path, hands.now());
        }
        Ok(())
    }
}

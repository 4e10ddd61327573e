//! ProcessingJob as the kernel sees it.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::ControllerRevision,
    core::v1::{ConfigMap, Pod, PodSpec, Service, ServiceAccount},
    policy::v1::PodDisruptionBudget,
    rbac::v1::RoleBinding,
};
use millrace_crds::{DataGrant, ProcessingJob, ProcessingJobStatus};
use millrace_kit::{
    Decision, Failure, Note, Operator, Reader, Seen, Watch, Writer, async_trait, events::condition_notes,
};

use crate::{
    decide,
    engine::EngineCall,
    engines::{
        self, Engines,
        flink::{client::FlinkClient, rest::Flink},
    },
    job::name::OURS,
    objects::account,
    observe, preflight,
    recent::Recent,
    seen::Observed,
};

/// Our pods but for executors, which would make the cache grow with the size of users' jobs.
const PODS: &str = "millrace.dev/attempt,millrace.dev/role!=executor";

/// Keeps ProcessingJobs.
#[derive(Clone, Default)]
pub struct Processing(Recent);

impl Processing {
    /// An operator that reaches Flink in this way.
    #[must_use]
    pub fn new(flink: Arc<dyn Flink>) -> Self {
        Self(Recent::with(Engines::new(FlinkClient::new(flink))))
    }
}

#[async_trait]
impl Operator for Processing {
    type Object = ProcessingJob;
    type Observed = Observed;
    type Effect = EngineCall;
    const NAME: &'static str = "processing";

    fn watches(&self) -> Vec<Watch> {
        let common = vec![
            Watch::child::<ProcessingJob, Pod>("what an attempt's driver or main pod proves")
                .labels(PODS)
                .stored_as::<Pod>(
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
                .stored_as::<ConfigMap>(
                    |conf| {
                        conf.data = None;
                        conf.binary_data = None;
                    },
                    |_| Vec::new(),
                ),
            Watch::child::<ProcessingJob, Service>("which ones attempts of several pods left")
                .labels(OURS)
                .stored_as::<Service>(
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
        ];
        common.into_iter().chain(engines::ALL.iter().flat_map(|engine| engine.watches())).collect()
    }

    async fn observe(&self, job: &ProcessingJob, reader: &Reader) -> Result<Observed, Failure> {
        let mut seen = observe::observe(&self.0, job, reader).await?;
        seen.preflight = preflight::look(job, &seen, reader).await?;
        Ok(seen)
    }

    fn decide(job: &ProcessingJob, seen: &Seen<Observed>, now: Timestamp) -> Decision<ProcessingJobStatus, EngineCall> {
        decide::decide(job, seen, now)
    }

    /// The end of a job is told once, even where it also stalls the object.
    fn notes(old: &ProcessingJobStatus, new: &ProcessingJobStatus) -> Vec<Note> {
        let mut notes = condition_notes(old, new);
        notes.dedup_by(|a, b| a.reason == b.reason);
        notes
    }

    async fn effect(&self, _: &ProcessingJob, call: &EngineCall, writer: &Writer) -> Result<(), Failure> {
        self.0.engines.call(call, writer.now()).await
    }
}

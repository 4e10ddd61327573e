//! What a job's surroundings look like, as plain data.
//!
//! Reads the cache; where the cache misses something the status says was made, asks the API server.

mod flink;
mod pod;
mod ranks;
mod starts;
mod workers;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Service, ServiceAccount};
use k8s_openapi::api::{policy::v1::PodDisruptionBudget, rbac::v1::RoleBinding};
use kube::ResourceExt;
use millrace_crds::{
    DataGrant, DataPlane, ProcessingJob,
    data_grant::{DataGrantStatus, GrantedBucket, GrantedTopic},
    processing_job::Attempt,
};
use millrace_kit::{Failure, Key, Object, Reader, conditions};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use flink::{HaView, LeftoverView};
pub(crate) use pod::view;
pub use pod::{Beside, ContainerView, PodView};
pub use workers::{WaitingWorker, WorkersView};

use crate::{
    children::{account, budget},
    engine, model,
    operator::Processing,
    preflight::{self, Preflight},
    rest::FlinkView,
    status,
};

/// Everything decide knows beside the job itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observed {
    /// The live attempt's pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodView>,
    /// The live attempt's pod was stored with its uid and is proved to be gone.
    pub lost: bool,
    /// The live attempt's other pods, in order of rank, as far as they are there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ranks: Vec<PodView>,
    /// Names of those that were stored and are proved to be gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost_ranks: Vec<String>,
    /// Uid of the Service by which the live attempt's pods find each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The live attempt's grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantView>,
    /// Uid of the live attempt's ConfigMap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conf: Option<String>,
    /// Uid of the live attempt's Deployment, by which Flink's TaskManagers are owned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// What its JobManager says of the live Flink attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flink: Option<FlinkView>,
    /// Savepoints that Flink has taken to delete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disposed: Vec<String>,
    /// What a Flink attempt without a JobManager has left for the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ha: Option<HaView>,
    /// The JobManager of the last attempt, if none is live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<PodView>,
    /// What earlier Flink attempts left that nobody owns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<LeftoverView>,
    /// Specs that are kept to go back to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<ChildView>,
    /// The words of the last healthy spec, if the object's own was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<Value>,
    /// Whether the engine's ServiceAccount is there.
    pub account: bool,
    /// Whether its RoleBinding is there.
    pub binding: bool,
    /// Whether the disruption budget of drivers is there.
    pub budget: bool,
    /// Whether a new spec may take a running attempt's place; looked at only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preflight: Option<Preflight>,
    /// The pods that the application asks for itself, as they were at the last look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<WorkersView>,
    /// Whether this pass looked again, so that what changes by numbers and wordings only is told as it is now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub look: bool,
    /// Whether the job's DataPlane allows it a priority of the system; asked only where it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_priority: Option<bool>,
    /// Grants that speak for the job's state while no attempt does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keepers: Vec<ChildView>,
    /// What earlier attempts left: pods, ConfigMaps, Deployments, Services, grants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub old: Vec<ChildView>,
}

/// The attempt's access to data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GrantView {
    /// Uid.
    pub uid: String,
    /// Whether pods may start on it.
    pub ready: bool,
    /// Whether a person must act before it can become ready.
    pub stalled: bool,
    /// Reason and message of its Ready condition, once it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<(String, String)>,
    /// Its Secret; none when no bucket is granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Kafka's addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap_servers: Option<String>,
    /// The store's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The store's region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whether buckets are addressed by path.
    pub path_style: bool,
    /// Buckets and their names on the store.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<GrantedBucket>,
    /// Topics and their names on the broker.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<GrantedTopic>,
}

/// Something an earlier attempt left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChildView {
    /// `Pod`, `ConfigMap`, `Deployment`, `Service` or `DataGrant`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// For a pod, whether it is over.
    #[serde(default)]
    pub over: bool,
    /// Whether it is on its way out already.
    #[serde(default)]
    pub going: bool,
}

/// What a look at the live attempt needs.
struct Around<'a> {
    operator: &'a Processing,
    job: &'a ProcessingJob,
    attempt: &'a Attempt,
    reader: &'a Reader,
    namespace: &'a str,
}

/// Looks around.
pub(crate) async fn observe(operator: &Processing, job: &ProcessingJob, reader: &Reader) -> Result<Observed, Failure> {
    let namespace = job.namespace().unwrap_or_default();
    let uid = job.uid().unwrap_or_default();
    let at = |name: String| Key::new(&namespace, name);
    let mut seen = Observed::default();
    let stored = job.status.clone().unwrap_or_default();
    let live = status::live(&stored);
    if let Some(attempt) = live {
        let base = &attempt.name;
        if attempt.grant.is_some() {
            seen.grant = look::<DataGrant>(reader, at(engine::grant_name(base)), &uid).await?.map(|g| grant(&g));
        }
        let conf = reader.cached::<ConfigMap>(&at(engine::conf_of(attempt))).filter(|c| owned_by(&**c, &uid));
        seen.conf = conf.and_then(|c| c.uid());
        if attempt.flink.is_some() {
            let anchor = reader.cached::<Deployment>(&at(base.clone())).filter(|d| owned_by(&**d, &uid));
            seen.anchor = anchor.and_then(|d| d.uid());
        }
        // Before its grant is ready no pod can have been made, so nothing needs to be asked.
        let may_exist =
            attempt.grant.is_none() || attempt.pod_uid.is_some() || seen.grant.as_ref().is_some_and(|g| g.ready);
        let key = at(attempt.pod.clone().unwrap_or_default());
        let pod = match &attempt.pod_uid {
            Some(pod_uid) => reader.proved::<Pod>(&key, pod_uid).await?.map(|p| view(&p)),
            None if may_exist => look::<Pod>(reader, key, &uid).await?.map(|p| view(&p)),
            None => None,
        };
        seen.lost = attempt.pod_uid.is_some() && pod.is_none();
        seen.preflight = preflight::look(job, (attempt, pod.as_ref()), reader).await?;
        seen.pod = pod;
        if attempt.replicas.is_some() {
            ranks::observe((attempt, may_exist), (reader, &namespace, &uid), &mut seen).await?;
            if attempt.stop_reason.is_some() {
                ranks::look_again((reader, &namespace), &mut seen).await?;
            }
        }
        let now = reader.now();
        for pod in seen.pod.iter_mut().chain(&mut seen.ranks) {
            pod.unconfirmed = operator.unconfirmed(pod, now);
        }
    }
    if let Some(plane) = model::system_priority(&job.spec.job) {
        seen.system_priority = Some(system_priority(reader, plane, &namespace).await?);
    }
    let flink = live.map_or_else(|| job.spec.job.flink.is_some(), |a| a.flink.is_some());
    let shared = at(if flink { account::FLINK.name } else { account::SPARK.name }.to_owned());
    seen.account = reader.cached::<ServiceAccount>(&shared).is_some();
    seen.binding = reader.cached::<RoleBinding>(&shared).is_some();
    seen.budget = reader.cached::<PodDisruptionBudget>(&at(budget::BUDGET.to_owned())).is_some();
    seen.old = old(reader, &uid, live.map(|a| a.name.as_str())).await?;
    let keepers = reader.cache.owned::<DataGrant>(&uid);
    seen.keepers = keepers.iter().filter(|g| g.spec.keep_only).map(|g| child("DataGrant", &**g, true)).collect();
    if flink || stored.state.is_some() {
        flink::observe((operator, job), reader, &mut seen).await?;
    }
    if let Some(attempt) = live {
        let around = Around { operator, job, attempt, reader, namespace: &namespace };
        starts::observe(&around, &mut seen).await;
        workers::observe(&around, &mut seen).await;
    }
    Ok(seen)
}

/// Whether a DataPlane allows the jobs of a namespace a priority of the system. Asked live: nobody watches for a case this
/// rare.
async fn system_priority(reader: &Reader, plane: &str, namespace: &str) -> Result<bool, Failure> {
    let Some(plane) = reader.live::<DataPlane>(&Key::new("", plane)).await? else { return Ok(false) };
    let Some(chosen) = plane.spec.system_priority else { return Ok(false) };
    let found = reader.live::<Namespace>(&Key::new("", namespace)).await?;
    let labels = found.and_then(|one| one.metadata.labels).unwrap_or_default();
    Ok(chosen.chooses(&labels) && plane.spec.namespaces.is_none_or(|users| users.chooses(&labels)))
}

/// The job's object of this name, proved by a live GET where the cache misses: a read saves a doomed create.
pub(crate) async fn look<K: Object>(reader: &Reader, key: Key, owner: &str) -> Result<Option<K>, Failure> {
    let found = match reader.cached::<K>(&key) {
        Some(cached) => Some((*cached).clone()),
        None => reader.live::<K>(&key).await?,
    };
    Ok(found.filter(|object| owned_by(object, owner)))
}

fn owned_by<K: Object>(object: &K, uid: &str) -> bool {
    object.meta().owner_references.iter().flatten().any(|o| o.controller == Some(true) && o.uid == uid)
}

async fn old(reader: &Reader, uid: &str, live: Option<&str>) -> Result<Vec<ChildView>, Failure> {
    let foreign = |kind: &str, name: &str| live.is_none_or(|base| engine::base_of(kind, name) != base);
    let mut all = Vec::new();
    for pod in reader.cache.owned::<Pod>(uid).iter().filter(|p| foreign("Pod", &p.name_any())) {
        let over = view(pod).over();
        if over {
            all.push(child("Pod", &**pod, true));
        } else if let Some(there) = look_again(reader, pod).await? {
            all.push(child("Pod", &there, view(&there).over()));
        }
    }
    for conf in reader.cache.owned::<ConfigMap>(uid).iter().filter(|c| foreign("ConfigMap", &c.name_any())) {
        all.push(child("ConfigMap", &**conf, true));
    }
    for anchor in reader.cache.owned::<Deployment>(uid).iter().filter(|d| foreign("Deployment", &d.name_any())) {
        all.push(child("Deployment", &**anchor, true));
    }
    for service in reader.cache.owned::<Service>(uid).iter().filter(|s| foreign("Service", &s.name_any())) {
        if let Some(there) = reader.live::<Service>(&Key::of(&**service)).await? {
            all.push(child("Service", &there, true));
        }
    }
    let grants = reader.cache.owned::<DataGrant>(uid);
    for grant in grants.iter().filter(|g| !g.spec.keep_only && foreign("DataGrant", &g.name_any())) {
        // Deleted by the pass that ended the attempt; only what the API server still has needs another delete.
        if let Some(there) = reader.live::<DataGrant>(&Key::of(&**grant)).await? {
            all.push(child("DataGrant", &there, true));
        }
    }
    Ok(all)
}

/// A pod of an ended attempt that the cache still shows at work. The attempt may have been judged by a live GET that ran
/// ahead of the cache, and a pod that is over is kept; so what may be deleted is looked at again.
async fn look_again(reader: &Reader, pod: &Pod) -> Result<Option<Pod>, Failure> {
    Ok(reader.live::<Pod>(&Key::of(pod)).await?.filter(|there| there.metadata.uid == pod.metadata.uid))
}

fn child<K: Object>(kind: &str, object: &K, over: bool) -> ChildView {
    let meta = object.meta();
    ChildView {
        kind: kind.to_owned(),
        name: meta.name.clone().unwrap_or_default(),
        uid: meta.uid.clone().unwrap_or_default(),
        over,
        going: meta.deletion_timestamp.is_some(),
    }
}

/// A grant as evidence.
pub(crate) fn grant(grant: &DataGrant) -> GrantView {
    let uid = grant.metadata.uid.clone().unwrap_or_default();
    let status = grant.status.clone().unwrap_or_default();
    let generation = grant.metadata.generation.unwrap_or(0);
    let said = conditions::get(&status, "Ready").map(|c| (c.reason.clone(), c.message.clone()));
    let ready = conditions::is_ready(&status, generation);
    let stalled = conditions::is_true(&status, "Stalled");
    let DataGrantStatus {
        secret_name: secret, bootstrap_servers, endpoint, region, path_style, buckets, topics, ..
    } = status;
    let path_style = path_style.unwrap_or(false);
    GrantView { uid, ready, stalled, said, secret, bootstrap_servers, endpoint, region, path_style, buckets, topics }
}

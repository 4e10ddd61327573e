//! A toy operator that has all the kernel must cope with: an attempt with a pod, an external thing behind an intent and a
//! finalizer, and a replacement that must not touch what is not ours.

pub(crate) mod scenarios;

use std::{collections::BTreeSet, sync::Mutex};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use millrace_crds::{ProcessingJob, ProcessingJobStatus, Reason, ReasonText, processing_job::Attempt};
use millrace_kit::{
    Action, Child, Decision, Effect, Failure, Key, Operator, Reader, Seen, Standing, Target, Watch, Writer,
    async_trait, conditions, names, sim::World,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Default)]
pub(crate) struct Outside(pub(crate) Mutex<BTreeSet<String>>);

pub(crate) struct Toy {
    pub(crate) world: World,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) enum Ask {
    Add(String),
    Remove(String),
}

impl Effect for Ask {
    fn id(&self) -> String {
        format!("{self:?}")
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Around {
    outside: bool,
    pod: Option<Pod>,
    lost: bool,
    stale: Vec<Pod>,
    quota: bool,
    /// There is a webhook; then the toy applies settings, and these are what the cluster has of them.
    webhook: bool,
    settings: Option<ConfigMap>,
}

#[async_trait]
impl Operator for Toy {
    type Object = ProcessingJob;
    type Observed = Around;
    type Effect = Ask;
    const NAME: &'static str = "toy";

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::child::<ProcessingJob, Pod>("pods of attempts"),
            Watch::related::<ConfigMap>("the quota", |_, _| vec![Key::new("ml", "j")]),
        ]
    }

    async fn observe(&self, job: &ProcessingJob, reader: &Reader) -> Result<Around, Failure> {
        let outside = self.world.shelf::<Outside>().0.lock().unwrap().contains(&name(job));
        let quota = reader.cached::<ConfigMap>(&Key::new("ml", "quota")).is_some();
        let webhook = reader.cached::<ConfigMap>(&Key::new("ml", "webhook")).is_some();
        let settings = reader.cached::<ConfigMap>(&Key::new("ml", "settings")).map(|c| (*c).clone());
        let attempt = job.status.as_ref().and_then(|s| s.attempt.clone());
        let Some(attempt) = attempt else {
            return Ok(Around { outside, quota, webhook, settings, ..Around::default() });
        };
        let key = Key::new("ml", &attempt.name);
        let (pod, lost) = match &attempt.pod_uid {
            Some(uid) => {
                let pod = reader.proved::<Pod>(&key, uid).await?;
                let lost = pod.is_none();
                (pod, lost)
            }
            None => (reader.child::<Pod>(&key, &name(job)), false),
        };
        let all = reader.cache.owned::<Pod>(&name(job));
        let stale =
            all.iter().filter(|p| p.metadata.name.as_ref() != Some(&attempt.name)).map(|p| (**p).clone()).collect();
        Ok(Around { outside, pod: pod.map(|p| (*p).clone()), lost, stale, quota, webhook, settings })
    }

    fn decide(job: &ProcessingJob, seen: &Seen<Around>, now: Timestamp) -> Decision<ProcessingJobStatus, Ask> {
        let mut status = job.status.clone().unwrap_or_default();
        let around = &seen.data;
        if job.metadata.deletion_timestamp.is_some() {
            let decision = Decision::of(status).hold(around.outside);
            return if around.outside { decision.act(Action::Effect(Ask::Remove(name(job)))) } else { decision };
        }
        let prune = around.stale.iter().map(|p| Action::Delete(Target::of(p)));
        if conditions::is_true(&status, "Succeeded") {
            if let Some(last) = seen.failures.latest().filter(|last| last.failure.reason == Reason::Overruled) {
                conditions::set(&mut status, "Degraded", ("True", Reason::Overruled, &last.failure.message), now);
            }
            let mut decision = Decision::of(status).hold(true);
            let want = Child::of(job, &settings());
            if around.webhook && around.settings.as_ref().is_none_or(|live| !want.matches(live)) {
                decision.actions.push(Action::Apply(want));
            }
            decision.actions.extend(prune);
            return decision;
        }
        let uid = job.metadata.uid.clone().unwrap_or_default();
        let number = status.attempt.as_ref().map_or(1, |a| a.number);
        let phase = around.pod.as_ref().and_then(|p| p.status.clone()).and_then(|s| s.phase).unwrap_or_default();
        let failed = around.lost || phase == "Failed";
        let number = if failed { number + 1 } else { number };
        if failed || status.attempt.is_none() {
            status.attempt =
                Some(Attempt { number, name: names::child("toy", &uid, &[&number.to_string()]), ..Attempt::default() });
        } else if let (Some(attempt), Some(pod)) = (&mut status.attempt, &around.pod) {
            attempt.pod_uid = pod.metadata.uid.clone();
        }
        let mine = status.attempt.clone().unwrap_or_default();
        let mut decision = if phase == "Succeeded" && around.outside {
            conditions::set(&mut status, "Succeeded", ("True", ReasonText::as_given("Done"), "done"), now);
            conditions::stand(&mut status, &Standing::ready(ReasonText::as_given("Done"), "done"), now);
            Decision::of(status)
        } else {
            let standing = match seen.failures.latest() {
                _ if !around.quota => Standing::stalled(ReasonText::as_given("NoQuota"), "the quota is missing"),
                Some(last) if last.failure.reason == Reason::NameTaken => Standing::failed(&last.failure),
                _ => Standing::progressing(ReasonText::as_given("Running"), "on its way"),
            };
            conditions::stand(&mut status, &standing, now);
            Decision::of(status)
        };
        decision.hold = true;
        if !around.outside {
            decision = decision.act(Action::Effect(Ask::Add(name(job))));
        }
        if failed || around.pod.is_none() {
            decision = decision.act(Action::Create(Child::of(job, &pod(&mine.name))));
        }
        decision.actions.extend(prune);
        decision
    }

    async fn effect(&self, _: &ProcessingJob, ask: &Ask, _: &Writer) -> Result<(), Failure> {
        let outside = self.world.shelf::<Outside>();
        self.world.gate(&ask.id(), || {
            let mut set = outside.0.lock().unwrap();
            let changed = match ask {
                Ask::Add(name) => set.insert(name.clone()),
                Ask::Remove(name) => set.remove(name),
            };
            drop(set);
            if changed {
                self.world.effect(ask.id());
            }
            Ok(())
        })
    }
}

fn name(job: &ProcessingJob) -> String {
    job.metadata.uid.clone().unwrap_or_default()
}

fn pod(name: &str) -> Pod {
    serde_json::from_value(json!({"metadata": {"name": name, "namespace": "ml"}, "spec": {"containers": []}})).unwrap()
}

fn settings() -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": "settings", "namespace": "ml"}, "data": {"colour": "green"}}))
        .unwrap()
}

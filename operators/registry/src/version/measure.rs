//! Whether there is anything at the source: a pod with a grant on it counts files and bytes, once, before registration.
//!
//! The result stands in the status with the place it is about. The Job and the grant go when it is known. A place without
//! files is final for this object until somebody asks again.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use millrace_crds::{ModelVersion, ModelVersionStatus, Reason, ReasonText, model_version::Measured};
use millrace_kit::{Action, Seen, Standing, Target, Wait, conditions, kernel::REQUESTED_AT, later, names};
use serde::Deserialize;

use super::{
    effect::VersionEffect,
    pass::{STALL_AFTER, VersionDecision, stand, waits},
    seen::Observed,
    spec::Plan,
};
use crate::{
    children::measure::{self as children, job_name},
    pods::{End, Exit, SLOW, Trouble, end},
    registry::seen::GrantView,
};

/// Failed attempts after which a person is asked.
const ATTEMPTS: i64 = 4;
/// First wait after a failed attempt.
const BASE: Duration = Duration::from_secs(10);
const REASON: Reason = Reason::MeasuringSource;
/// One wording for all steps: each change of it would be a write.
const COUNTING: &str = "counting its files";
const MEASURE_AGAIN: &str = "set the annotation reconcile.fluxcd.io/requestedAt to have it measured again";

/// What the pod says; see `children/measure.py`.
#[derive(Deserialize)]
struct Tale {
    files: i64,
    bytes: i64,
}

/// The children that nobody needs once the source is measured.
pub(super) fn leftovers(seen: &Observed) -> Vec<Action<VersionEffect>> {
    let job = seen.job.iter().filter(|j| j.metadata.deletion_timestamp.is_none()).map(Target::of);
    let grant = seen.grant.iter().filter(|g| g.metadata.deletion_timestamp.is_none()).map(Target::of);
    job.chain(grant).map(Action::Delete).collect()
}

type Decided = Box<VersionDecision>;

/// The status with what lies at the source, or what is to be done first.
pub(super) fn measure(
    version: &ModelVersion,
    seen: &Seen<Observed>,
    plan: &Plan,
    now: Timestamp,
) -> Result<ModelVersionStatus, Decided> {
    let mut status = version.status.clone().unwrap_or_default();
    let source = plan.source.uri();
    let known = status.measured.clone().filter(|m| m.source == source);
    match known {
        Some(measured) if measured.files > 0 => return Ok(status),
        Some(_) if !asked(version) => return Err(Box::new(empty(status, &source, now))),
        Some(_) => status.measuring = status.measuring.map(|n| n + 1),
        None => {}
    }
    status.measured = None;
    let attempt = status.measuring.unwrap_or(1);
    status.measuring = Some(attempt);
    let tale = tale(version, &seen.data, attempt);
    if let Some(tale) =
        tale.as_ref().filter(|t| t.code == 0).and_then(|t| serde_json::from_str::<Tale>(&t.message).ok())
    {
        status.measured = Some(Measured { source: source.clone(), files: tale.files, bytes: tale.bytes });
        return if tale.files > 0 { Ok(status) } else { Err(Box::new(empty(status, &source, now))) };
    }
    let run = Run { version, seen, plan, now };
    let mut decision = run.step(status, attempt, tale);
    if let Some(last) = seen.failure_of(&decision.actions) {
        conditions::stand(&mut decision.status, &Standing::failed(&last.failure), now);
    }
    Err(Box::new(decision))
}

fn asked(version: &ModelVersion) -> bool {
    let request = version.annotations().get(REQUESTED_AT);
    request.is_some() && request != version.status.as_ref().and_then(|s| s.last_handled_reconcile_at.as_ref())
}

fn empty(status: ModelVersionStatus, source: &str, now: Timestamp) -> VersionDecision {
    let message = format!(
        "spec.source: no files at {source}; write the model there and create the ModelVersion again, or {MEASURE_AGAIN}"
    );
    stand(status, &Standing::stalled(Reason::SourceEmpty, message), now)
}

/// How the pod of this attempt ended.
fn tale(version: &ModelVersion, seen: &Observed, attempt: i64) -> Option<Exit> {
    let name = job_name(version, attempt);
    seen.pods.iter().find(|p| p.job.as_ref() == Some(&name)).and_then(|p| p.exit.clone())
}

/// An attempt that has no result yet.
struct Run<'a> {
    version: &'a ModelVersion,
    seen: &'a Seen<Observed>,
    plan: &'a Plan,
    now: Timestamp,
}

impl Run<'_> {
    fn step(&self, mut status: ModelVersionStatus, attempt: i64, tale: Option<Exit>) -> VersionDecision {
        let data = &self.seen.data;
        let name = job_name(self.version, attempt);
        let job = data.job.as_ref().filter(|j| j.name_any() == name);
        if let Some((job, End::Badly(at, why))) = job.map(|j| (j, end(j))) {
            let said = format!("spec.source: Job {name}: {}", tale.map_or(why, |t| t.message));
            let factor = 2_u32.saturating_pow(u32::try_from(attempt - 1).unwrap_or(u32::MAX));
            let due = later(at, BASE.saturating_mul(factor));
            let last = attempt % ATTEMPTS == 0;
            if last && !asked(self.version) {
                let grant = data.grant.iter().map(|g| Action::Delete(Target::of(g)));
                let standing = Standing::stalled(Reason::SourceNotMeasured, format!("{said}; {MEASURE_AGAIN}"));
                let mut decision = stand(status, &standing, self.now);
                decision.actions.extend(grant);
                return decision;
            }
            if !last && self.now < due {
                return stand(status, &Standing::progressing(Reason::SourceNotMeasured, said), self.now).wake_at(due);
            }
            // The next pass makes the next Job.
            status.measuring = Some(attempt + 1);
            return self.waits(status, COUNTING).act(Action::Delete(Target::of(job)));
        }
        let Some(grant) = &data.grant else {
            let ask = self.make(|what| children::grant(self.version, what));
            return self.waits(status, COUNTING).act(ask);
        };
        let access = GrantView::of(grant);
        if access.stalled {
            let message = format!("spec.source: DataGrant {}: {}", grant.name_any(), access.message);
            return stand(status, &Standing::stalled(ReasonText::as_given(access.reason), message), self.now);
        }
        if !access.ready {
            let said = format!("DataGrant {}: {}", grant.name_any(), access.message);
            return self.waits(status, if access.message.is_empty() { COUNTING } else { &said });
        }
        if job.is_none() {
            let build = self.make(|what| children::job(self.version, what, &name));
            return self.waits(status, COUNTING).act(build);
        }
        let pod = data.pods.iter().find(|p| p.job.as_ref() == Some(&name));
        let decision = match pod.and_then(|p| p.trouble.as_ref()).or(data.job_trouble.as_ref()) {
            Some(trouble) => self.troubled(status, trouble, &name),
            None => self.waits(status, COUNTING),
        };
        decision.wake_after(self.now, SLOW)
    }

    /// Waits for a trouble to go; what is said already of the same cause is not worded anew.
    fn troubled(&self, status: ModelVersionStatus, trouble: &Trouble, job: &str) -> VersionDecision {
        let said = conditions::get(&status, "Ready").filter(|c| trouble.told_by(&c.reason, &c.message));
        let message =
            said.map_or_else(|| format!("spec.source: Job {job}: {}", trouble.message), |c| c.message.clone());
        waits(status, &Wait::new(&trouble.reason, message, self.since(), STALL_AFTER), self.now)
    }

    fn since(&self) -> Timestamp {
        self.seen.data.grant.as_ref().and_then(|g| g.creation_timestamp()).map_or(self.now, |t| t.0)
    }

    fn waits(&self, status: ModelVersionStatus, doing: &str) -> VersionDecision {
        let wait =
            Wait::new(REASON, format!("spec.source: {}: {doing}", self.plan.source.uri()), self.since(), STALL_AFTER);
        waits(status, &wait, self.now)
    }

    /// A child of the measurement.
    fn make(&self, build: impl Fn(&children::What<'_>) -> millrace_kit::Child) -> Action<VersionEffect> {
        let data = &self.seen.data;
        let uid = self.version.uid().unwrap_or_default();
        let grant = names::child(&self.version.name_any(), &uid, &["measure"]);
        let source = data.source.clone().unwrap_or_default();
        let registry = data.registry.clone().unwrap_or_default();
        Action::Create(build(&children::What {
            grant: &grant,
            bucket: (&source.name, &source.data_plane),
            store: &self.plan.source.bucket,
            path: &self.plan.source.path,
            image: (&registry.image, &registry.pull_policy),
        }))
    }
}

//! Rules of attempts: their names, pods, grants, ranks and records.

use k8s_openapi::api::core::v1::Pod;
use millrace_crds::{ProcessingJob, processing_job::FailureClass};
use millrace_kit::{
    Action, DecisionOf, Key, Reader,
    sim::{Inputs, Seeded, SeededBug},
};
use millrace_processing::{Observed, Processing};
use serde_json::json;

use super::{another, of};

pub(super) fn all() -> Vec<Seeded> {
    vec![
        of::<ForgetsIntent>(),
        of::<RandomName>(),
        of::<TrustsCache>(),
        of::<ForgetsUid>(),
        of::<LeaksGrant>(),
        of::<StartsWithoutData>(),
        of::<ChargesTheUser>(),
        of::<LeavesTheOldPod>(),
        of::<StartsBesidePeers>(),
        of::<JudgesRank0Alone>(),
        of::<ReplacesOneRank>(),
        of::<LeaksTheService>(),
        of::<ForgetsTheDeadline>(),
        of::<ForgetsWhoseMemory>(),
        of::<ForgetsTheRequest>(),
    ]
}

/// What is done is stored before it is done.
struct ForgetsIntent;

impl SeededBug for ForgetsIntent {
    type Of = Processing;
    const NAME: &'static str = "forgets the intent";
    const SCENARIO: &'static str = "container ends well";

    fn decision(decision: &mut DecisionOf<Processing>, inputs: &Inputs<'_, Processing>) {
        if !decision.actions.is_empty() {
            decision.status.clone_from(&inputs.object.status.clone().unwrap_or_default());
        }
    }
}

/// A pod has the same name in every pass.
struct RandomName;

impl SeededBug for RandomName {
    type Of = Processing;
    const NAME: &'static str = "random name";
    const SCENARIO: &'static str = "container ends well";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        for action in &mut decision.actions {
            if let Action::Create(child) = action {
                child.body["metadata"]["name"] = json!(format!("x-{}-main", another()));
            }
        }
    }
}

/// What the cache misses is proved to be gone.
struct TrustsCache;

impl SeededBug for TrustsCache {
    type Of = Processing;
    const NAME: &'static str = "trusts the cache";
    const SCENARIO: &'static str = "container ends well";

    fn observed(observed: &mut Observed, job: &ProcessingJob, reader: &Reader) {
        let attempt = job.status.clone().unwrap_or_default().attempt.unwrap_or_default();
        let missed = reader.cached::<Pod>(&Key::new("ml", attempt.pod.unwrap_or_default())).is_none();
        observed.lost = attempt.pod_uid.is_some() && missed;
        if attempt.pod_uid.is_none() && observed.workload.is_some() && missed {
            observed.workload = None;
            observed.lost = true;
        }
    }
}

/// The uid of a pod is stored once it is seen.
struct ForgetsUid;

impl SeededBug for ForgetsUid {
    type Of = Processing;
    const NAME: &'static str = "forgets the uid";
    const SCENARIO: &'static str = "pod deleted while it runs";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        if let Some(attempt) = &mut decision.status.attempt {
            attempt.pod_uid = None;
        }
    }
}

/// A grant goes with its attempt.
struct LeaksGrant;

impl SeededBug for LeaksGrant {
    type Of = Processing;
    const NAME: &'static str = "leaks the grant";
    const SCENARIO: &'static str = "container with data";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        decision.actions.retain(|a| !matches!(a, Action::Delete(t) if t.kind == "DataGrant"));
    }
}

/// No pod before its grant is ready.
struct StartsWithoutData;

impl SeededBug for StartsWithoutData {
    type Of = Processing;
    const NAME: &'static str = "starts without data";
    const SCENARIO: &'static str = "grant never ready";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if let Some(grant) = &mut observed.grant {
            grant.ready = true;
        }
    }
}

/// A lost driver is not the application's fault.
struct ChargesTheUser;

impl SeededBug for ChargesTheUser {
    type Of = Processing;
    const NAME: &'static str = "charges the user";
    const SCENARIO: &'static str = "pod deleted while it runs";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        for record in &mut decision.status.last_attempts {
            if record.class == Some(FailureClass::DriverLost) {
                record.class = Some(FailureClass::Application);
            }
        }
    }
}

/// The next attempt waits for the end of the last one's pod.
struct LeavesTheOldPod;

impl SeededBug for LeavesTheOldPod {
    type Of = Processing;
    const NAME: &'static str = "does not end the old pod";
    const SCENARIO: &'static str = "spec changed while it runs";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        decision.actions.retain(|a| !matches!(a, Action::Delete(t) if t.kind == "Pod"));
    }
}

/// All ranks have ended before any starts again.
struct StartsBesidePeers;

impl SeededBug for StartsBesidePeers {
    type Of = Processing;
    const NAME: &'static str = "starts beside peers that still run";
    const SCENARIO: &'static str = "a rank fails, all restart";

    fn observed(observed: &mut Observed, _: &ProcessingJob, _: &Reader) {
        if observed.ranks.iter().any(|p| p.phase == "Failed") {
            observed.ranks.retain(|p| p.phase == "Failed");
            observed.workload = None;
        }
    }
}

/// An attempt has succeeded when all its ranks have.
struct JudgesRank0Alone;

impl SeededBug for JudgesRank0Alone {
    type Of = Processing;
    const NAME: &'static str = "judges rank 0 alone";
    const SCENARIO: &'static str = "three ranks end well";

    fn object(object: &mut ProcessingJob, inputs: &Inputs<'_, Processing>) {
        if let Some(attempt) = object.status.as_mut().and_then(|s| s.attempt.as_mut())
            && inputs.seen.data.workload.as_ref().is_some_and(|p| p.phase == "Succeeded")
        {
            attempt.replicas = None;
        }
    }
}

/// A rank that is lost restarts all.
struct ReplacesOneRank;

impl SeededBug for ReplacesOneRank {
    type Of = Processing;
    const NAME: &'static str = "replaces one rank";
    const SCENARIO: &'static str = "a rank is deleted while all run";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        if let Some(attempt) = &mut decision.status.attempt {
            attempt.ranks.clear();
        }
    }
}

/// The Service of the ranks goes with its attempt.
struct LeaksTheService;

impl SeededBug for LeaksTheService {
    type Of = Processing;
    const NAME: &'static str = "leaks the Service";
    const SCENARIO: &'static str = "three ranks end well";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        decision.actions.retain(|a| !matches!(a, Action::Delete(t) if t.kind == "Service"));
    }
}

/// An attempt has a deadline.
struct ForgetsTheDeadline;

impl SeededBug for ForgetsTheDeadline {
    type Of = Processing;
    const NAME: &'static str = "forgets the deadline";
    const SCENARIO: &'static str = "run deadline";

    fn object(object: &mut ProcessingJob, _: &Inputs<'_, Processing>) {
        object.spec.job.deadlines = None;
    }
}

/// A record says whose memory was too little.
struct ForgetsWhoseMemory;

impl SeededBug for ForgetsWhoseMemory {
    type Of = Processing;
    const NAME: &'static str = "forgets whose memory";
    const SCENARIO: &'static str = "executors' memory grows, then the driver's";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        for record in &mut decision.status.last_attempts {
            record.out_of_memory_field = None;
        }
    }
}

/// A request for another run is kept until it can be answered.
struct ForgetsTheRequest;

impl SeededBug for ForgetsTheRequest {
    type Of = Processing;
    const NAME: &'static str = "forgets a request";
    const SCENARIO: &'static str = "a request is taken away while suspended";

    fn decision(decision: &mut DecisionOf<Processing>, _: &Inputs<'_, Processing>) {
        decision.status.pending_run_request = None;
    }
}

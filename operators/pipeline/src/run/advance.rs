//! One step of a run: when it starts, what it makes, how it stands.
//!
//! An ended step is never touched again, and what it returned stands in the run. A step that runs has its child made, and
//! made again should somebody delete it: the name is derived, so there is never a second one. What a step gives up is
//! taken back first: the step has failed when that is gone. A status is rewritten only for what a person must see.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    MLPipelineRun, Reason, ReasonText,
    ml_pipeline_run::{ChildRef, StepPhase, StepStatus},
};
use millrace_kit::{
    Action, Child, Class, Failures, Key, NoEffect, Seen, Target, Wait, conditions, later, wait::spoken,
};

use super::{
    seen::Observed,
    status::{MAX_MESSAGE, STALL_AFTER, ended},
};
use crate::{
    children,
    modifiers::{self, Before},
    spec::{scope::Scope, step::Step},
    verbs::{
        child_state::{Cause, ChildPhase, ChildState, Progress, Results},
        of_kind,
        verb::{Limit, Request},
    },
};

/// Tries of a passing failure before it is worth a word.
const TRIES: u32 = 3;

/// One look at all steps of a run, each after all it needs.
pub(super) struct Advance<'a> {
    run: &'a MLPipelineRun,
    observed: &'a Observed,
    failures: &'a Failures,
    now: Timestamp,
    pub(super) scope: Scope,
    data_plane: Option<&'a str>,
    pub(super) steps: BTreeMap<String, StepStatus>,
    pub(super) actions: Vec<Action<NoEffect>>,
    pub(super) wake: Option<Timestamp>,
}

impl<'a> Advance<'a> {
    pub(super) fn new(
        run: &'a MLPipelineRun,
        seen: &'a Seen<Observed>,
        data_plane: Option<&'a str>,
        now: Timestamp,
    ) -> Self {
        Self {
            run,
            observed: &seen.data,
            data_plane,
            failures: &seen.failures,
            now,
            scope: Scope::default(),
            steps: BTreeMap::new(),
            actions: Vec::new(),
            wake: None,
        }
    }

    /// Moves one step and records what became of it.
    pub(super) fn step(&mut self, step: &Step, before: StepStatus) {
        let before = self.named(step, before);
        let after = match before.phase {
            StepPhase::Succeeded => self.remembered(step, before),
            phase if ended(phase) => before,
            StepPhase::Running => self.running(step, before),
            _ => self.ready(step, before),
        };
        if after.phase == StepPhase::Succeeded {
            self.scope.results.insert(step.name.clone(), after.results.clone().unwrap_or_default());
            self.scope.texts.insert(step.name.clone(), after.result_texts.clone());
        }
        self.steps.insert(step.name.clone(), after);
    }

    /// A run begun by a Millrace that named children elsewhere: their names are derived once and stored.
    fn named(&self, step: &Step, mut before: StepStatus) -> StepStatus {
        if before.child.is_none() && before.started_at.is_some() {
            before.child = Some(self.child_ref(step));
        }
        before
    }

    fn child_ref(&self, step: &Step) -> ChildRef {
        ChildRef { kind: step.verb.kind().kind.into_owned(), name: children::step_child(self.run, &step.name) }
    }

    /// A run begun by a Millrace that left results in the children: they are read once and stored.
    fn remembered(&self, step: &Step, before: StepStatus) -> StepStatus {
        if before.results.is_some() || step.returns.is_empty() {
            return before;
        }
        let results = match self.child(&before).map(|child| &child.phase) {
            Some(ChildPhase::Succeeded(results)) => results.clone(),
            _ => Results::default(),
        };
        stored(step, before, results)
    }

    fn ready(&mut self, step: &Step, before: StepStatus) -> StepStatus {
        let needs = || step.needs.iter().filter_map(|name| self.steps.get(name));
        let failed = needs().find(|s| {
            s.phase == StepPhase::Failed || s.reason.as_ref().is_some_and(|reason| *reason == Reason::UpstreamFailed)
        });
        if let Some(need) = failed {
            let message = format!("it needs {}, which did not succeed", need.name);
            return self.end(before, StepPhase::Skipped, &Cause::new(Reason::UpstreamFailed, message));
        }
        if let Some(need) = needs().find(|s| s.phase == StepPhase::Skipped) {
            let message = format!("it needs {}, which was skipped", need.name);
            return self.end(before, StepPhase::Skipped, &Cause::new(Reason::UpstreamSkipped, message));
        }
        if needs().any(|s| s.phase != StepPhase::Succeeded) {
            return before;
        }
        match modifiers::before(step, &self.scope) {
            Before::Start => {}
            Before::Skip(cause) => return self.end(before, StepPhase::Skipped, &cause),
            Before::Fail(cause) => return self.end(before, StepPhase::Failed, &cause),
        }
        match self.make(step) {
            Err(cause) => self.end(before, StepPhase::Failed, &cause),
            Ok(child) => {
                self.actions.push(Action::Create(child));
                StepStatus {
                    phase: StepPhase::Running,
                    child: Some(self.child_ref(step)),
                    started_at: Some(Time(self.now)),
                    reason: None,
                    message: None,
                    ..before
                }
            }
        }
    }

    fn running(&mut self, step: &Step, before: StepStatus) -> StepStatus {
        let Some(child) = self.child(&before) else {
            return match before.stopping_at {
                Some(_) => self.taken_back(before),
                None => self.again(step, before),
            };
        };
        match &child.phase {
            ChildPhase::Succeeded(results) => self.succeeded(step, before, results.clone()),
            ChildPhase::Failed(cause) => {
                StepStatus { attempt: child.attempt, ..self.end(before, StepPhase::Failed, cause) }
            }
            _ if before.stopping_at.is_some() => self.take_back(before, child),
            ChildPhase::Refused(cause) => self.give_up(before, child, cause),
            ChildPhase::Running(progress) => self.on_its_way(step, before, child, progress),
        }
    }

    fn succeeded(&self, step: &Step, before: StepStatus, results: Results) -> StepStatus {
        let attempt = self.child(&before).and_then(|child| child.attempt);
        let ended = self.end(before, StepPhase::Succeeded, &Cause::default());
        stored(step, StepStatus { attempt, stopping_at: None, ..ended }, results)
    }

    /// Says what the child waits for, and gives up when that has lasted too long.
    fn on_its_way(&mut self, step: &Step, before: StepStatus, child: &ChildState, progress: &Progress) -> StepStatus {
        let Progress { waits_for, stalled_since, done } = progress;
        let mut over = self.late(step, &before, waits_for.as_ref());
        if let (Some(cause), Some(since)) = (waits_for, stalled_since) {
            let wait = Wait::new(&cause.reason, &cause.message, since.0, step.start);
            over = self.over(&wait).then(|| Cause::new(&cause.reason, wait.overdue())).or(over);
        }
        match (over, done) {
            // It cannot be taken back, so it counts.
            (Some(_), Some(results)) => self.succeeded(step, before, results.clone()),
            (Some(cause), None) => self.give_up(before, child, &cause),
            (None, _) => {
                let until = match (stalled_since, step.limit) {
                    (Some(_), _) => Some(lasts(step.start)),
                    (None, limit) => limit.map(ends),
                };
                let attempt = child.attempt.filter(|n| *n > 1);
                let (reason, message) = waits_for.as_ref().map(|cause| worded(cause, until)).unzip();
                StepStatus { attempt, reason, message, ..before }
            }
        }
    }

    /// Whether a step is past the limit that the run counts.
    fn late(&mut self, step: &Step, before: &StepStatus, waits_for: Option<&Cause>) -> Option<Cause> {
        let (limit, since) = (step.limit?, before.started_at.as_ref()?);
        let last = waits_for.map_or_else(String::new, |cause| format!(": {}", cause.message));
        let message = format!("not {} within {}{last}", limit.done, spoken(limit.duration));
        let wait = Wait::new(Reason::Deadline, &message, since.0, limit.duration);
        self.over(&wait).then(|| Cause::new(Reason::Deadline, message))
    }

    /// Whether a wait has lasted too long; if not, the run is looked at again when it will have.
    fn over(&mut self, wait: &Wait) -> bool {
        self.wake = wait.wake(self.now).into_iter().chain(self.wake).min();
        wait.over(self.now)
    }

    /// The child is asked for and not there: not made yet, refused, or deleted by somebody.
    fn again(&mut self, step: &Step, mut before: StepStatus) -> StepStatus {
        let child = match self.late(step, &before, None).map_or_else(|| self.make(step), Err) {
            Ok(child) => child,
            Err(cause) => return self.end(before, StepPhase::Failed, &cause),
        };
        let action = Action::Create(child);
        if let Some(last) = self.failures.of(&action.id()) {
            let failure = &last.failure;
            let wait = Wait::new(&failure.reason, &failure.message, last.since, step.start);
            if failure.class == Class::Invalid {
                return self.end(before, StepPhase::Failed, &Cause::new(&failure.reason, &failure.message));
            }
            if self.over(&wait) {
                return self.end(before, StepPhase::Failed, &Cause::new(&failure.reason, wait.overdue()));
            }
            if failure.class != Class::Transient || last.count >= TRIES {
                let (reason, message) = worded(&Cause::new(&failure.reason, &failure.message), Some(lasts(step.start)));
                before = StepStatus { reason: Some(reason), message: Some(message), ..before };
            }
        }
        self.actions.push(action);
        before
    }

    /// Stores why, and takes back what the step started.
    fn give_up(&mut self, before: StepStatus, child: &ChildState, why: &Cause) -> StepStatus {
        let (reason, message) = worded(why, None);
        let stopping_at = Some(Time(self.now));
        self.take_back(StepStatus { reason: Some(reason), message: Some(message), stopping_at, ..before }, child)
    }

    fn take_back(&mut self, before: StepStatus, child: &ChildState) -> StepStatus {
        self.actions.extend(deletion(self.run, child));
        if let Some(since) = &before.stopping_at {
            let due = later(since.0, STALL_AFTER);
            self.wake = Some(due).filter(|due| *due > self.now).into_iter().chain(self.wake).min();
        }
        before
    }

    fn taken_back(&self, before: StepStatus) -> StepStatus {
        let why = Cause::new(
            ReasonText::as_given(before.reason.clone().unwrap_or_default()),
            before.message.clone().unwrap_or_default(),
        );
        self.end(before, StepPhase::Failed, &why)
    }

    fn end(&self, before: StepStatus, phase: StepPhase, why: &Cause) -> StepStatus {
        let text = |text: &str, max: usize| Some(conditions::cut(text, max).to_owned()).filter(|t| !t.is_empty());
        // A step that never ran has no times.
        let at = self.child(&before).and_then(|child| child.finished_at.clone()).unwrap_or(Time(self.now));
        let finished_at = before.started_at.as_ref().map(|_| at);
        let (reason, message) = (text(&why.reason, 64), text(&why.message, MAX_MESSAGE));
        StepStatus { phase, reason, message, finished_at, ..before }
    }

    fn child(&self, step: &StepStatus) -> Option<&'a ChildState> {
        self.observed.child(self.run, step)
    }

    fn make(&self, step: &Step) -> Result<Child, Cause> {
        step.verb.child(&Request {
            run: self.run,
            step: &step.spec,
            scope: &self.scope,
            data_plane: self.data_plane,
            namespace: &self.observed.namespace,
        })
    }
}

/// The deletion of a child, unless it is being deleted or has changed since it was seen: what it became in the meantime
/// counts.
pub(super) fn deletion(run: &MLPipelineRun, child: &ChildState) -> Option<Action<NoEffect>> {
    if child.deleting {
        return None;
    }
    let key = Key::new(run.metadata.namespace.clone().unwrap_or_default(), &child.name);
    let target = Target::named(of_kind(&child.kind)?.kind(), key, &child.uid);
    Some(Action::Delete(target.at_version(&child.resource_version)))
}

fn lasts(limit: Duration) -> String {
    format!("; the step fails if this lasts {} (deadlines.start)", spoken(limit))
}

fn ends(limit: Limit) -> String {
    format!("; the step fails if it is not {} within {} (deadlines.run)", limit.done, spoken(limit.duration))
}

/// Reason and message as a status keeps them, with when the step will fail.
fn worded(cause: &Cause, until: Option<String>) -> (String, String) {
    let until = until.unwrap_or_default();
    let message = format!("{}{until}", conditions::cut(&cause.message, MAX_MESSAGE.saturating_sub(until.len())));
    (conditions::cut(&cause.reason, 64).to_owned(), message)
}

/// The step with what others name of what it returned.
fn stored(step: &Step, before: StepStatus, results: Results) -> StepStatus {
    let Results { values, mut texts } = results;
    let results = step.returns.of(values);
    texts.retain(|key, _| results.as_ref().is_some_and(|kept| kept.contains_key(key)));
    StepStatus { results, result_texts: texts, ..before }
}

//! One step of a run: when it starts, what it makes, how it stands.
//!
//! An ended step is never touched again, and what it returned stands in the run. A step that runs has its child made, and
//! made again should somebody delete it: the name is derived, so there is never a second one. What a step gives up is
//! taken back first: the step has failed when that is gone. A status is rewritten only for what a person must see.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    MLPipelineRun,
    ml_pipeline_run::{StepPhase, StepStatus},
};
use millrace_kit::{Action, Child, Class, Failures, NoEffect, Seen, Wait, conditions, wait::spoken};

use super::{
    child::{Going, Made, Results, Standing, Told},
    observe::Around,
    status::{MAX_MESSAGE, PATIENCE, ended},
    values,
};
use crate::{
    children,
    model::{Scope, Step, Verb, register},
};

/// Tries of a passing failure before it is worth a word.
const TRIES: u32 = 3;

/// The walk through the steps, each after all it needs.
pub(super) struct Walk<'a> {
    run: &'a MLPipelineRun,
    around: &'a Around,
    failures: &'a Failures,
    now: Timestamp,
    pub(super) scope: Scope,
    pub(super) data_plane: Option<String>,
    pub(super) steps: BTreeMap<String, StepStatus>,
    pub(super) actions: Vec<Action<NoEffect>>,
    pub(super) wake: Option<Timestamp>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(run: &'a MLPipelineRun, seen: &'a Seen<Around>, now: Timestamp) -> Self {
        Self {
            run,
            around: &seen.data,
            failures: &seen.failures,
            now,
            scope: Scope::default(),
            data_plane: None,
            steps: BTreeMap::new(),
            actions: Vec::new(),
            wake: None,
        }
    }

    /// Moves one step and records what became of it.
    pub(super) fn step(&mut self, step: &Step, before: StepStatus) {
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

    /// A run begun by a Millrace that left results in the jobs: they are read once and stored.
    fn remembered(&self, step: &Step, before: StepStatus) -> StepStatus {
        if before.results.is_some() || step.returns.is_empty() {
            return before;
        }
        let results = match self.child(&before).map(Made::standing) {
            Some(Standing::Succeeded(results)) => results,
            _ => Results::default(),
        };
        stored(step, before, results)
    }

    fn ready(&mut self, step: &Step, before: StepStatus) -> StepStatus {
        let needs = || step.needs.iter().filter_map(|name| self.steps.get(name));
        let failed = needs().find(|s| s.phase == StepPhase::Failed || s.reason.as_deref() == Some("UpstreamFailed"));
        if let Some(need) = failed {
            let message = format!("it needs {}, which did not succeed", need.name);
            return self.end(before, StepPhase::Skipped, &Told::new("UpstreamFailed", message));
        }
        if let Some(need) = needs().find(|s| s.phase == StepPhase::Skipped) {
            let message = format!("it needs {}, which was skipped", need.name);
            return self.end(before, StepPhase::Skipped, &Told::new("UpstreamSkipped", message));
        }
        if needs().any(|s| s.phase != StepPhase::Succeeded) {
            return before;
        }
        match step.when.as_ref().map(|when| (when, when.holds(&self.scope))) {
            Some((_, Err(problem))) => {
                return self.end(before, StepPhase::Failed, &Told::new("ConditionInvalid", problem));
            }
            Some((when, Ok(false))) => {
                let message = format!("{} is false", when.told(&self.scope));
                return self.end(before, StepPhase::Skipped, &Told::new("WhenFalse", message));
            }
            Some((_, Ok(true))) | None => {}
        }
        match self.make(step) {
            Err(told) => self.end(before, StepPhase::Failed, &told),
            Ok(child) => {
                self.actions.push(Action::Create(child));
                let job = Some(children::step_child(self.run, &step.name));
                let started_at = Some(Time(self.now));
                StepStatus { phase: StepPhase::Running, job, started_at, reason: None, message: None, ..before }
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
        match child.standing() {
            Standing::Succeeded(results) => self.succeeded(step, before, results),
            Standing::Failed(told) => {
                let attempt = child.attempt();
                StepStatus { attempt, ..self.end(before, StepPhase::Failed, &told) }
            }
            _ if before.stopping_at.is_some() => self.take_back(before, child),
            Standing::Refused(told) => self.give_up(before, child, told),
            Standing::Running(going) => self.going(step, before, going),
        }
    }

    fn succeeded(&self, step: &Step, before: StepStatus, results: Results) -> StepStatus {
        let attempt = self.child(&before).and_then(Made::attempt);
        let ended = self.end(before, StepPhase::Succeeded, &Told::new("", ""));
        stored(step, StepStatus { attempt, stopping_at: None, ..ended }, results)
    }

    /// Says what the child waits for, and gives up when that has lasted too long.
    fn going(&mut self, step: &Step, before: StepStatus, going: Going) -> StepStatus {
        let Going { waits, stalled, done } = going;
        let Some(child) = self.child(&before) else { return before };
        let mut over = self.late(step, &before, waits.as_ref());
        if let (Some(told), Some(since)) = (&waits, stalled) {
            let wait = Wait::new(&told.reason, &told.message, since, step.start);
            over = self.over(&wait).then(|| Told::new(&told.reason, wait.overdue())).or(over);
        }
        match (over, done) {
            // It cannot be taken back, so it counts.
            (Some(_), Some(results)) => self.succeeded(step, before, results),
            (Some(told), None) => self.give_up(before, child, told),
            (None, _) => {
                let until = match (&step.verb, stalled) {
                    (_, Some(_)) => Some(lasts(step.start)),
                    (Verb::Register { deadline, .. }, None) => Some(registered(*deadline)),
                    (Verb::Job(_), None) => None,
                };
                let attempt = child.attempt().filter(|n| *n > 1);
                let (reason, message) = waits.map(|told| worded(&told, until)).unzip();
                StepStatus { attempt, reason, message, ..before }
            }
        }
    }

    /// Whether a registration is past its deadline.
    fn late(&mut self, step: &Step, before: &StepStatus, waits: Option<&Told>) -> Option<Told> {
        let (Verb::Register { deadline, .. }, Some(since)) = (&step.verb, &before.started_at) else { return None };
        let last = waits.map_or_else(String::new, |told| format!(": {}", told.message));
        let message = format!("not registered within {}{last}", spoken(*deadline));
        self.over(&Wait::new("Deadline", &message, since.0, *deadline)).then(|| Told::new("Deadline", message))
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
            Err(told) => return self.end(before, StepPhase::Failed, &told),
        };
        let action = Action::Create(child);
        if let Some(last) = self.failures.of(&action.id()) {
            let failure = &last.failure;
            let wait = Wait::new(&failure.reason, &failure.message, last.since, step.start);
            if failure.class == Class::Invalid {
                return self.end(before, StepPhase::Failed, &Told::new(&failure.reason, &failure.message));
            }
            if self.over(&wait) {
                return self.end(before, StepPhase::Failed, &Told::new(&failure.reason, wait.overdue()));
            }
            if failure.class != Class::Transient || last.count >= TRIES {
                let (reason, message) = worded(&Told::new(&failure.reason, &failure.message), Some(lasts(step.start)));
                before = StepStatus { reason: Some(reason), message: Some(message), ..before };
            }
        }
        self.actions.push(action);
        before
    }

    /// Stores why, and takes back what the step started.
    fn give_up(&mut self, before: StepStatus, child: Made<'_>, why: Told) -> StepStatus {
        let (reason, message) = worded(&why, None);
        let stopping_at = Some(Time(self.now));
        self.take_back(StepStatus { reason: Some(reason), message: Some(message), stopping_at, ..before }, child)
    }

    fn take_back(&mut self, before: StepStatus, child: Made<'_>) -> StepStatus {
        if !child.going() {
            self.actions.push(Action::Delete(child.target()));
        }
        if let Some(since) = &before.stopping_at {
            let wait = Wait::new("TakingBack", "", since.0, PATIENCE);
            self.over(&wait);
        }
        before
    }

    fn taken_back(&self, before: StepStatus) -> StepStatus {
        let told = Told::new(before.reason.clone().unwrap_or_default(), before.message.clone().unwrap_or_default());
        self.end(before, StepPhase::Failed, &told)
    }

    fn end(&self, before: StepStatus, phase: StepPhase, told: &Told) -> StepStatus {
        let text = |text: &str, max: usize| Some(conditions::cut(text, max).to_owned()).filter(|t| !t.is_empty());
        // A step that never ran has no times.
        let at = self.child(&before).and_then(Made::finished_at).unwrap_or(Time(self.now));
        let finished_at = before.started_at.as_ref().map(|_| at);
        let (reason, message) = (text(&told.reason, 64), text(&told.message, MAX_MESSAGE));
        StepStatus { phase, reason, message, finished_at, ..before }
    }

    fn child(&self, step: &StepStatus) -> Option<Made<'a>> {
        Made::find(self.around, step.job.as_ref())
    }

    fn make(&self, step: &Step) -> Result<Child, Told> {
        let missing = |problem: String| Told::new("ResultMissing", problem);
        match &step.verb {
            Verb::Job(spec) => {
                let mut spec = values::job(spec, &self.scope).map_err(missing)?;
                spec.data_plane = spec.data_plane.or_else(|| self.data_plane.clone());
                Ok(Child::of(self.run, &children::job::build(self.run, &step.name, spec)))
            }
            Verb::Register { spec, .. } => {
                let spec = values::register(spec, &self.scope).map_err(missing)?;
                let wrong = register::model(&spec.model).err();
                if let Some(problem) = wrong {
                    return Err(Told::new("InvalidModelName", format!("register.model: {problem}")));
                }
                let registry = match (&spec.registry, self.around.registries.as_slice()) {
                    (Some(named), _) => named.clone(),
                    (None, [only]) => only.clone(),
                    (None, all) => {
                        let message =
                            format!("the namespace has {} ModelRegistries; name one in register.registry", all.len());
                        return Err(Told::new("RegistryUnknown", message));
                    }
                };
                Ok(Child::of(self.run, &children::version::build(self.run, &step.name, (spec, registry))))
            }
        }
    }
}

fn lasts(limit: Duration) -> String {
    format!("; the step fails if this lasts {} (deadlines.start)", spoken(limit))
}

fn registered(limit: Duration) -> String {
    format!("; the step fails if it is not registered within {} (deadlines.run)", spoken(limit))
}

/// Reason and message as a status keeps them, with when the step will fail.
fn worded(told: &Told, until: Option<String>) -> (String, String) {
    let until = until.unwrap_or_default();
    let message = format!("{}{until}", conditions::cut(&told.message, MAX_MESSAGE.saturating_sub(until.len())));
    (conditions::cut(&told.reason, 64).to_owned(), message)
}

/// The step with what others name of what it returned.
fn stored(step: &Step, before: StepStatus, results: Results) -> StepStatus {
    let Results { values, mut texts } = results;
    let results = step.returns.of(values);
    texts.retain(|key, _| results.as_ref().is_some_and(|kept| kept.contains_key(key)));
    StepStatus { results, result_texts: texts, ..before }
}

//! One step of a run: when it starts, what it makes, how it stands.
//!
//! An ended step is never touched again. A step that runs has its child made, and made again should somebody delete it:
//! the name is derived, so there is never a second one. A status is rewritten only for what a person must see.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    MLPipelineRun, ModelVersion, ProcessingJob,
    ml_pipeline_run::{StepPhase, StepStatus},
};
use millrace_kit::{Action, Child, Class, Failures, NoEffect, Seen, Target, conditions, later};
use serde_json::{Value, json};

use super::{observe::Around, status::ended, values};
use crate::{
    children,
    model::{Scope, Step, Verb},
};

/// Longest message of a step, in bytes; the schema says the same.
const MAX_MESSAGE: usize = 1_024;

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

/// How the child of a step stands.
enum Standing {
    Absent,
    Running(Option<i64>),
    Succeeded(BTreeMap<String, Value>),
    Failed(String, String),
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
            phase if ended(phase) => before,
            StepPhase::Running => self.running(step, before),
            _ => self.ready(step, before),
        };
        if after.phase == StepPhase::Succeeded {
            let results = self.results(step);
            self.scope.results.insert(step.name.clone(), results);
            self.scope.texts.insert(step.name.clone(), self.texts(step));
        }
        self.steps.insert(step.name.clone(), after);
    }

    fn ready(&mut self, step: &Step, before: StepStatus) -> StepStatus {
        let needs = || step.needs.iter().filter_map(|name| self.steps.get(name));
        let failed = needs().find(|s| s.phase == StepPhase::Failed || s.reason.as_deref() == Some("UpstreamFailed"));
        if let Some(need) = failed {
            let message = format!("it needs {}, which did not succeed", need.name);
            return self.end(before, StepPhase::Skipped, ("UpstreamFailed", &message));
        }
        if let Some(need) = needs().find(|s| s.phase == StepPhase::Skipped) {
            let message = format!("it needs {}, which was skipped", need.name);
            return self.end(before, StepPhase::Skipped, ("UpstreamSkipped", &message));
        }
        if needs().any(|s| s.phase != StepPhase::Succeeded) {
            return before;
        }
        match step.when.as_ref().map(|when| (when, when.holds(&self.scope))) {
            Some((_, Err(problem))) => return self.end(before, StepPhase::Failed, ("ConditionInvalid", &problem)),
            Some((when, Ok(false))) => {
                let message = format!("{} is false", when.told(&self.scope));
                return self.end(before, StepPhase::Skipped, ("WhenFalse", &message));
            }
            Some((_, Ok(true))) | None => {}
        }
        match self.child(step) {
            Err((reason, problem)) => self.end(before, StepPhase::Failed, (reason, &problem)),
            Ok(child) => {
                self.actions.push(Action::Create(child));
                let job = Some(children::step_child(self.run, &step.name));
                let started_at = Some(Time(self.now));
                StepStatus { phase: StepPhase::Running, job, started_at, reason: None, message: None, ..before }
            }
        }
    }

    fn running(&mut self, step: &Step, mut before: StepStatus) -> StepStatus {
        if let Some(over) = self.deadline(step, &before) {
            return over;
        }
        match self.standing(step, &before) {
            Standing::Succeeded(_) => {
                let attempt = self.attempt(&before);
                StepStatus { attempt, ..self.end(before, StepPhase::Succeeded, ("", "")) }
            }
            Standing::Failed(reason, message) => {
                let attempt = self.attempt(&before);
                StepStatus { attempt, ..self.end(before, StepPhase::Failed, (&reason, &message)) }
            }
            Standing::Running(attempt) => {
                before.attempt = attempt.filter(|n| *n > 1);
                before.reason = None;
                before.message = None;
                before
            }
            Standing::Absent => self.again(step, before),
        }
    }

    /// The child is asked for and not there: not made yet, refused, or deleted by somebody.
    fn again(&mut self, step: &Step, mut before: StepStatus) -> StepStatus {
        let child = match self.child(step) {
            Ok(child) => child,
            Err((reason, problem)) => return self.end(before, StepPhase::Failed, (reason, &problem)),
        };
        let action = Action::Create(child);
        let refused = self.failures.of(&action.id()).map(|last| &last.failure);
        match refused {
            Some(failure) if failure.class == Class::Invalid => {
                return self.end(before, StepPhase::Failed, (&failure.reason, &failure.message));
            }
            Some(failure) if failure.class != Class::Transient => {
                before.reason = Some(failure.reason.clone());
                before.message = Some(conditions::cut(&failure.message, MAX_MESSAGE).to_owned());
            }
            _ => {}
        }
        self.actions.push(action);
        before
    }

    /// A registration past its deadline is taken back first and has failed when it is gone.
    fn deadline(&mut self, step: &Step, before: &StepStatus) -> Option<StepStatus> {
        let Verb::Register { deadline, .. } = &step.verb else { return None };
        let end = later(before.started_at.as_ref()?.0, *deadline);
        if matches!(self.standing(step, before), Standing::Succeeded(_) | Standing::Failed(..)) {
            return None;
        }
        if self.now < end {
            self.wake = Some(self.wake.map_or(end, |at| at.min(end)));
            return None;
        }
        let said = before.message.clone().or_else(|| {
            let version = self.version(before)?;
            conditions::get(version.status.as_ref()?, "Ready").map(|c| c.message.clone())
        });
        let message = said.unwrap_or_else(|| format!("not registered within {}s", deadline.as_secs()));
        if let Some(version) = self.version(before) {
            self.actions.push(Action::Delete(Target::of(version)));
            let message = Some(conditions::cut(&message, MAX_MESSAGE).to_owned());
            return Some(StepStatus { reason: Some("Deadline".into()), message, ..before.clone() });
        }
        Some(self.end(before.clone(), StepPhase::Failed, ("Deadline", &message)))
    }

    fn end(&self, before: StepStatus, phase: StepPhase, told: (&str, &str)) -> StepStatus {
        let (reason, message) = told;
        let text = |text: &str, max: usize| Some(conditions::cut(text, max).to_owned()).filter(|t| !t.is_empty());
        // A step that never ran has no times.
        let at = self.job(&before).and_then(|j| j.status.as_ref()?.finished_at.clone()).unwrap_or(Time(self.now));
        let finished_at = before.started_at.as_ref().map(|_| at);
        StepStatus { phase, reason: text(reason, 64), message: text(message, MAX_MESSAGE), finished_at, ..before }
    }

    fn job(&self, step: &StepStatus) -> Option<&'a ProcessingJob> {
        step.job.as_ref()?;
        self.around.jobs.iter().find(|j| j.metadata.name == step.job)
    }

    fn version(&self, step: &StepStatus) -> Option<&'a ModelVersion> {
        step.job.as_ref()?;
        self.around.versions.iter().find(|v| v.metadata.name == step.job)
    }

    fn attempt(&self, step: &StepStatus) -> Option<i64> {
        Some(self.job(step)?.status.as_ref()?.attempt.as_ref()?.number)
    }

    fn results(&self, step: &Step) -> BTreeMap<String, Value> {
        let named = StepStatus { job: Some(children::step_child(self.run, &step.name)), ..StepStatus::default() };
        match self.standing(step, &named) {
            Standing::Succeeded(results) => results,
            _ => BTreeMap::new(),
        }
    }

    /// Its numbers that do not read back as they were written.
    fn texts(&self, step: &Step) -> BTreeMap<String, String> {
        let named = StepStatus { job: Some(children::step_child(self.run, &step.name)), ..StepStatus::default() };
        self.job(&named).and_then(|job| job.status.as_ref()).map(|s| s.result_texts.clone()).unwrap_or_default()
    }

    fn standing(&self, step: &Step, told: &StepStatus) -> Standing {
        match &step.verb {
            Verb::Job(_) => self.job(told).map_or(Standing::Absent, job_standing),
            Verb::Register { .. } => self.version(told).map_or(Standing::Absent, version_standing),
        }
    }

    fn child(&self, step: &Step) -> Result<Child, (&'static str, String)> {
        let missing = |problem: String| ("ResultMissing", problem);
        match &step.verb {
            Verb::Job(spec) => {
                let mut spec = values::job(spec, &self.scope).map_err(missing)?;
                spec.data_plane = spec.data_plane.or_else(|| self.data_plane.clone());
                Ok(Child::of(self.run, &children::job::build(self.run, &step.name, spec)))
            }
            Verb::Register { spec, .. } => {
                let spec = values::register(spec, &self.scope).map_err(missing)?;
                let registry = match (&spec.registry, self.around.registries.as_slice()) {
                    (Some(named), _) => named.clone(),
                    (None, [only]) => only.clone(),
                    (None, all) => {
                        let message =
                            format!("the namespace has {} ModelRegistries; name one in register.registry", all.len());
                        return Err(("RegistryUnknown", message));
                    }
                };
                Ok(Child::of(self.run, &children::version::build(self.run, &step.name, (spec, registry))))
            }
        }
    }
}

fn job_standing(job: &ProcessingJob) -> Standing {
    let Some(status) = &job.status else { return Standing::Running(None) };
    let attempt = status.attempt.as_ref().map(|a| a.number);
    if status.observed_generation != job.metadata.generation.unwrap_or(0) {
        return Standing::Running(attempt);
    }
    let said = |kind: &str, flag: &str| conditions::get(status, kind).filter(|c| c.status == flag);
    if said("Succeeded", "True").is_some() {
        return Standing::Succeeded(status.results.clone());
    }
    if let Some(failed) = said("Succeeded", "False") {
        let class = status.last_attempts.first().and_then(|a| a.class);
        let reason = class.map_or_else(|| failed.reason.clone(), |class| format!("{class:?}"));
        return Standing::Failed(reason, failed.message.clone());
    }
    match said("Stalled", "True") {
        Some(stalled) => Standing::Failed(stalled.reason.clone(), stalled.message.clone()),
        None => Standing::Running(attempt),
    }
}

fn version_standing(version: &ModelVersion) -> Standing {
    let Some(status) = &version.status else { return Standing::Running(None) };
    if status.observed_generation != version.metadata.generation.unwrap_or(0) {
        return Standing::Running(None);
    }
    if let Some(stalled) = conditions::get(status, "Stalled").filter(|c| c.status == "True") {
        return Standing::Failed(stalled.reason.clone(), stalled.message.clone());
    }
    match (conditions::is_true(status, "Ready"), status.version) {
        (true, Some(number)) => {
            let uri = status.uri.clone().unwrap_or_else(|| format!("models:/{}/{number}", version.spec.model));
            Standing::Succeeded(BTreeMap::from([("version".into(), json!(number)), ("uri".into(), json!(uri))]))
        }
        _ => Standing::Running(None),
    }
}

//! `register`: a step that makes a ModelVersion and waits for it.
//!
//! What MLflow refuses is found when the pipeline is applied, not after the hours before its last step.

use std::{collections::BTreeMap, time::Duration};

use millrace_crds::{
    MLPipeline, MLPipelineRun, ModelRegistry, ModelVersion, ModelVersionSpec, Reason, RegisterSpec,
    model_version::RunRef, step::StepSpec, well_known::GROUP,
};
use millrace_kit::{Child, Failure, Key, Kind, Reader, Standing, Watch, access::Access, async_trait, conditions, refs};
use serde_json::json;

use super::{
    child_state::{Cause, ChildPhase, ChildState, Progress, Results, waiting},
    verb::{Limit, Namespace, Request, Verb},
};
use crate::{
    children,
    rights::{LOOK, MAKE},
    spec::{fill::filled, finding::Finding, scope::Scope},
};

/// How long a registration may take where the step does not say: long enough for a registry that is being upgraded.
const DEADLINE: Duration = Duration::from_secs(3_600);
/// The kind whose only object of a namespace a step may leave unnamed.
const REGISTRY: &str = "ModelRegistry";

/// Registers a model version.
#[derive(Clone, Copy, Debug)]
pub struct Register;

#[async_trait]
impl Verb for Register {
    fn fields(&self) -> &'static [&'static str] {
        &["register"]
    }

    fn kind(&self) -> Kind {
        Kind::of::<ModelVersion>()
    }

    fn child(&self, request: &Request<'_>) -> Result<Child, Cause> {
        let spec = request.step.register.clone().unwrap_or_default();
        let register = filled_in(&spec, request.scope).map_err(|missing| Cause::new(Reason::ResultMissing, missing))?;
        if let Err(problem) = model(&register.model) {
            return Err(Cause::new(Reason::InvalidModelName, format!("register.model: {problem}")));
        }
        let registry = match (&register.registry, registries(request.namespace)) {
            (Some(named), _) => named.clone(),
            (None, [only]) => only.clone(),
            (None, all) => {
                let message = format!("the namespace has {} ModelRegistries; name one in register.registry", all.len());
                return Err(Cause::new(Reason::RegistryUnknown, message));
            }
        };
        let spec = ModelVersionSpec {
            registry,
            model: register.model,
            source: register.source,
            aliases: register.aliases,
            tags: register.tags,
            description: register.description,
            run: Some(origin(request)),
        };
        let metadata = children::step_meta(request.run, &request.step.name);
        Ok(Child::of(request.run, &ModelVersion { metadata, spec, status: None }))
    }

    fn children(&self, owner_uid: &str, reader: &Reader) -> Vec<ChildState> {
        reader.cache.owned::<ModelVersion>(owner_uid).iter().map(|version| state(version)).collect()
    }

    async fn live(&self, key: &Key, owner_uid: &str, reader: &Reader) -> Result<Option<ChildState>, Failure> {
        Ok(reader.live_child::<ModelVersion>(key, owner_uid).await?.map(|version| state(&version)))
    }

    fn watch(&self) -> Watch {
        Watch::child::<MLPipelineRun, ModelVersion>("steps that register models").labels(children::OF_RUNS)
    }

    fn access(&self) -> &'static [Access] {
        const ACCESS: &[Access] = &[
            Access::cluster(
                GROUP,
                "modelversions",
                MAKE,
                "register models; take back a registration past its deadline",
            ),
            Access::cluster(GROUP, "modelregistries", LOOK, "find the only registry of a namespace"),
        ];
        ACCESS
    }

    /// A literal part of a registration that MLflow would refuse. A name with references is looked at when they are known.
    fn check(&self, step: &StepSpec, path: &str, findings: &mut Vec<Finding>) {
        let Some(spec) = &step.register else { return };
        // No reference has these two letters, so they are wrong wherever they stand.
        let literal = !spec.model.contains("$(");
        if let Err(problem) = model(&spec.model)
            && (literal || spec.model.contains(ODD))
        {
            findings.push(Finding::new(format!("{path}.register.model"), problem));
        }
        for alias in spec.aliases.iter().filter(|alias| reserved(alias)) {
            let problem = format!("{alias} is reserved by MLflow; choose another, such as candidate");
            findings.push(Finding::new(format!("{path}.register.aliases"), problem));
        }
        for key in spec.tags.keys() {
            if let Err(problem) = tag(key) {
                findings.push(Finding::new(format!("{path}.register.tags"), problem));
            }
        }
    }

    fn returns(&self) -> Option<&'static [&'static str]> {
        Some(&["version", "uri"])
    }

    fn without_data(&self) -> Option<&'static str> {
        Some(
            "a register step has no access to data; let the step that writes the files return their URI and write \
             $(steps.NAME.results.KEY)",
        )
    }

    fn limit(&self) -> Option<Limit> {
        Some(Limit { duration: DEADLINE, done: "registered" })
    }

    /// The name of a model that no result has a part in and the registry would refuse after all the steps before.
    fn refusal(&self, step: &StepSpec, scope: &Scope) -> Option<Cause> {
        let written = &step.register.as_ref()?.model;
        let name = RegisterSpec { model: written.clone(), ..RegisterSpec::default() };
        // What needs a result is looked at when the result is there.
        let name = filled_in(&name, scope).ok()?.model;
        let problem = model(&name).err()?;
        Some(Cause::new(Reason::InvalidModelName, format!("step {}, register.model {written}: {problem}", step.name)))
    }

    fn look(&self, namespace: &str, reader: &Reader) -> Namespace {
        let all = reader.cache.indexed::<ModelRegistry>(namespace);
        let names: Vec<String> = all.iter().filter_map(|r| r.metadata.name.clone()).collect();
        if names.is_empty() { Namespace::new() } else { Namespace::from([(REGISTRY.to_owned(), names)]) }
    }

    fn namespace_watches(&self) -> Vec<Watch> {
        vec![
            Watch::related::<ModelRegistry>("the only registry of a namespace", |registry, cache| {
                let namespace = registry.metadata.namespace.clone().unwrap_or_default();
                cache.indexed::<MLPipeline>(&left_to(&namespace)).iter().map(|p| Key::of(&**p)).collect()
            })
            .stored_as(
                |_: &mut ModelRegistry| {},
                |registry| registry.metadata.namespace.clone().into_iter().collect(),
            ),
        ]
    }

    fn index_keys(&self, step: &StepSpec, namespace: &str) -> Vec<String> {
        let unnamed = step.register.as_ref().is_some_and(|register| register.registry.is_none());
        if unnamed { vec![left_to(namespace)] } else { Vec::new() }
    }

    /// A step that leaves its registry to the namespace needs the namespace to have exactly one.
    fn lacks(&self, step: &StepSpec, namespace: &Namespace) -> Option<Standing> {
        if step.register.as_ref()?.registry.is_some() {
            return None;
        }
        match registries(namespace) {
            [_] => None,
            [] => {
                let message = "a register step names no registry and the namespace has none yet; name one or make one";
                Some(Standing::progressing(Reason::RegistryMissing, message))
            }
            all => {
                let message = format!(
                    "a register step names no registry and the namespace has {}; name one in register.registry",
                    all.join(", ")
                );
                Some(Standing::stalled(Reason::RegistryAmbiguous, message))
            }
        }
    }
}

/// Index key of the pipelines that leave a registry to their namespace.
fn left_to(namespace: &str) -> String {
    format!("registry/{namespace}")
}

fn registries(namespace: &Namespace) -> &[String] {
    namespace.get(REGISTRY).map_or(&[], Vec::as_slice)
}

/// Nobody reads a registration for references later.
fn filled_in(spec: &RegisterSpec, scope: &Scope) -> Result<RegisterSpec, String> {
    filled(spec, scope, |_| refs::Reader::Nobody)
}

fn origin(request: &Request<'_>) -> RunRef {
    let run = request.run;
    RunRef {
        pipeline: run.spec.pipeline.clone(),
        name: run.metadata.name.clone().unwrap_or_default(),
        step: request.step.name.clone(),
        uid: run.metadata.uid.clone(),
    }
}

/// A model version as its run sees it.
#[must_use]
pub fn state(version: &ModelVersion) -> ChildState {
    ChildState::of(version, phase(version))
}

fn phase(version: &ModelVersion) -> ChildPhase {
    let Some(status) = &version.status else { return ChildPhase::default() };
    let results = status.version.filter(|_| status.deleted_at.is_none()).map(|number| {
        let uri = status.uri.clone().unwrap_or_else(|| format!("models:/{}/{number}", version.spec.model));
        let values = BTreeMap::from([("version".into(), json!(number)), ("uri".into(), json!(uri))]);
        Results { values, texts: BTreeMap::new() }
    });
    let current = status.observed_generation == version.metadata.generation.unwrap_or(0);
    match results {
        Some(results) if current && conditions::is_true(status, "Ready") => ChildPhase::Succeeded(results),
        Some(_) if !current => ChildPhase::Running(Progress { done: results, ..Progress::default() }),
        None if !current => ChildPhase::default(),
        done => match waiting(status) {
            ChildPhase::Running(progress) => ChildPhase::Running(Progress { done, ..progress }),
            // Registered is registered, whatever became of the spec since.
            ChildPhase::Refused(why) if done.is_some() => {
                ChildPhase::Running(Progress { waits_for: Some(why), done, ..Progress::default() })
            }
            other => other,
        },
    }
}

/// They separate the parts of `models:/NAME/VERSION`.
const ODD: [char; 2] = ['/', ':'];

/// Whether MLflow takes this name of a model.
///
/// # Errors
/// What to write instead.
fn model(name: &str) -> Result<(), String> {
    if name.contains(ODD) || name.trim() != name || name.contains(char::is_control) || matches!(name, "" | "." | "..") {
        return Err(format!(
            "{name:?} is not a valid MLflow model name; remove /, :, control characters and spaces around it"
        ));
    }
    Ok(())
}

/// MLflow keeps `latest` and `v<number>` for itself.
fn reserved(alias: &str) -> bool {
    let number = alias.strip_prefix(['v', 'V']).is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()));
    number || alias.eq_ignore_ascii_case("latest")
}

/// MLflow reads a tag's key as a path, too.
fn tag(key: &str) -> Result<(), String> {
    let odd = |c: char| !(c.is_alphanumeric() || "_/.-: ".contains(c));
    let unclean = |part: &str| matches!(part, "" | "." | "..");
    if key.contains(odd) || key.split('/').any(unclean) || key.len() > 250 {
        return Err(format!(
            "{key:?} is not a valid MLflow tag key; use letters, digits, _ - . : and single / between"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;

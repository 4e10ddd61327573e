//! Pods of one container each: one, or several that work together.

mod pod;
mod replicas;
mod spec;

use millrace_crds::{JobSpec, processing_job::Attempt};
use millrace_kit::{Child, names};
use serde_json::{Value, json};

use crate::{
    build::BuildContext,
    engine::Engine,
    model::{Memory, Prefix, Section, findings::Findings, place::Place, references::Names, section::SectionParser},
};

/// Variables by which the replicas find each other.
const RANK_VARIABLES: [&str; 4] = ["RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"];

/// The engine of the section `container`.
pub(crate) struct Container;

impl SectionParser for Container {
    fn name(&self) -> &'static str {
        spec::NAME
    }

    fn given(&self, spec: &JobSpec) -> bool {
        spec.container.is_some()
    }

    fn parse(&self, spec: &JobSpec, _: &str, names: &Names, findings: &mut Findings) -> Option<Box<dyn Section>> {
        Some(Box::new(spec::parse(spec.container.as_ref()?, names, findings)))
    }

    fn application(&self, spec: &JobSpec) -> Value {
        json!(spec.container)
    }

    fn set_memory(&self, spec: &mut JobSpec, memory: Memory<'_>) {
        if let (Some(own), Some(memory)) = (&mut spec.container, memory.own) {
            own.memory = Some(memory.clone());
        }
    }

    fn places(&self, spec: &JobSpec, job: &str, findings: &mut Findings) -> Vec<Place> {
        let text = spec.container.as_ref().and_then(|own| own.checkpoint.as_deref());
        let at = text.and_then(|text| Prefix::read("container.checkpoint", text, findings));
        let place = |at: Prefix| {
            let protected = if at.prefix.is_empty() { runs(job) } else { at.prefix.clone() };
            Place { at, protected: Some(protected) }
        };
        at.map(place).into_iter().collect()
    }

    fn reserves(&self, spec: &JobSpec, variable: &str) -> Option<String> {
        let several = self.pods(spec).is_some_and(|replicas| replicas > 1);
        let taken = several && RANK_VARIABLES.contains(&variable);
        taken.then(|| format!("`{variable}` is set by Millrace when container.replicas is above 1; remove it"))
    }

    fn pods(&self, spec: &JobSpec) -> Option<i32> {
        spec.container.as_ref()?.replicas
    }
}

/// What the places of all of a job's runs begin with, where it was given a whole bucket.
fn runs(job: &str) -> String {
    let run = names::child(job, "", &[]);
    run.rsplit_once('-').map_or_else(String::new, |(stem, _)| format!("{stem}-"))
}

impl Engine for Container {
    fn began(&self, attempt: &Attempt) -> bool {
        attempt.pod.as_ref().is_some_and(|name| name.ends_with("-main"))
    }

    fn objects(&self, context: &BuildContext<'_>) -> Vec<Child> {
        let Some(own) = context.section::<spec::Container>() else { return Vec::new() };
        let service = (own.replicas > 1 && context.seen.service.is_none()).then(|| replicas::service(context));
        let pods = (0..usize::try_from(own.replicas).unwrap_or(1)).map(|rank| pod::build(context, own, rank));
        service
            .map(|service| Child::of(context.job, &service))
            .into_iter()
            .chain(pods.map(|pod| Child::of(context.job, &pod)))
            .collect()
    }
}

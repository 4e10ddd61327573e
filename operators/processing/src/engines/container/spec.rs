//! The section `container`, parsed.

use std::collections::BTreeMap;

use millrace_crds::{ContainerSpec, Quantity, engines::PullPolicy};

use crate::model::{
    fields::{quantity, texts},
    findings::Findings,
    place::Prefix,
    references::Names,
    section::Section,
};

/// One container.
pub(crate) struct Container {
    pub image: String,
    pub pull: PullPolicy,
    pub command: Vec<String>,
    pub args: Vec<String>,
    pub cpu: Quantity,
    pub memory: Quantity,
    /// Extended resources by their full names.
    pub resources: BTreeMap<String, i32>,
    /// Size of /dev/shm.
    pub shared_memory: Option<Quantity>,
    /// Pods that work together.
    pub replicas: i32,
    /// Below which it keeps its progress.
    pub checkpoint: Option<Prefix>,
}

/// Name of the engine.
pub(crate) const NAME: &str = "container";

impl Section for Container {
    fn engine(&self) -> &'static str {
        NAME
    }

    fn suffix(&self) -> &'static str {
        "main"
    }

    fn replicas(&self) -> i32 {
        self.replicas
    }

    fn memory(&self) -> (&'static str, &Quantity) {
        ("container.memory", &self.memory)
    }

    fn scheme(&self) -> &'static str {
        "s3"
    }
}

/// Reads the section.
pub(crate) fn parse(spec: &ContainerSpec, names: &Names, findings: &mut Findings) -> Container {
    names.check("container.image", &spec.image, findings);
    texts("container.command", &spec.command, (names, findings));
    texts("container.args", &spec.args, (names, findings));
    let cpu = quantity("container.cpu", spec.cpu.as_ref(), ("100m", findings));
    let memory = quantity("container.memory", spec.memory.as_ref(), ("256Mi", findings));
    spec.resources.keys().filter(|name| !extended(name)).for_each(|name| {
        let advice = "write the full name of an extended resource, for example nvidia.com/gpu; cpu and memory have their own fields";
        findings.note(format!("container.resources[{name}]"), advice);
    });
    let shared =
        spec.shared_memory.as_ref().map(|size| quantity("container.sharedMemory", Some(size), ("1Gi", findings)));
    if let Some(size) = shared.as_ref().filter(|size| size.units() > memory.units()) {
        let advice =
            format!("`{}` is more than container.memory ({}), which pays for it; raise that", size.0, memory.0);
        findings.note("container.sharedMemory", advice);
    }
    Container {
        image: spec.image.clone(),
        pull: spec.image_pull_policy.unwrap_or_default(),
        command: spec.command.clone(),
        args: spec.args.clone(),
        cpu,
        memory,
        resources: spec.resources.clone(),
        shared_memory: shared,
        replicas: spec.replicas.unwrap_or(1),
        // What cannot be read was found where the access is.
        checkpoint: spec.checkpoint.as_deref().and_then(Prefix::of),
    }
}

/// `domain/name` outside Kubernetes' own domain, as the API server wants it of extended resources.
fn extended(name: &str) -> bool {
    let word = |text: &str, more: &[char]| {
        let inner = |c: char| c.is_ascii_alphanumeric() || more.contains(&c);
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        text.len() <= 63 && text.chars().all(inner) && ends(text.chars().next()) && ends(text.chars().last())
    };
    name.split_once('/').is_some_and(|(domain, name)| {
        let ours = domain == "kubernetes.io" || domain.ends_with(".kubernetes.io") || domain.starts_with("requests.");
        !ours && domain.contains('.') && word(&domain.to_ascii_lowercase(), &['-', '.']) && word(name, &['-', '_', '.'])
    })
}

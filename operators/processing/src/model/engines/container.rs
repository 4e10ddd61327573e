//! The section `container`, parsed.

use millrace_crds::{ContainerSpec, Quantity, engines::PullPolicy};

use super::{Findings, Names, quantity, texts};

/// One container.
pub(crate) struct Container {
    pub image: String,
    pub pull: PullPolicy,
    pub command: Vec<String>,
    pub args: Vec<String>,
    pub cpu: Quantity,
    pub memory: Quantity,
}

/// Reads the section.
pub(super) fn parse(spec: &ContainerSpec, names: &Names, findings: &mut Findings) -> Container {
    names.check("container.image", &spec.image, findings);
    texts("container.command", &spec.command, (names, findings));
    texts("container.args", &spec.args, (names, findings));
    let cpu = quantity("container.cpu", spec.cpu.as_ref(), ("100m", findings));
    let memory = quantity("container.memory", spec.memory.as_ref(), ("256Mi", findings));
    Container {
        image: spec.image.clone(),
        pull: spec.image_pull_policy.unwrap_or_default(),
        command: spec.command.clone(),
        args: spec.args.clone(),
        cpu,
        memory,
    }
}

//! What each engine's section must be.

mod container;
pub(crate) mod flink;
mod spark;

use millrace_crds::{JobSpec, job::ENGINES};

use super::{findings::Findings, references::Names, section::Section};

pub(crate) use container::Container;
pub(crate) use flink::Flink;
pub(crate) use spark::{Executors, Program, Size, Spark};

/// The application.
pub(crate) enum Engine {
    /// A driver that asks for its executors.
    Spark(Box<Spark>),
    /// A JobManager that asks for its TaskManagers.
    Flink(Box<Flink>),
    /// One container.
    Container(Box<Container>),
}

impl Engine {
    /// What all engines say of theirs.
    pub(crate) fn section(&self) -> &dyn Section {
        match self {
            Self::Spark(own) => &**own,
            Self::Flink(own) => &**own,
            Self::Container(own) => &**own,
        }
    }
}

/// Exactly one engine of the job of this name, parsed.
pub(super) fn parse(spec: &JobSpec, job: &str, with: (&Names, &mut Findings)) -> Option<Engine> {
    let (names, findings) = with;
    match (&spec.spark, &spec.flink, &spec.container) {
        (Some(own), None, None) => spark::parse(own, job, (names, findings)).map(|s| Engine::Spark(Box::new(s))),
        (None, Some(own), None) => flink::parse(own, job, (names, findings)).map(|f| Engine::Flink(Box::new(f))),
        (None, None, Some(own)) => Some(Engine::Container(Box::new(container::parse(own, names, findings)))),
        (None, None, None) => {
            findings.note("spark", format!("the job has no engine; give exactly one of {}", ENGINES.join(", ")));
            None
        }
        _ => {
            findings.note("spark", format!("the job has two engines; give exactly one of {}", ENGINES.join(", ")));
            None
        }
    }
}

//! One pod with one container.

use millrace_kit::Child;

use super::{Engine, Plan};
use crate::{children::main_pod, model::Container, observe::PodView};

/// Name of the container.
pub(crate) const CONTAINER: &str = "main";

impl Engine for Container {
    fn suffix(&self) -> &'static str {
        "main"
    }

    fn scheme(&self) -> &'static str {
        "s3"
    }

    fn children(&self, plan: &Plan<'_>) -> Vec<Child> {
        vec![Child::of(plan.job, &main_pod::build(plan, self))]
    }

    fn url(&self, _: &PodView) -> Option<String> {
        None
    }
}

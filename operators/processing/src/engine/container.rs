//! Pods of one container each: one, or several that work together.

use millrace_crds::Quantity;
use millrace_kit::Child;

use super::{Engine, Plan};
use crate::{
    children::{main_pod, ranks},
    model::Container,
    observe::PodView,
};

/// Name of the container.
pub(crate) const CONTAINER: &str = "main";

impl Engine for Container {
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

    fn children(&self, plan: &Plan<'_>) -> Vec<Child> {
        let service = (self.replicas > 1 && plan.seen.service.is_none()).then(|| ranks::service(plan));
        let pods = (0..usize::try_from(self.replicas).unwrap_or(1)).map(|rank| main_pod::build(plan, self, rank));
        service
            .map(|service| Child::of(plan.job, &service))
            .into_iter()
            .chain(pods.map(|pod| Child::of(plan.job, &pod)))
            .collect()
    }

    fn url(&self, _: &PodView) -> Option<String> {
        None
    }
}

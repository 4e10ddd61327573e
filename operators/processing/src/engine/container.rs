//! Pods of one container each: one, or several that work together.

use millrace_kit::Child;

use super::Engine;
use crate::{
    build::BuildContext,
    children::{main_pod, ranks},
    model::Container,
    seen::PodView,
};

impl Engine for Container {
    fn children(&self, context: &BuildContext<'_>) -> Vec<Child> {
        let service = (self.replicas > 1 && context.seen.service.is_none()).then(|| ranks::service(context));
        let pods = (0..usize::try_from(self.replicas).unwrap_or(1)).map(|rank| main_pod::build(context, self, rank));
        service
            .map(|service| Child::of(context.job, &service))
            .into_iter()
            .chain(pods.map(|pod| Child::of(context.job, &pod)))
            .collect()
    }

    fn url(&self, _: &PodView) -> Option<String> {
        None
    }
}

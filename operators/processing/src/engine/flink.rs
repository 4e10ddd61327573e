//! Flink's own application mode: a ConfigMap, a Deployment that owns the TaskManagers, and a JobManager pod that asks for
//! them.

use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::api::resource as quantity};
use millrace_crds::Quantity;
use millrace_kit::Child;

use super::Engine;
use crate::{
    build::BuildContext,
    children::{account, flink, parts},
    engines::flink::layout::{self, FlinkStart},
    job::name::FLINK_ACCOUNT,
    model::{Flink, millis},
    seen::PodView,
};

impl Engine for Flink {
    fn worker(&self, context: &BuildContext<'_>) -> Option<Pod> {
        let (cpu, memory) = &self.task_manager;
        let mut resources = parts::resources(&cpu.0, &memory.0);
        let limit = Quantity(self.slots.saturating_add(1).to_string());
        let limit = if millis(&limit) < millis(cpu) { cpu.clone() } else { limit };
        resources.limits.get_or_insert_default().insert("cpu".to_owned(), quantity::Quantity(limit.0));
        Some(parts::sized(flink::worker::pod(context, self), context.fill(&self.image), resources))
    }

    fn children(&self, context: &BuildContext<'_>) -> Vec<Child> {
        let Some(stored) = context.flink else { return Vec::new() };
        let start = FlinkStart::of(stored, context);
        let mut all = account::missing(context, &FLINK_ACCOUNT);
        if context.seen.conf.is_none() {
            all.push(Child::of(context.job, &flink::conf::build(context, self, &start)));
        }
        if context.seen.anchor.is_none() {
            all.push(Child::of(context.job, &flink::anchor::build(context, self)));
        }
        all.push(Child::of(context.job, &flink::pod::build(context, self)));
        all
    }

    fn url(&self, pod: &PodView) -> Option<String> {
        layout::url(pod)
    }
}

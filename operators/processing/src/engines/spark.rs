//! Spark's own Kubernetes scheduler: a ConfigMap and a driver pod, which asks for its executors itself.

mod budget;
mod config_map;
mod driver;
mod event_log;
mod executor;
mod graceful_stop;
pub(crate) mod layout;
mod log4j;
mod properties;
mod spec;
mod verdict;

use k8s_openapi::api::core::v1::Pod;
use millrace_crds::{JobSpec, engines::SparkMode, processing_job::Attempt};
use millrace_kit::Child;
use serde_json::{Value, json};

use crate::{
    build::BuildContext,
    engine::Engine,
    job::{
        name::{Account, SPARK_ACCOUNT},
        outcome::Outcome,
    },
    model::{Memory, Prefix, Section, findings::Findings, place::Place, references::Names, section::SectionParser},
    objects::{account, common},
    pass::Pass,
    seen::WorkloadView,
};
use layout::UI_PORT;
use spec::Executors;

/// The engine of the section `spark`.
pub(crate) struct Spark;

impl SectionParser for Spark {
    fn name(&self) -> &'static str {
        spec::NAME
    }

    fn given(&self, spec: &JobSpec) -> bool {
        spec.spark.is_some()
    }

    fn parse(&self, spec: &JobSpec, job: &str, names: &Names, findings: &mut Findings) -> Option<Box<dyn Section>> {
        Some(Box::new(spec::parse(spec.spark.as_ref()?, job, names, findings)?))
    }

    fn application(&self, spec: &JobSpec) -> Value {
        json!(spec.spark)
    }

    fn set_memory(&self, spec: &mut JobSpec, memory: Memory<'_>) {
        let Some(own) = &mut spec.spark else { return };
        if let Some(memory) = memory.own {
            own.driver.get_or_insert_default().memory = Some(memory.clone());
        }
        if let Some(memory) = memory.workers {
            own.executors.get_or_insert_default().memory = Some(memory.clone());
        }
    }

    fn streams(&self, spec: &JobSpec) -> bool {
        spec.spark.as_ref().is_some_and(|own| own.mode.unwrap_or_default() == SparkMode::Streaming)
    }

    fn places(&self, spec: &JobSpec, job: &str, findings: &mut Findings) -> Vec<Place> {
        let Some(own) = &spec.spark else { return Vec::new() };
        let mut read =
            |field: &str, text: &Option<String>| text.as_ref().and_then(|text| Prefix::read(field, text, findings));
        let checkpoint = read("spark.checkpoint", &own.checkpoint).map(|at| Place::protected(spec::of_job(at, job)));
        // Nothing is read back from it, so it may expire.
        let event_log = read("spark.eventLog", &own.event_log).map(|at| Place { at, protected: None });
        checkpoint.into_iter().chain(event_log).collect()
    }

    fn pods(&self, spec: &JobSpec) -> Option<i32> {
        let executors = spec.spark.as_ref()?.executors.as_ref()?;
        executors.count.or(executors.min)
    }
}

impl Engine for Spark {
    fn began(&self, attempt: &Attempt) -> bool {
        attempt.pod.as_ref().is_some_and(|name| name.ends_with("-driver"))
    }

    fn objects(&self, context: &BuildContext<'_>) -> Vec<Child> {
        let Some(own) = context.section::<spec::Spark>() else { return Vec::new() };
        let cluster = own.executors != Executors::None;
        let mut all = if cluster { account::missing(context, &SPARK_ACCOUNT) } else { Vec::new() };
        if !context.seen.budget {
            let namespace = context.job.metadata.namespace.clone().unwrap_or_default();
            all.push(Child::free(&budget::build(&namespace)));
        }
        if context.seen.conf.is_none() {
            all.push(Child::of(context.job, &config_map::build(context, own)));
        }
        all.push(Child::of(context.job, &driver::build(context, own)));
        all
    }

    fn worker(&self, context: &BuildContext<'_>) -> Option<Pod> {
        let own = context.section::<spec::Spark>()?;
        let (cpu, memory) = (&own.executor.cpu.0, &own.executor.memory.0);
        Some(common::sized(executor::pod(context), context.fill(&own.image), common::resources(cpu, memory)))
    }

    fn account(&self) -> Option<&'static Account> {
        Some(&SPARK_ACCOUNT)
    }

    fn url(&self, driver: &WorkloadView) -> Option<String> {
        driver.url(UI_PORT)
    }

    fn asks_for_workers(&self) -> bool {
        true
    }

    fn outcome(&self, driver: &WorkloadView, pass: &Pass<'_>) -> Option<Outcome> {
        let own = pass.model.work.as_ref().ok().and_then(|work| work.section_of::<spec::Spark>());
        verdict::outcome(driver, own.is_some_and(|own| own.executors != Executors::None))
    }
}

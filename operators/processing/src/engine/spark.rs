//! Spark's own Kubernetes scheduler: a ConfigMap and a driver pod, which asks for its executors itself.

use millrace_crds::processing_job::FailureClass;
use millrace_kit::Child;

use super::{Engine, Plan};
use crate::{
    children::{account, conf, driver},
    evidence::{self, Outcome},
    model::Spark,
    observe::{Observed, PodView},
};

/// Name of the driver's container, which Spark expects.
pub(crate) const CONTAINER: &str = "spark-kubernetes-driver";

/// spark-submit's exit code when the main class is not there.
const CLASS_NOT_FOUND: i32 = 101;

impl Engine for Spark {
    fn suffix(&self) -> &'static str {
        "driver"
    }

    fn scheme(&self) -> &'static str {
        "s3a"
    }

    fn children(&self, plan: &Plan<'_>) -> Vec<Child> {
        let mut all = if self.executors > 0 { plan.account(&account::SPARK) } else { Vec::new() };
        if plan.seen.conf.is_none() {
            all.push(Child::of(plan.job, &conf::build(plan, self)));
        }
        all.push(Child::of(plan.job, &driver::build(plan, self)));
        all
    }

    fn url(&self, pod: &PodView) -> Option<String> {
        let ip = pod.ip.as_deref()?;
        Some(if ip.contains(':') { format!("http://[{ip}]:4040") } else { format!("http://{ip}:4040") })
    }

    fn outcome(&self, pod: &PodView, _: &Observed) -> Option<Outcome> {
        let mut outcome = evidence::outcome(pod)?;
        if outcome.exit_code == Some(CLASS_NOT_FOUND) && outcome.class == Some(FailureClass::Application) {
            outcome.class = Some(FailureClass::Configuration);
            outcome.message = format!("spark.class is not in spark.main; {}", outcome.message);
        }
        if outcome.class == Some(FailureClass::Application) && outcome.message.contains("java.lang.OutOfMemoryError") {
            outcome.class = Some(FailureClass::OutOfMemory);
            outcome.message = format!("the driver's heap is too small; raise spark.driver.memory. {}", outcome.message);
        }
        Some(outcome)
    }
}

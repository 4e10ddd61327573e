//! The check that nothing is left waiting for ever, on an operator that waits with an end and on one that does not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{ModelVersion, ModelVersionStatus, ReasonText};
use millrace_kit::{
    Controller, Decision, Env, Failure, Kernel, NoEffect, Operator, Reader, Seen, Standing, Wait, Watch, Writer,
    async_trait, conditions,
    sim::{self, Scenario, World},
    wait,
};
use serde_json::json;

/// Waits for what never comes: with a deadline or without.
struct Waiter<const ENDS: bool>;

#[async_trait]
impl<const ENDS: bool> Operator for Waiter<ENDS> {
    type Object = ModelVersion;
    type Observed = ();
    type Effect = NoEffect;
    const NAME: &'static str = "waiter";

    fn watches(&self) -> Vec<Watch> {
        Vec::new()
    }

    async fn observe(&self, _: &ModelVersion, _: &Reader) -> Result<(), Failure> {
        Ok(())
    }

    fn decide(version: &ModelVersion, _: &Seen<()>, now: Timestamp) -> Decision<ModelVersionStatus, NoEffect> {
        let mut status = version.status.clone().unwrap_or_default();
        let since = wait::since(&status, "Ready", "False", now);
        let wait =
            Wait::new(ReasonText::as_given("ServerMissing"), "there is no server", since, Duration::from_secs(600));
        if ENDS {
            conditions::stand(&mut status, &wait.standing(now), now);
            return Decision { wake: wait.wake(now), ..Decision::of(status) };
        }
        // It looks again and again, which is not an end.
        conditions::stand(&mut status, &Standing::progressing(wait.reason, wait.message), now);
        Decision::of(status).wake_after(now, Duration::from_secs(60))
    }

    async fn effect(&self, _: &ModelVersion, effect: &NoEffect, _: &Writer) -> Result<(), Failure> {
        match *effect {}
    }
}

fn version() -> ModelVersion {
    let spec = json!({"registry": "main", "model": "m", "source": "s3://b/m"});
    let meta = json!({"name": "v", "namespace": "ml"});
    serde_json::from_value(
        json!({"apiVersion": "millrace.dev/v1alpha1", "kind": "ModelVersion", "metadata": meta, "spec": spec}),
    )
    .unwrap()
}

fn left<const ENDS: bool>() -> Vec<String> {
    let build = |env: &Env, _: &World| -> Vec<Box<dyn Controller>> {
        vec![Box::new(Kernel::new(Waiter::<ENDS>, env.reader.clone()))]
    };
    let scenario = Scenario::new("waits").given(|world| world.apply(&version())).within(Duration::from_secs(60));
    sim::left_waiting(&scenario, &build)
}

#[test]
fn a_wait_without_an_end_is_found() {
    assert_eq!(left::<true>(), Vec::<String>::new());
    assert_eq!(
        left::<false>(),
        ["waits: ModelVersion ml/v waits for ever: ServerMissing: there is no server".to_owned()]
    );
}

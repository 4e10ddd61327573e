//! Edits that would harm a stream that runs, and are not followed: by the job itself, and by its bucket.

use std::time::Duration;

use serde_json::{Value, json};

use super::stores;
use super::streams::{JOB, Scene};
use super::tools::{check, same};
use crate::stage::{at, condition};
use crate::ui::Outcome;

/// From an edit to what is told of it.
const SOON: Duration = Duration::from_secs(60);

impl Scene<'_> {
    /// A restore point that is not there: what runs goes on, and the path is told.
    pub(super) fn nowhere(&self, first: &Value) -> Outcome<()> {
        let step = self.ui.step("a restore point that is not there", "");
        let path = format!("$(bucket.counts)/flink/{JOB}/savepoints/savepoint-none");
        self.patch(&json!({"flink": {"state": {"restoreFrom": path}}}))?;
        let told = self.space.wait(("processingjob", JOB), SOON, |job| {
            let refused = condition(job, "Ready").filter(|(_, reason, _)| *reason == "PreflightFailed");
            Ok(refused.map(|(_, _, message)| message.to_owned()))
        })?;
        check(
            told.contains("RestorePointMissing") && told.contains("savepoint-none/_metadata"),
            "not told why",
            &told,
        )?;
        self.patch(&json!({"flink": {"state": {"restoreFrom": null}}}))?;
        let job = self.space.wait(("processingjob", JOB), SOON, |job| {
            Ok(matches!(condition(job, "Ready"), Some(("True", ..))).then(|| job.clone()))
        })?;
        same("the pod that goes on", &at(&job, "/status/attempt/podUid"), &at(first, "/status/attempt/podUid"))?;
        step.done(told.chars().take(120).collect::<String>());
        Ok(())
    }

    /// An expiry rule that would delete the state is not applied, and the bucket serves on.
    pub(super) fn expiring(&self) -> Outcome<()> {
        let step = self.ui.step("an expiry rule over the state", "");
        let edit = |rules: Value| {
            let patch = json!({"spec": {"expire": rules}}).to_string();
            self.space.text(&["patch", "databucket", "counts", "--type=merge", "--patch", &patch])
        };
        edit(json!([{"prefix": "flink/", "days": 1}, {"prefix": "tmp/", "days": 1}]))?;
        let bucket = self.space.wait(("databucket", "counts"), SOON, |bucket| {
            let refused = matches!(condition(bucket, "ExpiryRefused"), Some(("True", ..)));
            let ready = matches!(condition(bucket, "Ready"), Some(("True", ..)));
            Ok((refused && ready).then(|| bucket.clone()))
        })?;
        let told = condition(&bucket, "ExpiryRefused").map(|(_, _, message)| message.to_owned()).unwrap_or_default();
        check(told.contains(JOB), "it is not told whose state it is", &told)?;
        let prefixes = || stores::expiring(self.space.stage, &self.bucket);
        self.space.until(("the rule beside it", SOON), || Ok((prefixes()? == ["tmp/"]).then_some(())))?;
        edit(Value::Null)?;
        self.space.wait(("databucket", "counts"), SOON, |bucket| {
            let settled = condition(bucket, "ExpiryRefused").is_none();
            Ok((settled && prefixes()?.is_empty()).then_some(()))
        })?;
        step.done(told.chars().take(120).collect::<String>());
        Ok(())
    }
}

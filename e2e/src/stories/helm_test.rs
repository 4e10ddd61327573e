//! `helm test`: the chart proves by itself that its operators run jobs, and leaves nothing behind.

use std::time::Duration;

use super::tools::check;
use crate::cluster::tool;
use crate::stage::{OPERATORS, Stage};
use crate::ui::{Failure, Outcome, Ui};

/// Longest time until what the test made is gone.
const GONE: Duration = Duration::from_secs(60);

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let step = ui.step("the chart's own test", "");
    let said = stage.test_chart(ui)?;
    step.done("");
    check(said.contains("Phase:          Succeeded"), "helm test did not report success", &said)?;
    let label = "app.kubernetes.io/name=millrace-test";
    let kinds = "processingjobs,pods,serviceaccounts,roles,rolebindings";
    let gone = || {
        let left = stage.text(&["get", kinds, "-n", OPERATORS, "-l", label, "-o", "name"])?;
        Ok(left.trim().is_empty().then_some(()))
    };
    tool::wait(GONE, gone, || Failure::because("helm test left something behind", label))
}

//! What a parameter says arrives byte for byte: in an argument and in a variable that a kubelet expands, and in a
//! result that comes back.

use std::time::Duration;

use serde_json::json;

use super::jobs;
use super::tools::{Space, same};
use crate::stage::{Stage, at};
use crate::ui::{Outcome, Ui};

/// Longest time for a job of a few seconds.
const LIMIT: Duration = Duration::from_secs(180);
/// Everything that means something to somebody on the way.
const ODD: &str = "pa$$word, 5$$, $$$ and $ a\"b'c\\d\nnext line é {{x}} %s $(HOME) $$(MILLRACE_RUN) $(params.odd) $";
/// Tells what it was given.
const SAY: &str = "import json, os, sys\n\
    json.dump({'arg': sys.argv[1], 'env': os.environ['ODD']}, open('/dev/termination-log', 'w'))";

pub(super) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let space = Space::new(stage, "story-values")?;
    let step = ui.step("a parameter full of dollars", "");
    let say = json!({
        "name": "say", "env": [{"name": "ODD", "value": "$(params.odd)"}],
        "container": {
            "image": jobs::IMAGE, "command": ["python3", "-c", SAY], "args": ["$(params.odd)"],
            "cpu": "50m", "memory": "256Mi",
        },
    });
    let pipeline = json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "MLPipeline", "metadata": {"name": "odd"},
        "spec": {"params": {"odd": ""}, "steps": [say]},
    });
    let run = json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "MLPipelineRun", "metadata": {"name": "odd"},
        "spec": {"pipeline": "odd", "params": {"odd": ODD}},
    });
    space.apply(&[pipeline, run])?;
    space.condition(("mlpipelinerun", "odd"), "Succeeded", LIMIT)?;
    let jobs = space.list("processingjobs", &[])?;
    let job = jobs.first().cloned().unwrap_or_default();
    for key in ["arg", "env"] {
        same(&format!("the value in {key}"), &at(&job, &format!("/status/results/{key}")), &ODD)?;
    }
    step.done("the same in an argument, a variable and a result");
    Ok(())
}

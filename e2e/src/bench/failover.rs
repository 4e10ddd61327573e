//! How long nobody works when a leader is lost: killed together with its pod, or killed while its pod seems to be there, as
//! when a node is away. Beside it what the lease itself makes a standby wait.
//!
//! Two processes of an operator as it ships on a local API server; the pods are objects without a node.

use std::time::Instant;

use serde_json::{Value, json};

use super::local::{self, Running};
use super::{Figure, Limit};
use crate::local::LocalApi;
use crate::stage::TEAM;
use crate::ui::{Outcome, Ui};

const OPERATOR: &str = "processing";
/// Objects it keeps.
const OBJECTS: usize = 200;
/// Kills of each kind.
const KILLS: usize = 20;

/// A process under the name of a pod.
struct Member {
    pod: String,
    running: Running,
    port: u16,
}

/// How the leader is lost.
#[derive(Clone, Copy, PartialEq)]
enum Loss {
    /// Its pod goes with it.
    Pod,
    /// Nobody has noticed yet that its pod is gone.
    Node,
}

pub(super) fn measure(ui: &Ui) -> Outcome<Vec<Figure>> {
    let binaries = local::build(&[OPERATOR], &[], ui)?;
    let api = local::server(&[TEAM], ui)?;
    let bench = Bench { kubeconfig: local::user(&api, OPERATOR)?, api, binaries };
    local::apply(&bench.api, &jobs())?;
    let mut figures = Vec::new();
    for (loss, what, aim) in [
        (Loss::Pod, "failover, the leader's pod is gone", 5.0),
        (Loss::Node, "failover, the leader's node is away", 20.0),
    ] {
        let step = ui.step(what, format!("{KILLS} kills"));
        let seconds = bench.play(loss)?;
        step.done("");
        let beside = format!("{KILLS} kills, {OBJECTS} objects; until the standby works");
        figures.push(Figure::of(what.to_owned(), &seconds, "s")?.limit(Limit::Aim(aim)).beside(beside));
    }
    Ok(figures)
}

struct Bench {
    api: LocalApi,
    kubeconfig: std::path::PathBuf,
    binaries: std::path::PathBuf,
}

impl Bench {
    fn member(&self, pod: String) -> Outcome<Member> {
        local::apply(&self.api, &[object(&pod)])?;
        let (running, port) = local::start(&self.kubeconfig, OPERATOR, &self.binaries, &[("POD_NAME", &pod)])?;
        Ok(Member { pod, running, port })
    }

    fn play(&self, loss: Loss) -> Outcome<Vec<f64>> {
        let name = |n: usize| format!("{OPERATOR}-{}-{n}", if loss == Loss::Pod { "pod" } else { "node" });
        let mut leader = self.member(name(0))?;
        local::answers(leader.port, "/leading")?;
        let mut seconds = Vec::new();
        for n in 1..=KILLS {
            let standby = self.member(name(n))?;
            local::answers(standby.port, "/readyz")?;
            let begun = Instant::now();
            drop(leader.running);
            if loss == Loss::Pod {
                let gone = ["delete", "pod", "-n", "default", &leader.pod, "--force", "--grace-period=0"];
                self.api.target.run(&gone)?;
            }
            local::answers(standby.port, "/leading")?;
            seconds.push(begun.elapsed().as_secs_f64());
            leader = standby;
        }
        drop(leader.running);
        Ok(seconds)
    }
}

fn object(pod: &str) -> Value {
    let spec = json!({"containers": [{"name": "operator", "image": "docker.io/millrace/none:dev"}]});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod, "namespace": "default"}, "spec": spec})
}

fn jobs() -> Vec<Value> {
    let container = json!({"image": "docker.io/millrace/flights:dev", "command": ["python3", "/app/sleep.py", "1"]});
    let job = |n: usize| {
        json!({
            "apiVersion": "millrace.dev/v1alpha1", "kind": "ProcessingJob",
            "metadata": {"name": format!("job-{n}"), "namespace": TEAM}, "spec": {"container": container},
        })
    };
    (0..OBJECTS).map(job).collect()
}

//! A cluster with Millrace on it: images built and imported, the three charts installed, the example's namespace there.
//!
//! The demo and the stories play on it. Everything goes through Helm and kubectl, as a user's hands would.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::cluster::{self, Layout, Target, tool};
use crate::evidence;
use crate::parts;
use crate::patience;
use crate::ship;
use crate::ui::{Failure, Outcome, Ui};

/// Namespace of the operators.
pub const OPERATORS: &str = "millrace-system";
/// Namespace of the sandbox: Kafka, MinIO, PostgreSQL.
pub const SANDBOX: &str = "millrace-sandbox";
/// Namespace of the example.
pub const TEAM: &str = "ml";

/// The images the cluster runs, as parts. Spark's own is inside the flights image.
const IMAGES: [&str; 5] = ["image-kafka", "image-minio", "image-postgres", "image-mlflow", "image-flights"];

/// A cluster that is ready for pipelines.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The cluster.
    pub target: Target,
    /// The API server's audit log, where it can be read: one JSON line per request.
    pub audit_log: Option<PathBuf>,
    /// Where the cluster takes our own images from; stands in place of [`LOCAL_IMAGES`] in what is applied.
    pub images: String,
}

/// The prefix of our own images as the examples name them.
pub const LOCAL_IMAGES: &str = "docker.io/millrace";

/// The local cluster: brought up if needed, images from this checkout, everything installed.
///
/// # Errors
/// The first step that failed, with its log.
pub fn local(ui: &Ui) -> Outcome<Stage> {
    let target = cluster::up(ui)?;
    let layout = Layout::of_user()?;
    let built = parts::ensure(&[&IMAGES[..], &["helm"]].concat(), ui)?;
    let operators = operators_image(ui)?;
    let mut tars: Vec<PathBuf> =
        IMAGES.iter().filter_map(|name| built.get(*name)).map(|dir| dir.join("image.tar")).collect();
    tars.push(operators.join("image.tar"));
    cluster::import_images(&tars, ui)?;
    let volumes = layout.file("volumes");
    let stage = Stage { target, audit_log: Some(layout.audit_log()), images: LOCAL_IMAGES.to_owned() };
    let set = format!("persistence.hostPath={}", volumes.display());
    stage.install(&built, ui, &["--set", &set])?;
    stage.renew_operators(&operators, ui)?;
    Ok(stage)
}

/// An existing cluster, by context. Kafka, MinIO and PostgreSQL are the public images; ours come from `images`, a registry
/// and path such as `registry.example/millrace` under which `operators:dev`, `flights:dev` and `mlflow:dev` were pushed.
///
/// # Errors
/// As [`local`].
pub fn existing(context: &str, images: &str, ui: &Ui) -> Outcome<Stage> {
    let target = Target::existing(context);
    if !target.ready() {
        return Err(target.failure("the cluster does not answer", format!("context {context}")));
    }
    let built = parts::ensure(&["helm"], ui)?;
    let stage = Stage { target, audit_log: None, images: images.trim_end_matches('/').to_owned() };
    stage.install(&built, ui, &[])?;
    Ok(stage)
}

/// The images that are ours, by name, as files.
///
/// # Errors
/// One of them cannot be built.
pub fn own_images(ui: &Ui) -> Outcome<Vec<(&'static str, PathBuf)>> {
    let built = parts::ensure(&["image-flights", "image-streams", "image-mlflow"], ui)?;
    let tar = |part: &str| built.get(part).map(|dir| dir.join("image.tar")).unwrap_or_default();
    let operators = operators_image(ui)?.join("image.tar");
    let rest = [("flights", "image-flights"), ("streams", "image-streams"), ("mlflow", "image-mlflow")];
    Ok(std::iter::once(("operators", operators)).chain(rest.map(|(name, part)| (name, tar(part)))).collect())
}

/// Builds the four operators and packs them; the directory with `image.tar`.
fn operators_image(ui: &Ui) -> Outcome<PathBuf> {
    parts::ensure(&["rust-build"], ui)?;
    let repo = parts::repo_root()?;
    let step = ui.step("building the operators", "first time about ten minutes");
    let binaries = ship::build(&repo, &ship::OPERATORS, &["--bins"])?;
    ship::bills(&repo, &binaries.join("sbom"), ui)?;
    let out = parts::cache_root()?.join("operators-image");
    let pack = repo.join("e2e/images/operators/pack.sh");
    tool::run(Command::new("bash").args([&pack, &binaries, &out]), "packing the operators' image")?;
    step.done("");
    Ok(out)
}

impl Stage {
    fn install(&self, built: &BTreeMap<String, PathBuf>, ui: &Ui, sandbox: &[&str]) -> Outcome<()> {
        let helm = built.get("helm").map(|dir| dir.join("helm")).unwrap_or_default();
        let charts = parts::repo_root()?.join("charts");
        self.release((&helm, &charts.join("millrace-crds"), OPERATORS), &[], ui)?;
        self.apply(&example("flights/namespace.yaml")?)?;
        let operators = format!("operatorNamespace={OPERATORS}");
        self.release((&helm, &charts.join("sandbox"), SANDBOX), &[&["--set", &operators], sandbox].concat(), ui)?;
        self.release((&helm, &charts.join("millrace"), OPERATORS), &[], ui)
    }

    /// Installs or upgrades one of the charts, with the local values on a local cluster, and waits until it is ready.
    fn release(&self, (helm, chart, namespace): (&Path, &Path, &str), more: &[&str], ui: &Ui) -> Outcome<()> {
        let name = chart.file_name().unwrap_or_default().to_string_lossy();
        let step = ui.step(format!("installing {name}"), "");
        let mut command = Command::new(helm);
        command.args(["upgrade", "--install", &name]).arg(chart).args(self.target.helm_args());
        command.args(["--namespace", namespace, "--create-namespace", "--wait"]);
        command.args(["--timeout", &patience::seconds(Duration::from_secs(300))]);
        let values = chart.join(if self.target.local { "values-local.yaml" } else { "values-demo.yaml" });
        if values.exists() {
            command.arg("--values").arg(values);
        }
        if !self.target.local && name == "millrace" {
            let images = &self.images;
            command.args(["--set", &format!("image.repository={images}/operators,image.tag=dev")]);
            command.args(["--set", &format!("mlflowImage={images}/mlflow:dev")]);
        }
        tool::run(command.args(more), &format!("installing {name}")).map_err(|f| self.explain(f, namespace))?;
        step.done("");
        Ok(())
    }

    /// Brings one more of our images, a part, to where the cluster finds it. Another cluster than the local one has it already.
    ///
    /// # Errors
    /// It cannot be built or imported.
    pub fn bring(&self, part: &str, ui: &Ui) -> Outcome<()> {
        if !self.target.local {
            return Ok(());
        }
        let tar = parts::file(part, "image.tar", ui)?;
        cluster::import_images(&[tar], ui)
    }

    /// Installs the operators again after [`Stage::uninstall_operators`] or [`Stage::install_chart`].
    ///
    /// # Errors
    /// Helm's own message and the state of the pods.
    pub fn install_operators(&self, ui: &Ui) -> Outcome<()> {
        self.install_chart(&parts::repo_root()?.join("charts/millrace"), None, ui)
    }

    /// Upgrades the operators to this chart, newer or older, whose image is in this repository with the tag `dev`.
    ///
    /// # Errors
    /// Helm's own message and the state of the pods.
    pub fn install_chart(&self, chart: &Path, image: Option<&str>, ui: &Ui) -> Outcome<()> {
        let helm = parts::file("helm", "helm", ui)?;
        let set = image.map(|image| format!("image.repository={image},image.tag=dev"));
        let more: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
        self.release((&helm, chart, OPERATORS), &more, ui)
    }

    /// Uninstalls the chart of the operators and waits until its objects are gone. The kinds and all objects stay.
    ///
    /// # Errors
    /// Helm's own message.
    pub fn uninstall_operators(&self, ui: &Ui) -> Outcome<()> {
        let helm = parts::file("helm", "helm", ui)?;
        let step = ui.step("uninstalling millrace", "");
        let mut command = Command::new(helm);
        command.args(["uninstall", "millrace", "--namespace", OPERATORS, "--wait"]);
        command.args(["--timeout", &patience::seconds(Duration::from_secs(120))]);
        tool::run(command.args(self.target.helm_args()), "uninstalling millrace")?;
        step.done("");
        Ok(())
    }

    /// Runs the chart's own test and returns what it printed.
    ///
    /// # Errors
    /// The test failed: Helm's own message and the state of the namespace.
    pub fn test_chart(&self, ui: &Ui) -> Outcome<String> {
        let helm = parts::file("helm", "helm", ui)?;
        let mut args = vec!["test".to_owned(), "millrace".to_owned(), format!("--namespace={OPERATORS}")];
        args.push(format!("--timeout={}", patience::seconds(Duration::from_secs(300))));
        args.extend(self.target.helm_args());
        tool::call(&helm.display().to_string(), &args, "helm test").map_err(|f| self.explain(f, OPERATORS))
    }

    /// Restarts the operators if their image is not the one they run: its name never changes.
    fn renew_operators(&self, image: &Path, ui: &Ui) -> Outcome<()> {
        let sum = tool::call("sha256sum", &[image.join("image.tar").display().to_string()], "hashing the image")?;
        let sum = sum.get(..16).unwrap_or_default().to_owned();
        let running = self.text(&[
            "get",
            "deployment",
            "-n",
            OPERATORS,
            "-l",
            "app.kubernetes.io/part-of=millrace",
            "-o",
            "jsonpath={.items[*].spec.template.metadata.annotations.millrace\\.dev/image}",
        ])?;
        if running.split_whitespace().count() == 4 && running.split_whitespace().all(|s| s == sum) {
            return Ok(());
        }
        let step = ui.step("restarting the operators on their new image", "");
        let patch =
            format!(r#"{{"spec":{{"template":{{"metadata":{{"annotations":{{"millrace.dev/image":"{sum}"}}}}}}}}}}"#);
        for name in ship::OPERATORS {
            let deployment = format!("deployment/millrace-{name}");
            self.text(&["patch", &deployment, "-n", OPERATORS, "--patch", &patch])?;
        }
        for name in ship::OPERATORS {
            self.rolled_out(name)?;
        }
        step.done("");
        Ok(())
    }

    /// Waits until this operator runs as its Deployment says.
    ///
    /// # Errors
    /// kubectl's own message and the state of the pods.
    pub fn rolled_out(&self, operator: &str) -> Outcome<()> {
        let deployment = format!("deployment/millrace-{operator}");
        let limit = format!("--timeout={}", patience::seconds(Duration::from_secs(120)));
        let said = self.text(&["rollout", "status", &deployment, "-n", OPERATORS, &limit]);
        said.map(|_| ()).map_err(|f| self.explain(f, OPERATORS))
    }

    /// The failure with the state of the namespace behind it.
    fn explain(&self, mut failure: Failure, namespace: &str) -> Failure {
        failure.why = format!("{}\n{}", failure.why, evidence::of(&|args| self.text(args), namespace, None));
        failure.todo = format!("{} -n {namespace} describe pods", self.command());
        failure
    }

    /// How a person calls kubectl for this cluster.
    #[must_use]
    pub fn command(&self) -> String {
        match &self.target.kubeconfig {
            Some(file) => format!("kubectl --kubeconfig {}", file.display()),
            None => format!("kubectl --context {}", self.target.context),
        }
    }

    /// What kubectl prints.
    ///
    /// # Errors
    /// kubectl's own message.
    pub fn text(&self, args: &[&str]) -> Outcome<String> {
        self.target.run(args)
    }

    /// What kubectl prints as JSON.
    ///
    /// # Errors
    /// kubectl's own message, or output that is no JSON.
    pub fn json(&self, args: &[&str]) -> Outcome<Value> {
        let text = self.text(&[args, &["-o", "json"]].concat())?;
        serde_json::from_str(&text).map_err(|e| Failure::because(format!("kubectl {} gave no JSON", args.join(" ")), e))
    }

    /// One object, or `None` if it does not exist.
    ///
    /// # Errors
    /// kubectl's own message.
    pub fn find(&self, kind: &str, name: &str) -> Outcome<Option<Value>> {
        let text = self.text(&["get", kind, name, "-n", TEAM, "--ignore-not-found", "-o", "json"])?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&text).map(Some).map_err(|e| Failure::because(format!("{kind} {name} is no JSON"), e))
    }

    /// `kubectl apply -f`, with our images taken from where this cluster has them.
    ///
    /// # Errors
    /// kubectl's own message, or a file that cannot be read.
    pub fn apply(&self, file: &Path) -> Outcome<()> {
        self.apply_text(&std::fs::read_to_string(file).map_err(Failure::at("reading", file))?, &[])
    }

    /// The same with the objects as text, and more arguments for kubectl.
    ///
    /// # Errors
    /// kubectl's own message.
    pub fn apply_text(&self, objects: &str, more: &[&str]) -> Outcome<()> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let copy = std::env::temp_dir().join(format!("millrace-apply-{}-{number}.yaml", std::process::id()));
        std::fs::write(&copy, objects.replace(LOCAL_IMAGES, &self.images)).map_err(Failure::at("writing", &copy))?;
        let done = self.text(&[more, &["apply", "-f", &copy.display().to_string()]].concat());
        // What cannot be removed lies in the temporary directory, where it harms nobody.
        let _ = std::fs::remove_file(&copy);
        done.map(|_| ())
    }
}

/// A file of `examples/`.
///
/// # Errors
/// This does not run inside the checkout.
pub fn example(path: &str) -> Outcome<PathBuf> {
    Ok(parts::repo_root()?.join("examples").join(path))
}

/// The text at a JSON pointer, or empty.
#[must_use]
pub fn at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Status, reason and message of a condition.
#[must_use]
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let all = object.pointer("/status/conditions")?.as_array()?;
    let found = all.iter().find(|c| at(c, "/type") == kind)?;
    Some((at(found, "/status"), at(found, "/reason"), at(found, "/message")))
}

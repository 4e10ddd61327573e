//! `cargo xtask abroad`: the proof that demo and stories need nothing of the local cluster but kubectl and a registry.
//!
//! A second cluster plays "any cluster": it pulls from a registry inside its own network namespace, the sandbox's public
//! names through a mirror of it, binds claims through a default StorageClass, and is known by a context of a kubeconfig
//! that this program did not make. Then this program plays `--context` on it, as a process that knows nothing more.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::keeper::{Child, Keeper};
use crate::cluster::{self, Layout, Target, files, target::CONTEXT, tool};
use crate::ui::{Failure, Outcome, Ui};
use crate::{parts, stage};

/// Where the registry listens, in the cluster's namespace.
const REGISTRY: &str = "127.0.0.1:5000";
/// The name of the context: not the one a local cluster has.
const ELSEWHERE: &str = "elsewhere";
/// The images of the sandbox: the part we have it from, and the key in the chart's values that names the public one.
const SANDBOX: [(&str, &str); 3] = [("image-kafka", "kafka"), ("image-minio", "minio"), ("image-postgres", "postgres")];

/// Brings the cluster up, plays `test --context` on it (with these further arguments) and takes it down.
///
/// # Errors
/// The first thing that is not as promised.
pub fn abroad(args: &[String], ui: &Ui) -> Outcome<()> {
    let root = env::temp_dir().join(format!("millrace-abroad-{}", std::process::id()));
    let layout = Layout::at(&root.join("millrace/cluster"));
    let result = play(&layout, &root, args, ui);
    let ended = cluster::down_at(&layout, ui);
    // Down has removed what matters; what is left of the directory in the temporary one harms nobody.
    let _ = fs::remove_dir_all(&root);
    result.and(ended)
}

fn play(layout: &Layout, root: &Path, args: &[String], ui: &Ui) -> Outcome<()> {
    // What is missing is built here: inside the namespace nothing can be fetched.
    stage::own_images(ui)?;
    parts::ensure(&SANDBOX.map(|(part, _)| part), ui)?;
    let target = cluster::up_at(layout, ui)?;
    let crane = parts::file("crane", "crane", ui)?;
    let net = format!("--net={}", layout.netns().display());
    let serve = ["registry".to_owned(), "serve".to_owned(), format!("--address={REGISTRY}")];
    let store = root.join("registry");
    fs::create_dir_all(&store).map_err(Failure::at("creating", &store))?;
    let serve = [&[net.clone(), crane.display().to_string()], &serve[..], &[format!("--disk={}", store.display())]];
    let registry = Child { name: "registry", program: "nsenter".into(), args: serve.concat() };
    let _registry = Keeper::start(vec![registry], root)?;
    fill(layout, &net, ui)?;
    volumes(&target, root)?;
    let kubeconfig = kubeconfig(layout, root)?;
    let path = env::var_os("PATH").unwrap_or_default();
    let kubectl = target.program.parent().map(Path::to_path_buf).unwrap_or_default();
    let path = env::join_paths([kubectl].into_iter().chain(env::split_paths(&path)))
        .map_err(|e| Failure::because("PATH cannot be extended", e))?;
    let images = format!("{REGISTRY}/millrace");
    let mut test = Command::new("/proc/self/exe");
    test.args(["test", "--context", ELSEWHERE, "--images", &images]).args(args);
    test.env("KUBECONFIG", kubeconfig).env("PATH", path).env("XDG_STATE_HOME", root.join("nothing-here"));
    match test.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::because("the stories on the other cluster failed", status)),
        Err(cause) => Err(Failure::because("the stories could not be started", cause)),
    }
}

/// Pushes our images from inside the namespace, and the sandbox's under their public names, behind a mirror.
fn fill(layout: &Layout, net: &str, ui: &Ui) -> Outcome<()> {
    let inside = |args: &[&str]| {
        let mut command = Command::new("nsenter");
        // Not /proc/self: that would be nsenter.
        command.arg(net).arg(format!("/proc/{}/exe", std::process::id())).args(args);
        tool::run(&mut command, &format!("cargo xtask {}", args.join(" "))).map(drop)
    };
    let up = || Ok(inside_port(net).then_some(()));
    tool::wait(Duration::from_secs(30), up, || Failure::because("the registry does not listen", REGISTRY))?;
    let step = ui.step("pushing our images", "");
    inside(&["push", &format!("{REGISTRY}/millrace")])?;
    step.done("");
    let file = parts::repo_root()?.join("charts/sandbox/values.yaml");
    let text = fs::read_to_string(&file).map_err(Failure::at("reading", &file))?;
    let values: Value =
        serde_saphyr::from_str(&text).map_err(|e| Failure::because(format!("{} is no YAML", file.display()), e))?;
    let built = parts::ensure(&SANDBOX.map(|(part, _)| part), ui)?;
    for (part, key) in SANDBOX {
        let of = |field: &str| values.pointer(&format!("/{key}/image/{field}")).and_then(Value::as_str);
        let (name, tag) = (of("repository").unwrap_or_default(), of("tag").unwrap_or_default());
        // How docker.io spells a name without an owner.
        let name = if name.contains('/') { name.to_owned() } else { format!("library/{name}") };
        let tar = built.get(part).map(|dir| dir.join("image.tar")).unwrap_or_default();
        let step = ui.step(format!("pushing {name}"), "");
        inside(&["push", &format!("{REGISTRY}/{name}:{tag}"), "--file", &tar.display().to_string()])?;
        step.done("");
    }
    let mirror = format!("[host.\"http://{REGISTRY}\"]\n  capabilities = [\"pull\", \"resolve\"]\n");
    files::write(&layout.registries().join("docker.io/hosts.toml"), &mirror, 0o644)
}

fn inside_port(net: &str) -> bool {
    let look = ["sh", "-c", "ss -Hltn | grep -q 127.0.0.1:5000"];
    Command::new("nsenter").arg(net).args(look).status().is_ok_and(|s| s.success())
}

/// What a cluster of somebody's has: a default StorageClass. Nobody provisions here, so the volumes are made beforehand.
fn volumes(target: &Target, root: &Path) -> Outcome<()> {
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "kubernetes.io/no-provisioner",
        "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    });
    let mut all = vec![class];
    for n in 1..=4 {
        let dir = root.join(format!("volumes/{n}"));
        fs::create_dir_all(&dir).map_err(Failure::at("creating", &dir))?;
        tool::call("chmod", &["777", &dir.display().to_string()], "opening a volume")?;
        all.push(json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("volume-{n}")},
            "spec": {"storageClassName": "standard", "capacity": {"storage": "20Gi"}, "accessModes": ["ReadWriteOnce"],
                     "hostPath": {"path": dir}},
        }));
    }
    let file = root.join("volumes.json");
    files::write(&file, &json!({"apiVersion": "v1", "kind": "List", "items": all}).to_string(), 0o600)?;
    target.run(&["apply", "-f", &file.display().to_string()]).map(drop)
}

/// The same cluster under another name, in another file.
fn kubeconfig(layout: &Layout, root: &Path) -> Outcome<std::path::PathBuf> {
    let file = layout.kubeconfig();
    let text = fs::read_to_string(&file).map_err(Failure::at("reading", &file))?;
    let copy = root.join("somebodys-kubeconfig");
    files::write(&copy, &text.replace(&format!("\"{CONTEXT}\""), &format!("\"{ELSEWHERE}\"")), 0o600)?;
    Ok(copy)
}

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::daemon::{self, Spec};
use super::layout::{Built, Layout};
use super::pki::Pki;
use super::target::{Target, write_kubeconfig};
use super::{components, status};

fn scratch(name: &str) -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("millrace-cluster-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn clusters_with_different_state_do_not_meet() {
    let (a, b) = (Layout::at(Path::new("/a")), Layout::at(Path::new("/b")));
    assert_ne!(a.name, b.name);
    assert_ne!(a.netns(), b.netns());
    assert_ne!(a.containerd(), b.containerd());
    // Interface and socket names have short limits in the kernel.
    assert!(a.containerd().as_os_str().len() < 60);
}

#[test]
fn status_knows_every_component() {
    let dir = scratch("components");
    let pki = Pki::open(&dir).unwrap();
    let specs = components::specs(&Layout::at(&dir), &Built(BTreeMap::new()), &pki, 1);
    let names: Vec<&str> = specs.iter().map(|s| s.name).collect();
    assert_eq!(names, status::COMPONENTS);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn certificates_are_kept_and_signed_by_the_authority() {
    let dir = scratch("pki");
    let pki = Pki::open(&dir).unwrap();
    pki.issue("x", "/O=o/CN=x", "DNS:localhost,IP:127.0.0.1").unwrap();
    let before = std::fs::read(pki.crt("x")).unwrap();
    Pki::open(&dir).unwrap().issue("x", "/O=o/CN=x", "DNS:localhost,IP:127.0.0.1").unwrap();
    assert_eq!(before, std::fs::read(pki.crt("x")).unwrap());
    let (ca, crt) = (pki.crt("ca").display().to_string(), pki.crt("x").display().to_string());
    super::tool::call("openssl", &["verify", "-CAfile", &ca, "-verify_hostname", "localhost", &crt], "verifying")
        .unwrap();
    let config = dir.join("kubeconfig");
    write_kubeconfig(&config, &pki, "x", "https://127.0.0.1:1").unwrap();
    assert!(std::fs::read_to_string(&config).unwrap().contains("https://127.0.0.1:1"));
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_daemon_is_found_by_its_mark_and_only_it_is_ended() {
    let dir = scratch("daemon");
    let layout = Layout::at(&dir);
    std::fs::create_dir_all(dir.join("logs")).unwrap();
    let spec = |args: &[&str]| Spec {
        name: "sleeper",
        program: "/usr/bin/sleep".into(),
        args: args.iter().map(|a| (*a).to_owned()).collect(),
        inside: false,
        files: Vec::new(),
    };
    let stranger = std::process::Command::new("sleep").arg("300").spawn().unwrap();
    spec(&["300"]).start(&layout).unwrap();
    let find = || Ok(spec(&["300"]).find(&daemon::processes(&dir)));
    let late = || crate::ui::Failure::because("the sleeper was not found", format!("{:?}", daemon::processes(&dir)));
    let found = super::tool::wait(Duration::from_secs(20), find, late).unwrap();
    assert_eq!(found.spec, spec(&["300"]).hash());
    assert_ne!(found.spec, spec(&["301"]).hash());
    assert_eq!(daemon::end(&dir, |_| true, Duration::from_secs(5)).unwrap(), 1);
    assert!(daemon::processes(&dir).is_empty());
    let mut stranger = stranger;
    assert!(stranger.try_wait().unwrap().is_none());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn kubectl_is_pointed_at_one_cluster_only() {
    let args = |t: &Target| t.kubectl().get_args().map(|a| a.to_string_lossy().into_owned()).collect::<Vec<_>>();
    assert_eq!(args(&Target::existing("theirs")), ["--context=theirs"]);
    let local = Target::local(Path::new("/k"), Path::new("/p"));
    assert_eq!(args(&local), ["--kubeconfig=/k", "--context=millrace"]);
    assert_eq!(local.program, Path::new("/p/kubectl"));
}

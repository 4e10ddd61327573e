//! The processes of the cluster and their arguments.

use super::daemon::Spec;
use super::layout::{Built, Layout, NODE, NODE_IP, SERVICE_CIDR};
use super::pki::Pki;

/// Everything that runs outside pods, in the order of starting. `port` is the loopback port of the API server on
/// the host.
#[must_use]
pub(super) fn specs(layout: &Layout, built: &Built, pki: &Pki, port: u16) -> Vec<Spec> {
    vec![
        forward(layout, port),
        etcd(layout, built),
        containerd(layout),
        api_server(layout, built, pki),
        controller_manager(layout, built, pki),
        scheduler(layout, built),
        kubelet(layout, built),
        proxy(layout, built),
    ]
}

fn spec(name: &'static str, built: &Built, args: Vec<String>) -> Spec {
    let part = if name == "etcd" { "etcd" } else { "kubernetes" };
    Spec { name, program: built.file(part, name), args, inside: true, files: Vec::new() }
}

fn forward(layout: &Layout, port: u16) -> Spec {
    let args = vec![
        "forward".to_owned(),
        format!("--netns={}", layout.netns().display()),
        format!("--listen=127.0.0.1:{port}"),
        format!("--to={NODE_IP}:6443"),
    ];
    Spec { name: "forward", program: layout.file("bin/xtask"), args, inside: false, files: Vec::new() }
}

fn etcd(layout: &Layout, built: &Built) -> Spec {
    let args = vec![
        format!("--data-dir={}", layout.text("etcd")),
        "--listen-client-urls=http://127.0.0.1:2379".to_owned(),
        "--advertise-client-urls=http://127.0.0.1:2379".to_owned(),
        "--listen-peer-urls=http://127.0.0.1:2380".to_owned(),
        "--initial-advertise-peer-urls=http://127.0.0.1:2380".to_owned(),
        "--initial-cluster=default=http://127.0.0.1:2380".to_owned(),
        // A local cluster may be lost with the machine's power.
        "--unsafe-no-fsync".to_owned(),
        "--auto-compaction-retention=10m".to_owned(),
        "--quota-backend-bytes=2147483648".to_owned(),
        "--log-level=warn".to_owned(),
    ];
    spec("etcd", built, args)
}

fn containerd(layout: &Layout) -> Spec {
    let config = layout.file("containerd.toml");
    let args = vec![format!("--config={}", config.display())];
    Spec { name: "containerd", program: "/usr/bin/containerd".into(), args, inside: true, files: vec![config] }
}

fn api_server(layout: &Layout, built: &Built, pki: &Pki) -> Spec {
    let policy = layout.file("audit-policy.json");
    let args = vec![
        "--etcd-servers=http://127.0.0.1:2379".to_owned(),
        format!("--advertise-address={NODE_IP}"),
        "--secure-port=6443".to_owned(),
        format!("--tls-cert-file={}", pki.crt("apiserver").display()),
        format!("--tls-private-key-file={}", pki.key("apiserver").display()),
        format!("--client-ca-file={}", pki.crt("ca").display()),
        format!("--kubelet-certificate-authority={}", pki.crt("ca").display()),
        format!("--kubelet-client-certificate={}", pki.crt("apiserver-kubelet").display()),
        format!("--kubelet-client-key={}", pki.key("apiserver-kubelet").display()),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        format!("--service-account-key-file={}", pki.path("sa.pub").display()),
        format!("--service-account-signing-key-file={}", pki.key("sa").display()),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-cluster-ip-range={SERVICE_CIDR}"),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        "--allow-privileged=true".to_owned(),
        "--profiling=false".to_owned(),
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", layout.audit_log().display()),
        "--audit-log-mode=blocking".to_owned(),
        "--audit-log-maxsize=1024".to_owned(),
        "--audit-log-maxbackup=3".to_owned(),
    ];
    Spec { files: vec![policy, pki.crt("apiserver")], ..spec("kube-apiserver", built, args) }
}

fn controller_manager(layout: &Layout, built: &Built, pki: &Pki) -> Spec {
    let mut args = client(layout, "kube-controller-manager");
    args.extend([
        format!("--root-ca-file={}", pki.crt("ca").display()),
        format!("--service-account-private-key-file={}", pki.key("sa").display()),
        format!("--cluster-signing-cert-file={}", pki.crt("ca").display()),
        format!("--cluster-signing-key-file={}", pki.key("ca").display()),
        "--use-service-account-credentials=true".to_owned(),
    ]);
    spec("kube-controller-manager", built, args)
}

fn scheduler(layout: &Layout, built: &Built) -> Spec {
    spec("kube-scheduler", built, client(layout, "kube-scheduler"))
}

/// What both of them take. There is one of each, so none has to lead.
fn client(layout: &Layout, name: &str) -> Vec<String> {
    let config = layout.text(&format!("kubeconfigs/{name}"));
    let flags = ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"];
    let mut args: Vec<String> = flags.iter().map(|flag| format!("--{flag}={config}")).collect();
    args.extend(["--leader-elect=false", "--bind-address=127.0.0.1", "--profiling=false"].map(str::to_owned));
    args
}

fn kubelet(layout: &Layout, built: &Built) -> Spec {
    let config = layout.file("kubelet.json");
    let args = vec![
        format!("--config={}", config.display()),
        format!("--kubeconfig={}", layout.text("kubeconfigs/kubelet")),
        format!("--root-dir={}", layout.text("kubelet")),
        format!("--cert-dir={}", layout.text("kubelet/pki")),
        format!("--hostname-override={NODE}"),
        format!("--node-ip={NODE_IP}"),
    ];
    Spec { files: vec![config], ..spec("kubelet", built, args) }
}

fn proxy(layout: &Layout, built: &Built) -> Spec {
    let config = layout.file("proxy.json");
    let args = vec![format!("--config={}", config.display()), format!("--hostname-override={NODE}")];
    Spec { files: vec![config], ..spec("kube-proxy", built, args) }
}

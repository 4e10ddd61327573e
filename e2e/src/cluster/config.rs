//! The configuration files of the node's components.

use serde_json::{Value, json};

use super::files;
use super::layout::{DNS_IP, Layout, NODE_IP, POD_CIDR};
use super::pki::Pki;
use super::target::write_kubeconfig;
use crate::ui::Outcome;

/// The image that holds a pod's namespaces, as containerd stores its name.
pub(super) const PAUSE: &str = "docker.io/local/pause:1";

/// The components that talk to the API server, and who they are to it.
const USERS: [(&str, &str); 4] = [
    ("kube-controller-manager", "/CN=system:kube-controller-manager"),
    ("kube-scheduler", "/CN=system:kube-scheduler"),
    ("kube-proxy", "/CN=system:kube-proxy"),
    ("kubelet", "/O=system:nodes/CN=system:node:node"),
];

/// Makes all certificates, kubeconfigs and configuration files. `port` is the API server's loopback port on the host.
///
/// # Errors
/// openssl fails, or a file cannot be written.
pub(super) fn write(layout: &Layout, port: u16) -> Outcome<Pki> {
    let pki = Pki::open(&layout.file("pki"))?;
    let names = "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,\
                 DNS:kubernetes.default.svc.cluster.local,DNS:localhost,IP:127.0.0.1,IP:10.96.0.1,IP:10.90.0.2";
    pki.issue("apiserver", "/CN=kube-apiserver", names)?;
    pki.issue("apiserver-kubelet", "/O=system:masters/CN=kube-apiserver-kubelet-client", "")?;
    pki.issue("kubelet-serving", "/O=system:nodes/CN=system:node:node", &format!("DNS:node,IP:{NODE_IP}"))?;
    pki.issue("admin", "/O=system:masters/CN=admin", "")?;
    for (name, subject) in USERS {
        pki.issue(name, subject, "")?;
        let file = layout.file(&format!("kubeconfigs/{name}"));
        write_kubeconfig(&file, &pki, name, &format!("https://{NODE_IP}:6443"))?;
    }
    write_kubeconfig(&layout.kubeconfig(), &pki, "admin", &format!("https://127.0.0.1:{port}"))?;
    let json = |file: &str, value: Value| files::write(&layout.file(file), &format!("{value:#}\n"), 0o600);
    files::write(&layout.file("audit-policy.json"), files::AUDIT_POLICY, 0o600)?;
    files::write(&layout.file("containerd.toml"), &containerd(layout), 0o600)?;
    // No name server outside: what the cluster does not know, nobody knows.
    files::write(&layout.file("resolv.conf"), &format!("nameserver {DNS_IP}\n"), 0o644)?;
    json("cni/10-pods.conflist", cni(layout))?;
    json("kubelet.json", kubelet(layout, &pki))?;
    json("proxy.json", proxy(layout))?;
    Ok(pki)
}

fn containerd(layout: &Layout) -> String {
    let run = layout.run.display();
    let state = layout.state.display();
    let registries = layout.registries().display().to_string();
    // restrict_oom_score_adj: without CAP_SYS_RESOURCE every pod would fail to start.
    format!(
        r#"version = 2
root = "{state}/containerd"
state = "{run}/containerd"
[grpc]
  address = "{run}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "{state}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "{registries}"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "{state}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
  Root = "{run}/runc"
"#
    )
}

/// Pods are reached by routes, not over a bridge, so Services work between pods of the node without bridge filters.
fn cni(layout: &Layout) -> Value {
    json!({
        "cniVersion": "0.4.0",
        "name": layout.name,
        "plugins": [
            {
                "type": "ptp",
                "ipam": {
                    "type": "host-local",
                    "dataDir": layout.file("cni-addresses"),
                    "ranges": [[{"subnet": POD_CIDR}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    })
}

fn kubelet(layout: &Layout, pki: &Pki) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_IP,
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": pki.crt("ca")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": pki.crt("kubelet-serving"),
        "tlsPrivateKeyFile": pki.key("kubelet-serving"),
        "containerRuntimeEndpoint": format!("unix://{}", layout.containerd().display()),
        "clusterDNS": [DNS_IP],
        "clusterDomain": "cluster.local",
        "resolvConf": layout.file("resolv.conf"),
        "podLogsDir": layout.file("pod-logs"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", layout.name),
        "failCgroupV1": false,
        "failSwapOn": false,
        // There are no file-system statistics to be had everywhere.
        "localStorageCapacityIsolation": false,
        "evictionHard": {"memory.available": "200Mi"},
        // Images come from files; what is collected could not be pulled again.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "serializeImagePulls": false,
        "maxPods": 200,
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "5s",
        "logging": {"verbosity": 1},
    })
}

fn proxy(layout: &Layout) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "bindAddress": NODE_IP,
        "clientConnection": {"kubeconfig": layout.file("kubeconfigs/kube-proxy")},
        "clusterCIDR": POD_CIDR,
        "mode": "iptables",
        // Zero: leave the machine's limits alone.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    })
}

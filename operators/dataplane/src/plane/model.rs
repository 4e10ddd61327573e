//! What a DataPlane's spec must say beyond what the schema enforces.

use millrace_crds::DataPlaneSpec;

/// Everything wrong with the spec, each finding with its field path and what to write instead.
#[must_use]
pub fn check(spec: &DataPlaneSpec) -> Vec<String> {
    let mut findings = Vec::new();
    if spec.kafka.is_none() && spec.object_store.is_none() {
        findings.push("spec: give kafka, objectStore or both".to_owned());
    }
    if let Some(kafka) = &spec.kafka {
        for server in kafka.bootstrap_servers.split(',').map(str::trim) {
            let port =
                server.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
            if !matches!(port, Some(Ok(1..))) {
                findings.push(format!(
                    "spec.kafka.bootstrapServers: {server:?} is not host:port; write for example kafka:9092"
                ));
            }
        }
    }
    if spec.object_store.is_some() && spec.admin_secret_ref.is_none() {
        let what = "spec.adminSecretRef: objectStore needs it; name a Secret in the operator's namespace with accessKey and secretKey";
        findings.push(what.to_owned());
    }
    findings
}

//! The server's address.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::core::ObjectMeta;
use millrace_crds::ModelRegistry;
use millrace_kit::Child;

use super::PORT;
use crate::registry::{Names, labels, pods::SERVER};

/// The Service.
pub(crate) fn build(registry: &ModelRegistry) -> Child {
    let service = Service {
        metadata: ObjectMeta {
            name: Some(Names::of(registry).server),
            labels: Some(labels(registry, SERVER)),
            ..ObjectMeta::default()
        },
        spec: Some(ServiceSpec {
            selector: Some(labels(registry, SERVER)),
            ports: Some(vec![ServicePort {
                name: Some("http".to_owned()),
                port: PORT,
                target_port: Some(IntOrString::String("http".to_owned())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    };
    Child::of(registry, &service)
}

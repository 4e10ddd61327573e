//! The server's address.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::core::ObjectMeta;
use millrace_crds::ModelRegistry;
use millrace_kit::Child;

use crate::{
    pods::SERVER,
    registry::names::{GIVEN_PORT, Names, PORT, labels},
};

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
            ports: Some(vec![port("http", PORT), port("given", GIVEN_PORT)]),
            ..ServiceSpec::default()
        }),
        status: None,
    };
    Child::of(registry, &service)
}

fn port(name: &str, number: i32) -> ServicePort {
    ServicePort {
        name: Some(name.to_owned()),
        port: number,
        target_port: Some(IntOrString::String(name.to_owned())),
        ..ServicePort::default()
    }
}

//! The nine CustomResourceDefinitions as they are installed: derived, then finished by rules common to all kinds.
//!
//! Owns what no derive says: the default of `status`, the limit on names, no `nullable`.
//! Never say here what belongs to one kind.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_core::CustomResourceExt;
use serde_json::{Value, json};

use crate::schema::rule;

const NAME_RULE: &str = "self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')";
const NAME_HINT: &str = "metadata.name: at most 63 lower-case letters, digits and '-' (it becomes part of labels and references)";

/// Every CustomResourceDefinition of Millrace as JSON, in the order of the table in the documentation.
#[must_use]
pub fn all() -> Vec<Value> {
    [
        crate::MLPipeline::crd(),
        crate::MLPipelineRun::crd(),
        crate::ProcessingJob::crd(),
        crate::ModelRegistry::crd(),
        crate::ModelVersion::crd(),
        crate::DataTopic::crd(),
        crate::DataBucket::crd(),
        crate::DataGrant::crd(),
        crate::DataPlane::crd(),
    ]
    .iter()
    .map(finished)
    .collect()
}

fn finished(derived: &CustomResourceDefinition) -> Value {
    let mut crd = json!(derived);
    strip(&mut crd);
    if let Some(root) = crd.pointer_mut("/spec/versions/0/schema/openAPIV3Schema") {
        if let Some(status) = root.pointer_mut("/properties/status") {
            set(status, "default", json!({"observedGeneration": crate::conditions::unseen()}));
        }
        set(root, "x-kubernetes-validations", json!([rule(NAME_RULE, NAME_HINT)]));
    }
    crd
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(object) = object {
        object.insert(key.to_owned(), value);
    }
}

/// Removes `nullable` (an absent field and a null one must not be two things) and formats the API server ignores.
fn strip(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("nullable");
            if object.get("format").is_some_and(|format| format == "uint" || format == "uint32") {
                object.remove("format");
            }
            object.values_mut().for_each(strip);
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}

//! The nine CustomResourceDefinitions as they are installed: derived, then finished by rules common to all kinds.
//!
//! Owns what no derive says: the default of `status`, the limit on names, the shape of optional fields.
//! Never say here what belongs to one kind.

use kube_core::CustomResourceExt;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::schema::rule;
use crate::structural::{Optional, strip};

const NAME_RULE: &str =
    "self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')";
const NAME_HINT: &str =
    "metadata.name: at most 63 lower-case letters, digits and '-' (it becomes part of labels and references)";

/// Every CustomResourceDefinition of Millrace as JSON, in the order of the table in the documentation.
#[must_use]
pub fn all() -> Vec<Value> {
    vec![
        finished::<crate::MLPipeline, crate::MLPipelineSpec, crate::MLPipelineStatus>(),
        finished::<crate::MLPipelineRun, crate::MLPipelineRunSpec, crate::MLPipelineRunStatus>(),
        finished::<crate::ProcessingJob, crate::ProcessingJobSpec, crate::ProcessingJobStatus>(),
        finished::<crate::ModelRegistry, crate::ModelRegistrySpec, crate::ModelRegistryStatus>(),
        finished::<crate::ModelVersion, crate::ModelVersionSpec, crate::ModelVersionStatus>(),
        finished::<crate::DataTopic, crate::DataTopicSpec, crate::DataTopicStatus>(),
        finished::<crate::DataBucket, crate::DataBucketSpec, crate::DataBucketStatus>(),
        finished::<crate::DataGrant, crate::DataGrantSpec, crate::DataGrantStatus>(),
        finished::<crate::DataPlane, crate::DataPlaneSpec, crate::DataPlaneStatus>(),
    ]
}

fn finished<Kind: CustomResourceExt, Spec: JsonSchema, Status: JsonSchema>() -> Value {
    let spec = structural::<Spec>();
    let mut status = structural::<Status>();
    // A status is written by operators only: a text too long must not make the write fail.
    strip(&mut status, &["maxLength", "minLength", "pattern"]);
    set(&mut status, "default", json!({"observedGeneration": crate::conditions::unseen()}));
    let schema = json!({
        "description": spec.get("description"),
        "type": "object",
        "required": ["spec"],
        "properties": {"spec": spec, "status": status},
        "x-kubernetes-validations": [rule(NAME_RULE, NAME_HINT)],
    });
    let mut crd = json!(Kind::crd());
    if let Some(version) = crd.pointer_mut("/spec/versions/0/schema") {
        set(version, "openAPIV3Schema", schema);
    }
    crd
}

fn structural<T: JsonSchema>() -> Value {
    let generator = SchemaSettings::openapi3()
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
        .with_transform(Optional)
        .with_transform(kube_core::schema::StructuralSchemaRewriter)
        .into_generator();
    let mut schema = Schema::to_value(generator.into_root_schema_for::<T>());
    strip(&mut schema, &["nullable", "title"]);
    schema
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(object) = object {
        object.insert(key.to_owned(), value);
    }
}

//! What became of an object that the operator may write but not read.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use futures::executor::block_on;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use millrace_kit::{Child, Left, Reader, cache::Cache, sim::World};
use serde_json::json;

fn secret(data: &str) -> Secret {
    let body = json!({
        "metadata": {"name": "handed-out", "namespace": "ml"}, "type": "millrace.dev/grant", "stringData": {"key": data},
    });
    serde_json::from_value(body).unwrap()
}

#[test]
fn a_secret_is_known_again_without_being_read() {
    let world = World::default();
    let reader = Reader::new(Arc::new(Cache::default()), Arc::new(world.clone()));
    let bare = Child::free(&Secret { string_data: None, ..secret("") });
    let left = |version: &str| block_on(reader.unaltered(&bare, version)).unwrap();

    assert_eq!(left("1"), Left::Gone);
    world.apply(&secret("ours"));
    let ours = world.get::<Secret>("ml", "handed-out").unwrap().resource_version().unwrap();
    assert_eq!(left(&ours), Left::Alone);
    // A dry run stores nothing: the data is still there.
    assert_eq!(world.get::<Secret>("ml", "handed-out").unwrap().string_data, secret("ours").string_data);

    world.apply(&secret("theirs"));
    assert_eq!(left(&ours), Left::Altered);
    world.delete::<Secret>("ml", "handed-out");
    world.apply(&secret("ours"));
    assert_eq!(left(&ours), Left::Altered, "another object of the name");
    world.vanish::<Secret>("ml", "handed-out");
    assert_eq!(left(&ours), Left::Gone);
}

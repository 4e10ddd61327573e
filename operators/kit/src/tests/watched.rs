use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Resource,
    core::{ObjectList, WatchEvent},
};

use super::Watched;

const GOOD: &str = r#"{"metadata": {"name": "a", "namespace": "ml", "resourceVersion": "7"}, "data": {"k": "v"}}"#;
const BAD: &str = r#"{"metadata": {"name": "b", "namespace": "ml", "resourceVersion": "8"}, "data": 5}"#;
const WORSE: &str = r#"{"metadata": {"name": "c", "resourceVersion": "9", "labels": 5}}"#;

fn is(watched: &Watched<ConfigMap>, name: &str, version: &str, decoded: bool) {
    let meta = watched.meta();
    assert_eq!((meta.name.as_deref(), meta.resource_version.as_deref()), (Some(name), Some(version)));
    assert_eq!(matches!(watched, Watched::Decoded(_)), decoded, "{watched:?}");
}

#[test]
fn an_object_that_is_not_of_its_type_does_not_stop_the_list() {
    let list = format!(
        r#"{{"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {{"resourceVersion": "9"}}, "items": [{GOOD}, {BAD}, {WORSE}]}}"#
    );
    let list: ObjectList<Watched<ConfigMap>> = serde_json::from_str(&list).unwrap();
    is(&list.items[0], "a", "7", true);
    is(&list.items[1], "b", "8", false);
    is(&list.items[2], "c", "9", false);
}

#[test]
fn nor_the_watch() {
    for (object, name, version, decoded) in [(GOOD, "a", "7", true), (BAD, "b", "8", false), (WORSE, "c", "9", false)] {
        let line = format!(r#"{{"type": "MODIFIED", "object": {object}}}"#);
        match serde_json::from_str(&line).unwrap() {
            WatchEvent::Modified(watched) => is(&watched, name, version, decoded),
            other => panic!("{other:?}"),
        }
    }
}

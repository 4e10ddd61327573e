use super::{model, reserved, tag};

#[test]
fn mlflow_keeps_some_aliases() {
    assert!(["latest", "Latest", "v1", "V22"].iter().all(|a| reserved(a)));
    assert!(!["v", "v1x", "champion", "v1.2", "candidate"].iter().any(|a| reserved(a)));
}

#[test]
fn names_are_parts_of_a_uri() {
    assert!(["m", "flight delays", "a.b-c_d", "modèle"].iter().all(|n| model(n).is_ok()));
    assert!(["", ".", "..", "a/b", "models:m", " m", "m ", "a\nb"].iter().all(|n| model(n).is_err()));
}

#[test]
fn keys_of_tags_are_clean_paths() {
    assert!(["auc", "team/owner", "a.b", "run id", "git-commit"].iter().all(|k| tag(k).is_ok()));
    assert!(["", "a//b", "/a", "a/", "../a", "a=b", "a,b", "a?"].iter().all(|k| tag(k).is_err()));
}

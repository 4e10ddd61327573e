use super::{Source, reserved};

#[test]
fn a_source_is_a_path_in_a_bucket() {
    let source = Source::parse("s3a://b/flights/1/").unwrap();
    assert_eq!((source.bucket.as_str(), source.uri().as_str()), ("b", "s3://b/flights/1"));
    for bad in [
        "",
        "b/x",
        "file:///etc/passwd",
        "s3://",
        "s3://b",
        "s3://b/",
        "s3:///x",
        "s3://b/../c",
        "s3://b//x",
        "s3://b/x?y",
        "models:/m/1",
    ] {
        assert!(Source::parse(bad).unwrap_err().starts_with("spec.source: "), "{bad}");
    }
}

#[test]
fn mlflow_keeps_some_aliases() {
    assert!(["latest", "Latest", "v1", "V22"].iter().all(|a| reserved(a)));
    assert!(!["v", "v1x", "champion", "candidate"].iter().any(|a| reserved(a)));
}

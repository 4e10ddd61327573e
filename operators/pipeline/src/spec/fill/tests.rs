//! Every text of a step gets a value byte for byte, whoever reads it.

use proptest::prelude::*;

use millrace_crds::JobSpec;

use super::*;

const TEXT: &str = "$(params.x)(y)$(bucket.b) $(params.x)";

fn step() -> JobSpec {
    serde_json::from_value(serde_json::json!({
        "spark": {"image": TEXT, "main": TEXT, "args": [TEXT], "conf": {"a": TEXT}, "packages": [TEXT], "class": TEXT},
        "flink": {"image": TEXT, "sql": TEXT, "args": [TEXT], "conf": {"a": TEXT}, "state": {"bucket": TEXT}},
        "container": {"image": TEXT, "command": [TEXT], "args": [TEXT], "checkpoint": TEXT},
        "env": [{"name": "A", "value": TEXT}], "reads": [TEXT], "pod": {"annotations": {"a": TEXT}},
    }))
    .unwrap_or_default()
}

/// What the job operator and whoever comes after it make of the text of a field.
fn read(path: &[&str], text: &str) -> String {
    let fill = |reader| {
        let bucket = |r: &Reference| (r.head == Head::Bucket).then(|| "s3://b".to_owned());
        refs::substitute(text, reader, bucket).unwrap_or_default()
    };
    match Reader::of(path) {
        Reader::Kubelet => refs::expand_kubelet(&fill(Reader::Kubelet), &[]),
        Reader::File => refs::plain(&fill(Reader::File)),
        // Nobody knows buckets here, so that the reference stays.
        Reader::Nobody => text.replace("$(bucket.b)", "s3://b"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_arrive(value in "[$()a\\\\\n é]{0,8}([$]+[(](params|bucket).x[)])?[$]{0,3}") {
        let scope = Scope { params: [("x".to_owned(), value.clone())].into(), ..Scope::default() };
        let mut told = serde_json::to_value(filled(&step(), &scope, Reader::of).unwrap_or_default()).unwrap_or_default();
        let want = format!("{value}(y)s3://b {value}");
        let seen = std::cell::RefCell::new(Vec::new());
        each(&mut told, &mut Vec::new(), &|path, text| {
            seen.borrow_mut().push((path.join("."), read(path, text)));
            Ok(String::new())
        })
        .unwrap_or_default();
        let seen = seen.into_inner();
        prop_assert!(seen.len() > 15, "{} texts", seen.len());
        for (path, text) in seen.iter().filter(|(path, _)| path != "env.name") {
            prop_assert_eq!(text, &want, "{}", path);
        }
    }
}

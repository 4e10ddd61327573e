use super::*;

/// Asked for by every test run; the parts are in the cache after the first.
#[test]
fn it_starts_answers_counts_and_leaves_nothing() {
    let api = LocalApi::start(&Ui::plain()).unwrap();
    api.target.run(&["create", "namespace", "one"]).unwrap();
    api.target.run(&["--namespace=one", "create", "configmap", "c"]).unwrap();
    let log = fs::read_to_string(&api.audit_log).unwrap();
    let writes: Vec<serde_json::Value> = log
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .filter(|e: &serde_json::Value| e["verb"] == "create" && e["user"]["username"] == "admin")
        .filter(|e| e["objectRef"]["resource"] == "configmaps" && e["responseStatus"]["code"] == 201)
        .collect();
    assert_eq!(writes.len(), 1, "{log}");
    let dir = api.dir.clone();
    drop(api);
    assert!(!dir.exists());
}

//! The chart's roles of this operator are those of its code, and its wall around Spark drivers speaks of the names the
//! code derives.

use std::{fs, path::Path};

#[test]
fn the_chart_grants_what_the_code_declares() -> Result<(), String> {
    millrace_kit::sim::golden::access("processing", &millrace_processing::access())
}

/// The policy derives an attempt's names from its driver's; an attempt's objects are built in the golden case.
#[test]
fn the_wall_knows_the_names_of_an_attempt() -> Result<(), String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(here.join(path)).map_err(|e| format!("{path}: {e}"));
    let policy = read("../../charts/millrace/walls/spark-driver-policy.yaml")?;
    let built = read("tests/golden/processingjob/spark-granted/decision.yaml")?;
    let names = ["-driver", "-data", "-conf"];
    for name in names {
        if !built.contains(&format!("features-bcdfghjk{name}")) || !policy.contains(&format!("'{name}'")) {
            return Err(format!("policy and code disagree on NAME{name}"));
        }
    }
    for word in ["millrace-spark", "spark-app-selector", "millrace.dev/role"] {
        if !built.contains(word) || !policy.contains(word) {
            return Err(format!("policy and code disagree on {word}"));
        }
    }
    let role = read("../../charts/millrace/walls/spark-driver-role.yaml")?;
    if !built.contains("name: millrace-spark-driver") || !role.contains("name: millrace-spark-driver") {
        return Err("the RoleBinding names another ClusterRole than the chart brings".into());
    }
    Ok(())
}

/// The same for JobManagers.
#[test]
fn the_wall_knows_the_names_of_a_flink_attempt() -> Result<(), String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(here.join(path)).map_err(|e| format!("{path}: {e}"));
    let policy = read("../../charts/millrace/walls/flink-jobmanager-policy.yaml")?;
    let role = read("../../charts/millrace/walls/flink-jobmanager-role.yaml")?;
    let built = read("tests/golden/processingjob/flink-state-granted/decision.yaml")?;
    let names = [("counts-bcdfghjk-jobmanager", "'-jobmanager'"), ("counts-bcdfghjk-data", "'-data'")];
    let conf =
        [("flink-config-counts-bcdfghjk", "'flink-config-'"), ("\"millrace.dev/role\": \"executor\"", "'executor'")];
    for (code, chart) in names.into_iter().chain(conf) {
        if !built.contains(code) || !policy.contains(chart) {
            return Err(format!("policy and code disagree on {code}"));
        }
    }
    if !built.contains("name: millrace-flink-jobmanager") || !role.contains("name: millrace-flink-jobmanager") {
        return Err("the RoleBinding names another ClusterRole than the chart brings".into());
    }
    Ok(())
}

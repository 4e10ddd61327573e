//! The chart's roles and walls of this operator are those of its code.

use std::{fs, path::Path};

#[test]
fn the_chart_grants_what_the_code_declares() -> Result<(), String> {
    millrace_kit::sim::golden::access("processing", millrace_processing::ACCESS)
}

#[test]
fn the_chart_carries_the_wall_around_drivers() -> Result<(), String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["spark-driver-policy.yaml", "spark-driver-role.yaml"] {
        let read =
            |path: &str| fs::read_to_string(here.join(path).join(name)).map_err(|e| format!("{path}/{name}: {e}"));
        let (own, chart) = (read("manifests")?, read("../../charts/millrace/walls")?);
        if own != chart {
            return Err(format!(
                "charts/millrace/walls/{name} differs from operators/processing/manifests/{name}; copy it"
            ));
        }
    }
    Ok(())
}

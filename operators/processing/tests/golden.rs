//! One pass each: what decide says to an object and what was seen. `UPDATE=1` writes the decisions anew.

use std::path::Path;

use millrace_kit::sim::golden;
use millrace_processing::Processing;

#[test]
fn decisions_are_as_recorded() -> Result<(), String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/processingjob");
    let cases = golden::check::<Processing>(&dir)?;
    println!("golden cases: {cases}");
    Ok(())
}

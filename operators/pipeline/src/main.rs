//! The pipeline operator.

use std::{process::ExitCode, sync::Arc};

#[tokio::main]
async fn main() -> ExitCode {
    millrace_kit::run::main("pipeline", Arc::new(millrace_pipeline::controllers)).await
}

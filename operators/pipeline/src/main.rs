//! The pipeline operator.

use std::{process::ExitCode, sync::Arc};

#[tokio::main]
async fn main() -> ExitCode {
    millrace_kit::run::main("pipeline", Arc::new(|env: &_| Ok(millrace_pipeline::controllers(env)))).await
}

//! The processing operator's process.

use std::{process::ExitCode, sync::Arc};

#[tokio::main]
async fn main() -> ExitCode {
    millrace_kit::run::main("processing", Arc::new(|env: &_| Ok(millrace_processing::controllers(env)))).await
}

//! The dataplane operator's process.

use std::{process::ExitCode, sync::Arc};

#[tokio::main]
async fn main() -> ExitCode {
    millrace_kit::run::main("dataplane", Arc::new(|env: &_| Ok(millrace_dataplane::controllers(env)))).await
}

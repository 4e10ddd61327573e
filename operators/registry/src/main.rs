//! The registry operator.

use std::{process::ExitCode, sync::Arc};

#[tokio::main]
async fn main() -> ExitCode {
    millrace_kit::run::main("registry", Arc::new(millrace_registry::controllers)).await
}

//! The processing operator's process, and what `helm test` runs with its image.

mod smoke;

use std::{process::ExitCode, sync::Arc};

const USAGE: &str = "millrace-processing [version | wait JOB]";

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            millrace_kit::run::main("processing", Arc::new(|env: &_| Ok(millrace_processing::controllers(env)))).await
        }
        ["version"] => {
            println!("millrace-processing {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        ["wait", job] => smoke::wait(job).await,
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

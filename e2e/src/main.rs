//! `cargo xtask`: the local cluster, its parts, the demo, the tests, the figures.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use millrace_e2e::ui::{Outcome, Ui};
use millrace_e2e::{abroad, bench, checkout, cluster, demo, local, parts, push, stage, suite};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The local cluster, its parts, the demo, the tests, the figures", version)]
struct Cli {
    #[command(subcommand)]
    command: Cmd,
}

#[derive(Debug, Subcommand)]
enum Cmd {
    /// Bring up the local cluster, or what is missing of it
    Up,
    /// Remove the local cluster and its data
    Down,
    /// Show what runs and what does not
    Status,
    /// From raw flights to a registered model: cluster, operators, one pipeline run
    Demo {
        /// Play on this context of your kubeconfig instead of a local cluster
        #[arg(long, requires = "images")]
        context: Option<String>,
        /// With --context: where that cluster finds the images operators:dev, flights:dev and mlflow:dev
        #[arg(long, requires = "context")]
        images: Option<String>,
    },
    /// Run the tests: three rungs, one table
    Test {
        /// Only this rung (1: no cluster, 2: local servers, 3: stories on a node); may be repeated
        #[arg(long = "rung", value_parser = clap::value_parser!(u8).range(1..=3))]
        rungs: Vec<u8>,
        /// Only checks whose name contains this; may be repeated
        #[arg(long)]
        only: Vec<String>,
        /// Also the stories that take minutes more than every change should cost
        #[arg(long)]
        long: bool,
        /// Keep all processors busy with stress-ng beside the tests
        #[arg(long)]
        stressed: bool,
        /// Play the third rung on this context of your kubeconfig instead of a local cluster
        #[arg(long, requires = "images")]
        context: Option<String>,
        /// With --context: where that cluster finds the images operators:dev, flights:dev and mlflow:dev
        #[arg(long, requires = "context")]
        images: Option<String>,
    },
    /// Build our images and push them to the registry that another cluster pulls from
    Push {
        /// Registry and path, as for `--images`; with --file the whole name of that one image
        to: String,
        /// Push this image file only
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Prove --context: a second cluster with a registry, known by a kubeconfig only, and the stories on it
    Abroad {
        /// Only stories whose name contains this; may be repeated
        #[arg(long)]
        only: Vec<String>,
    },
    /// Measure: writes per job, topics to Ready, memory, jobs at a rate; a table, or JSON
    Bench {
        /// What to measure (default: all)
        what: Vec<Figures>,
        /// `json` for machines
        #[arg(short, long, value_parser = ["json"])]
        output: Option<String>,
        /// Repetitions of `processing`
        #[arg(long, default_value_t = 5)]
        times: usize,
        /// Write numbers and plot of `processing` into docs/figures
        #[arg(long)]
        record: bool,
    },
    /// Bring a second cluster up with interruptions and down again; check that nothing is left
    Rehearse,
    /// Build parts (default: all), or list them
    Parts {
        /// Parts to build
        names: Vec<String>,
        /// Show each part, whether it is built and how long that took
        #[arg(long)]
        list: bool,
    },
    /// Run etcd and an API server on loopback until Ctrl-C, for tests without a node
    LocalApi,
    /// Forward a loopback port into the cluster's network namespace; `up` starts it
    #[command(hide = true)]
    Forward {
        #[arg(long)]
        netns: PathBuf,
        #[arg(long)]
        listen: SocketAddr,
        #[arg(long)]
        to: SocketAddr,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Figures {
    /// Writes per job and run, from the audit log
    Writes,
    /// 500 topics to Ready beside their floors, and memory of the dataplane operator
    Topics,
    /// Memory of the other operators, idle, with 500 objects, with 1,000 steps
    Memory,
    /// Seconds until a standby works, 20 kills with the leader's pod and 20 with its node; ten minutes
    Failover,
    /// 2,000 ProcessingJobs at 1,000 a minute beside batch Jobs and spark-submit; ten minutes a repetition
    Processing,
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let ended = match checkout::run_own_build() {
        Ok(Some(code)) => return ExitCode::from(code),
        Ok(None) => run(command, &Ui::new()),
        Err(failure) => Err(failure),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Cmd, ui: &Ui) -> Outcome<()> {
    match command {
        Cmd::Up => cluster::up(ui).map(|target| cluster::tell(&target)),
        Cmd::Down => cluster::down(ui),
        Cmd::Status => cluster::status(),
        Cmd::Demo { context: Some(context), images: Some(images) } => {
            demo::demo(&stage::existing(&context, &images, ui)?, ui).map(|_| ())
        }
        Cmd::Demo { .. } => demo::demo(&stage::local(ui)?, ui).map(|_| ()),
        Cmd::Test { rungs, only, long, stressed, context, images } => {
            suite::test(&suite::Options { rungs, only, long, stressed, elsewhere: context.zip(images) }, ui)
        }
        Cmd::Push { to, file: Some(file) } => push::one(&file, &to, ui),
        Cmd::Push { to, file: None } => push::push(&to, ui),
        Cmd::Abroad { only } => {
            let args: Vec<String> = only.into_iter().flat_map(|part| ["--only".to_owned(), part]).collect();
            abroad::abroad(&args, ui)
        }
        Cmd::Bench { what, output, times, record } => {
            let pick = |f: &Figures| match f {
                Figures::Writes => bench::Bench::Writes,
                Figures::Topics => bench::Bench::Topics,
                Figures::Memory => bench::Bench::Memory,
                Figures::Failover => bench::Bench::Failover,
                Figures::Processing => bench::Bench::Processing,
            };
            let options = bench::Options { as_json: output.is_some(), times, record };
            bench::bench(&what.iter().map(pick).collect::<Vec<_>>(), options, ui)
        }
        Cmd::Rehearse => cluster::rehearse(ui),
        Cmd::Parts { list: true, .. } => {
            parts::list()?.iter().for_each(|line| println!("{line}"));
            Ok(())
        }
        Cmd::Parts { names, .. } => build(names, ui),
        Cmd::LocalApi => local::serve(ui),
        Cmd::Forward { netns, listen, to } => cluster::forward::serve(netns, listen, to),
    }
}

fn build(names: Vec<String>, ui: &Ui) -> Outcome<()> {
    let names = if names.is_empty() { parts::names()? } else { names };
    let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    let built = parts::ensure(&wanted, ui)?;
    for (name, path) in built.iter().filter(|(name, _)| wanted.contains(&name.as_str())) {
        println!("{name} {}", path.display());
    }
    Ok(())
}

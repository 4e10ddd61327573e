//! Child processes that end with their handle, or with this process in whatever way it ends.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::ui::{Failure, Outcome};

/// A program to keep.
#[derive(Debug)]
pub struct Child {
    /// Names its log.
    pub name: &'static str,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
}

/// The children, kept by a thread of their own: the kernel's "end with your parent" means the parent *thread*, and
/// the thread that asked for them may be a test that ends before the last user of what it started.
#[derive(Debug)]
pub struct Keeper {
    stop: Sender<()>,
    ended: Receiver<&'static str>,
    keeper: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the programs in this order, each with its output in `<dir>/<name>.log`. They are ended in the
    /// opposite order, at once, when the handle is dropped.
    ///
    /// # Errors
    /// One of them could not be started.
    pub fn start(specs: Vec<Child>, dir: &Path) -> Outcome<Self> {
        let (stop, stopped) = channel();
        let (say_started, started) = channel();
        let (say_ended, ended) = channel();
        let dir = dir.to_path_buf();
        let keeper = std::thread::spawn(move || {
            let mut children: Vec<(&'static str, process::Child)> = Vec::new();
            for spec in &specs {
                match spawn(spec, &dir) {
                    Ok(child) => children.push((spec.name, child)),
                    Err(failure) => {
                        let _ = say_started.send(Err(failure));
                        return end(&mut children);
                    }
                }
            }
            let _ = say_started.send(Ok(()));
            // Both an order to stop and a handle that is gone end the waiting.
            while stopped.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
                for (name, child) in &mut children {
                    if !matches!(child.try_wait(), Ok(None)) {
                        let _ = say_ended.send(*name);
                    }
                }
            }
            end(&mut children);
        });
        let gone = |e| Failure::because("starting child processes failed", e);
        started.recv().map_err(gone)??;
        Ok(Self { stop, ended, keeper: Some(keeper) })
    }

    /// The name of one that has ended by itself, if any has.
    #[must_use]
    pub fn ended(&self) -> Option<&'static str> {
        self.ended.try_recv().ok()
    }

    /// Waits until one ends by itself, and returns its name.
    #[must_use]
    pub fn wait(&self) -> &'static str {
        // The thread that keeps them leaves only when told to, by dropping this very handle.
        self.ended.recv().unwrap_or("their keeper")
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.stop.send(());
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

fn spawn(spec: &Child, dir: &Path) -> Outcome<process::Child> {
    let path = dir.join(format!("{}.log", spec.name));
    let log = File::create(&path).map_err(Failure::at("creating", &path))?;
    let err = log.try_clone().map_err(Failure::at("opening", &path))?;
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--"])
        .arg(&spec.program)
        .args(&spec.args)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(err)
        .spawn()
        .map_err(|e| Failure::new(format!("{} could not be started", spec.name), e.to_string(), "install util-linux"))
}

/// The last first, so that none complains about what it depends on.
fn end(children: &mut [(&'static str, process::Child)]) {
    for (_, child) in children.iter_mut().rev() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

//! Running other programs: their output on success, a readable failure otherwise.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::patience::Patience;
use crate::ui::{Failure, Outcome};

/// Runs a program to its end and returns its standard output.
///
/// # Errors
/// It could not be started, or ended with a failure; the reason is its standard error.
pub fn run(command: &mut Command, what: &str) -> Outcome<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let out = command.stdin(Stdio::null()).output().map_err(|e| {
        Failure::new(
            format!("{what} failed"),
            format!("{program} could not be started: {e}"),
            format!("install {program}"),
        )
    })?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&out.stderr).trim().to_owned();
    Err(Failure::because(format!("{what} failed"), format!("{program}: {}; {said}", out.status)))
}

/// [`run`] for a program with arguments and nothing else.
///
/// # Errors
/// As [`run`].
pub fn call<S: AsRef<OsStr>>(program: &str, args: &[S], what: &str) -> Outcome<String> {
    run(Command::new(program).args(args), what)
}

/// Waits until `ready` returns a value, asking every 100 ms. A failure it returns ends the waiting at once. `limit` is
/// what it takes at most on a quiet machine: the wait is more patient than that, and more so on a slow one.
///
/// # Errors
/// What `ready` returned, or `late` when the time is over, with how long that was and how busy the machine.
pub fn wait<T>(
    limit: Duration,
    mut ready: impl FnMut() -> Outcome<Option<T>>,
    late: impl FnOnce() -> Failure,
) -> Outcome<T> {
    let mut patience = Patience::new(limit);
    loop {
        if let Some(value) = ready()? {
            return Ok(value);
        }
        if patience.over() {
            let told = patience.told();
            let mut failure = late();
            failure.why = format!("{told}\n{}", failure.why);
            return Err(failure);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Loopback ports nobody listens on now, all different.
///
/// # Errors
/// The machine has no loopback or no free port.
pub fn free_ports<const N: usize>() -> Outcome<[u16; N]> {
    let no = |e: std::io::Error| Failure::because("no free loopback port was found", e);
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(no)?;
        *port = listener.local_addr().map_err(no)?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Does `work` for each of the items, `at_once` of them at a time; each player takes the next one when its last is done.
/// The results are in the order of the items; that of a player that panics is missing.
pub fn in_turn<T: Send, R: Send>(items: Vec<T>, at_once: usize, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let line = Mutex::new(items.into_iter().enumerate());
    let next = || line.lock().unwrap_or_else(PoisonError::into_inner).next();
    let player = || std::iter::from_fn(next).map(|(at, item)| (at, work(item))).collect::<Vec<_>>();
    let mut all: Vec<_> = std::thread::scope(|scope| {
        let players: Vec<_> = (0..at_once).map(|_| scope.spawn(player)).collect();
        players.into_iter().filter_map(|player| player.join().ok()).flatten().collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}

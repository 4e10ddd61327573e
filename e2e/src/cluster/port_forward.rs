//! A pod's or Service's port on a loopback port of this host, through the API server, on any cluster.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::keeper::{Child, Keeper};
use super::target::Target;
use super::tool;
use crate::parts;
use crate::ui::{Failure, Outcome};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A running `kubectl port-forward`; ends with this handle. It serves the pod it found when it was opened: after
/// that pod is gone, open another one.
#[derive(Debug)]
pub struct PortForward {
    /// The port on 127.0.0.1.
    pub port: u16,
    dir: PathBuf,
    _keeper: Keeper,
}

impl PortForward {
    /// Opens a forward to `what` (for example `service/minio` or `pod/x`) and its port `port`.
    ///
    /// # Errors
    /// kubectl's own message, for example that no pod runs behind the Service.
    pub fn open(target: &Target, namespace: &str, what: &str, port: u16) -> Outcome<Self> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("millrace-forward-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).map_err(Failure::at("creating", &dir))?;
        let kubectl = target.kubectl();
        let mut args: Vec<String> = kubectl.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
        args.push(format!("--namespace={namespace}"));
        args.extend(["port-forward".to_owned(), what.to_owned(), format!(":{port}"), "--address=127.0.0.1".to_owned()]);
        let child = Child { name: "kubectl", program: target.program.clone(), args };
        let keeper = Keeper::start(vec![child], &dir)?;
        let log = dir.join("kubectl.log");
        let failed = |why: String| {
            target.failure(&format!("forwarding a port to {what} port {port} in {namespace} failed"), why)
        };
        let mut over = false;
        let port = tool::wait(
            Duration::from_secs(30),
            || {
                let said = fs::read_to_string(&log).unwrap_or_default();
                if let Some(port) = parse(&said) {
                    return Ok(Some(port));
                }
                // Its last words may come with its end, so the end counts a look later.
                if over {
                    return Err(failed(parts::tail(&log, 5)));
                }
                over = keeper.ended().is_some();
                Ok(None)
            },
            || failed(format!("kubectl said nothing useful within 30 s: {}", parts::tail(&log, 5))),
        )?;
        Ok(Self { port, dir, _keeper: keeper })
    }
}

impl Drop for PortForward {
    fn drop(&mut self) {
        // What cannot be removed lies in the temporary directory, where it harms nobody.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// `Forwarding from 127.0.0.1:41234 -> 9000`.
fn parse(said: &str) -> Option<u16> {
    said.lines().find_map(|l| l.strip_prefix("Forwarding from 127.0.0.1:")?.split(' ').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_port_is_read_from_a_whole_line() {
        assert_eq!(super::parse("Forwarding from 127.0.0.1:41234 -> 9000\n"), Some(41234));
        assert_eq!(super::parse("error: unable to forward port\n"), None);
    }
}

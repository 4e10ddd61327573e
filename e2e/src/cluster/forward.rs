//! From a loopback port of the host to an address inside the cluster's network namespace.
//!
//! A socket belongs to the namespace of the thread that made it, so each connection is dialled by a thread that has
//! entered the namespace; the bytes are then copied by whoever likes. No packet crosses between the namespaces.

use std::fs::File;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::ui::{Failure, Outcome};

/// Forwards `listen` (an address of this host) to `to` (an address inside the namespace at `netns`) until this
/// process ends. A connection that cannot be dialled is closed.
///
/// # Errors
/// The port is taken.
pub fn serve(netns: PathBuf, listen: SocketAddr, to: SocketAddr) -> Outcome<()> {
    let listener = TcpListener::bind(listen)
        .map_err(|e| Failure::new(format!("listening on {listen} failed"), e.to_string(), "end what uses the port"))?;
    for from in listener.incoming().flatten() {
        let netns = netns.clone();
        thread::spawn(move || {
            if let Err(e) = join(from, || dial(&netns, to)) {
                eprintln!("connection to {to}: {e}");
            }
        });
    }
    Ok(())
}

/// Called on a thread of its own, which stays in the namespace until it ends.
fn dial(netns: &PathBuf, to: SocketAddr) -> io::Result<TcpStream> {
    let file = File::open(netns)?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
    TcpStream::connect_timeout(&to, Duration::from_secs(10))
}

fn join(mut from: TcpStream, dial: impl FnOnce() -> io::Result<TcpStream>) -> io::Result<()> {
    let mut to = dial()?;
    from.set_nodelay(true)?;
    to.set_nodelay(true)?;
    let (mut back_from, mut back_to) = (to.try_clone()?, from.try_clone()?);
    let back = thread::spawn(move || {
        // The end of one direction is told to the other side; errors end a connection like closing it.
        let _ = io::copy(&mut back_from, &mut back_to);
        let _ = back_to.shutdown(Shutdown::Write);
    });
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
    let _ = back.join();
    Ok(())
}

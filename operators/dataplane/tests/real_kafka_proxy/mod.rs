//! A Kafka broker that can be switched off: a proxy on loopback in front of a real one.
//!
//! Brokers tell clients where they are, so the port in every answer is replaced by the proxy's; both have four bytes.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// The proxy; it lives as long as the test's process.
pub(crate) struct Proxy {
    /// `host:port` for clients.
    pub(crate) address: String,
    connections: Arc<Mutex<Connections>>,
}

/// The open connections; `None` while switched off. Both stand behind one lock: a connection that is accepted while the
/// proxy is switched off is either refused or ended.
type Connections = Option<Vec<TcpStream>>;

impl Proxy {
    /// A proxy, switched on, in front of the broker at this loopback address.
    pub(crate) fn start(broker: &str) -> Self {
        let broker: SocketAddr = broker.parse().expect("MILLRACE_KAFKA_BOOTSTRAP is an IP address and a port");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let at = listener.local_addr().expect("bound");
        let connections: Arc<Mutex<Connections>> = Arc::new(Mutex::new(Some(Vec::new())));
        let this = Self { address: at.to_string(), connections: Arc::clone(&connections) };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Switched off, it hangs up at once.
                if let Some(open) = &mut *connections.lock().unwrap()
                    && let Ok(server) = TcpStream::connect(broker)
                {
                    for stream in [&client, &server] {
                        open.extend(stream.try_clone());
                    }
                    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                    thread::spawn(move || carry(from, to, None));
                    thread::spawn(move || carry(server, client, Some((broker.port(), at.port()))));
                }
            }
        });
        this
    }

    /// Switches the broker on or off; off ends all connections.
    pub(crate) fn switch(&self, on: bool) {
        let mut connections = self.connections.lock().unwrap();
        let open = connections.take().unwrap_or_default();
        if on {
            *connections = Some(open);
            return;
        }
        for stream in open {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Carries Kafka's frames (a length of four bytes, then as many bytes) until either side ends.
fn carry(mut from: TcpStream, mut to: TcpStream, ports: Option<(u16, u16)>) {
    let mut length = [0; 4];
    while from.read_exact(&mut length).is_ok() {
        let mut frame = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        if from.read_exact(&mut frame).is_err() {
            break;
        }
        if let Some((old, new)) = ports {
            replace(&mut frame, old, new);
        }
        if to.write_all(&length).and_then(|()| to.write_all(&frame)).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// `127.0.0.1` and a port, as they stand in the answers that name brokers.
fn replace(frame: &mut [u8], old: u16, new: u16) {
    let at = |port: u16| [b"127.0.0.1".as_slice(), &u32::from(port).to_be_bytes()].concat();
    let (old, new) = (at(old), at(new));
    for start in 0..frame.len().saturating_sub(old.len() - 1) {
        if frame[start..].starts_with(&old) {
            frame[start..start + new.len()].copy_from_slice(&new);
        }
    }
}

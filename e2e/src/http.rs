//! The smallest HTTP client that can ask a server on a loopback port: MLflow behind a port-forward, an operator.
//!
//! One GET per connection, HTTP/1.0, so that no answer is chunked; the login never stands in an argument.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::patience;
use crate::ui::{Failure, Outcome};

/// Longest time between two parts of an answer on a quiet machine.
const ANSWER: Duration = Duration::from_secs(30);

/// Status and body of a GET of `path` on a loopback port; `login` is `user:password`.
pub(crate) fn get(port: u16, path: &str, login: Option<&str>) -> Outcome<(u16, Value)> {
    let failed = |cause: std::io::Error| Failure::because(format!("GET {path} on port {port} failed"), cause);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(failed)?;
    stream.set_read_timeout(Some(patience::limit(ANSWER))).map_err(failed)?;
    let login = login.map(|l| format!("Authorization: Basic {}\r\n", base64(l.as_bytes()))).unwrap_or_default();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n{login}\r\n")
        .map_err(failed)?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said).map_err(failed)?;
    let said = String::from_utf8_lossy(&said);
    let (head, body) = said.split_once("\r\n\r\n").unwrap_or((&said, ""));
    let code = head.split(' ').nth(1).and_then(|c| c.parse().ok());
    let code = code.ok_or_else(|| Failure::because(format!("GET {path} gave no HTTP answer"), head))?;
    Ok((code, serde_json::from_str(body).unwrap_or(Value::Null)))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group = [0, 1, 2].iter().fold(0_u32, |sum, i| (sum << 8) | u32::from(chunk.get(*i).copied().unwrap_or(0)));
        for i in 0..4 {
            let index = (group >> (18 - 6 * i)) as usize & 63;
            let letter = LETTERS.get(index).map_or('=', |l| char::from(*l));
            out.push(if i <= chunk.len() { letter } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_login_is_encoded_as_everybody_does() {
        assert_eq!(super::base64(b"user:password"), "dXNlcjpwYXNzd29yZA==");
        assert_eq!(super::base64(b"ab"), "YWI=");
        assert_eq!(super::base64(b"abc"), "YWJj");
    }
}

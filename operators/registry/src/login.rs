//! The login of each server, derived from the operator's key and the registry's uid.
//!
//! So the operator can log in without ever reading a Secret: it derives the password anew, and writes it for the server
//! and its users. Never put a password into a status, an argument, an event or a log; `Debug` shows none.

use std::{fmt, fmt::Write as _, path::PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The user name of the operator, and of whoever reads its Secret.
pub const USERNAME: &str = "millrace";

/// Where the chart mounts the key.
const KEY_FILE: &str = "/etc/millrace/registry/key";

/// Shorter keys are refused: the password is only as good as the key.
const MIN_KEY: usize = 32;

/// The operator's key.
#[derive(Clone)]
pub struct Key(Vec<u8>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

impl Key {
    /// Reads the key from `MILLRACE_REGISTRY_KEY_FILE`, by default where the chart mounts it.
    ///
    /// # Errors
    /// What is wrong with the file, and what to do, for people.
    pub fn load() -> Result<Self, String> {
        let path =
            std::env::var_os("MILLRACE_REGISTRY_KEY_FILE").map_or_else(|| PathBuf::from(KEY_FILE), PathBuf::from);
        let bytes = std::fs::read(&path).map_err(|e| {
            format!(
                "the operator's key {} cannot be read: {e}; the chart mounts the Secret millrace-registry-key there",
                path.display()
            )
        })?;
        Self::of(bytes.trim_ascii())
    }

    /// A key from its bytes.
    ///
    /// # Errors
    /// Fewer than 32 bytes.
    pub fn of(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() < MIN_KEY {
            return Err(format!("the operator's key has {} bytes; it needs at least {MIN_KEY}", bytes.len()));
        }
        Ok(Self(bytes.to_vec()))
    }

    fn derive(&self, uid: &str, purpose: &str) -> String {
        hmac(&self.0, [purpose, uid].join("\0").as_bytes())
    }

    /// The login of the registry with this uid.
    #[must_use]
    pub fn login(&self, uid: &str) -> Login {
        let mut fingerprint = self.derive(uid, "fingerprint");
        fingerprint.truncate(12);
        Login {
            password: self.derive(uid, "password"),
            session_key: self.derive(uid, "session"),
            given_key: self.derive(uid, "given"),
            fingerprint,
        }
    }
}

fn hmac(key: &[u8], text: &[u8]) -> String {
    // Keys of any length are valid for an HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(text);
    let mut hex = String::with_capacity(64);
    for byte in mac.finalize().into_bytes() {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// What a server and its users need to know.
#[derive(Clone)]
pub struct Login {
    /// Password of [`USERNAME`].
    pub password: String,
    /// Signs the server's forms; equal on all replicas.
    pub session_key: String,
    /// Key of the fingerprints by which the server's pods tell what they were given.
    pub given_key: String,
    /// Tells one login from another without telling anything of it: derived apart from the password.
    pub fingerprint: String,
}

impl Login {
    /// What a pod says of the Secret with this login while it is as it was written; as `children/given.py` makes it.
    #[must_use]
    pub fn mounted(&self) -> String {
        let parts = ["login", USERNAME, &self.password].join("\0");
        let mut hex = hmac(self.given_key.as_bytes(), parts.as_bytes());
        hex.truncate(16);
        hex
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({})", self.fingerprint)
    }
}

#[cfg(test)]
mod tests;

//! What a registry's pass does beside creating objects: only the Secret that is written blindly.

use millrace_kit::Effect;
use serde::Serialize;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum RegistryEffect {
    /// Writes the login for the server and its users.
    Login {
        /// Name of the Secret.
        secret: String,
        /// Which login.
        fingerprint: String,
    },
}

impl Effect for RegistryEffect {
    fn id(&self) -> String {
        "login".to_owned()
    }
}

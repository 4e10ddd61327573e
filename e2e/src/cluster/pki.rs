//! Certificates: one authority per cluster, signing everything, made with openssl on elliptic keys.
//!
//! They live as long as the cluster's state directory; a missing file is made again, an existing one is kept.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::tool;
use crate::ui::{Failure, Outcome};

/// How long certificates are valid, in days; a local cluster is younger.
const DAYS: &str = "3650";

const CONFIG: &str = "\
[req]
distinguished_name = dn
prompt = no
[dn]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign,digitalSignature
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth,clientAuth
";

/// A certificate authority in a directory.
#[derive(Debug, Clone)]
pub struct Pki {
    dir: PathBuf,
}

impl Pki {
    /// Opens the directory and makes the authority and the key pair that signs service-account tokens.
    ///
    /// # Errors
    /// openssl is missing or fails.
    pub fn open(dir: &Path) -> Outcome<Self> {
        fs::create_dir_all(dir).map_err(Failure::at("creating", dir))?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(Failure::at("protecting", dir))?;
        let pki = Self { dir: dir.to_path_buf() };
        let config = pki.path("openssl.cnf");
        fs::write(&config, CONFIG).map_err(Failure::at("writing", &config))?;
        if !pki.path("ca.crt").exists() {
            pki.request("ca", "/CN=millrace-local", &["-extensions", "ca"])?;
        }
        if !pki.path("sa.pub").exists() {
            let key = pki.arg("sa.key");
            let what = "making the key of service-account tokens";
            tool::call(
                "openssl",
                &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &key],
                what,
            )?;
            tool::call("openssl", &["pkey", "-in", &key, "-pubout", "-out", &pki.arg("sa.pub")], what)?;
        }
        Ok(pki)
    }

    /// Makes `<name>.crt` and `<name>.key`, unless they are there. `subject` is openssl's form, for example
    /// `/O=system:masters/CN=admin`; `names` are alternative names such as `DNS:localhost,IP:127.0.0.1`, may be empty.
    ///
    /// # Errors
    /// openssl fails.
    pub fn issue(&self, name: &str, subject: &str, names: &str) -> Outcome<()> {
        if self.crt(name).exists() {
            return Ok(());
        }
        let (ca, key) = (self.arg("ca.crt"), self.arg("ca.key"));
        let alternative = format!("subjectAltName={names}");
        let mut more = vec!["-extensions", "leaf", "-CA", &ca, "-CAkey", &key];
        if !names.is_empty() {
            more.extend(["-addext", &alternative]);
        }
        self.request(name, subject, &more)
    }

    /// The certificate of that name.
    #[must_use]
    pub fn crt(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.crt"))
    }

    /// The private key of that name.
    #[must_use]
    pub fn key(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.key"))
    }

    /// A file of the directory.
    #[must_use]
    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    fn arg(&self, file: &str) -> String {
        self.path(file).display().to_string()
    }

    /// The certificate is moved into place last, so its presence means that the pair is whole.
    fn request(&self, name: &str, subject: &str, more: &[&str]) -> Outcome<()> {
        let (config, key, half) = (self.arg("openssl.cnf"), self.arg(&format!("{name}.key")), self.arg("half.crt"));
        let mut args = vec!["req", "-x509", "-config", &config, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
        args.extend(["-noenc", "-days", DAYS, "-subj", subject, "-keyout", &key, "-out", &half]);
        args.extend(more);
        tool::call("openssl", &args, &format!("making the certificate {name}"))?;
        let crt = self.crt(name);
        fs::rename(&half, &crt).map_err(Failure::at("creating", &crt))
    }
}

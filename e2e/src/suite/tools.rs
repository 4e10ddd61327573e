//! The first rung's checks by tools of others: spelling, and what crates of others may be.

use std::process::Command;

use super::check::Counts;
use crate::cluster::tool;
use crate::parts;
use crate::ui::{Failure, Outcome, Ui};

/// Every word of the repository, by typos; `typos.toml` has those that are spelled as they must be.
pub(super) fn spelling(ui: &Ui) -> Outcome<Counts> {
    let mut typos = program("typos", ui)?;
    // Its findings go to standard output.
    let out = typos.args(["--format", "brief"]).output().map_err(|e| Failure::because("starting typos failed", e))?;
    if out.status.success() {
        return Ok(Counts::ONE);
    }
    let found = String::from_utf8_lossy(&out.stdout).into_owned();
    Err(Failure::new("words are misspelled", found, "correct them, or add them to typos.toml"))
}

/// Licences, sources and versions of crates, by cargo-deny; `deny.toml` has the rules.
pub(super) fn dependencies(ui: &Ui) -> Outcome<Counts> {
    let mut deny = program("cargo-deny", ui)?;
    deny.args(["--locked", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]);
    tool::run(&mut deny, "the check of dependencies against deny.toml").map(|_| Counts::ONE)
}

/// A program of the part of this name, at the top of the checkout.
fn program(name: &str, ui: &Ui) -> Outcome<Command> {
    let mut command = Command::new(parts::file(name, name, ui)?);
    command.current_dir(parts::repo_root()?);
    Ok(command)
}

//! What MLflow refuses: known when the pipeline is applied, not after the hours before its last step.

use millrace_crds::RegisterSpec;

use super::Finding;

/// A literal part of a registration that MLflow would refuse. A name with references is looked at when they are known.
pub(crate) fn check(spec: &RegisterSpec, path: &str, findings: &mut Vec<Finding>) {
    // No reference has these two letters, so they are wrong wherever they stand.
    let literal = !spec.model.contains("$(");
    if let Err(problem) = model(&spec.model)
        && (literal || spec.model.contains(ODD))
    {
        findings.push(Finding::new(format!("{path}.model"), problem));
    }
    for alias in spec.aliases.iter().filter(|alias| reserved(alias)) {
        let problem = format!("{alias} is reserved by MLflow; choose another, such as candidate");
        findings.push(Finding::new(format!("{path}.aliases"), problem));
    }
    for key in spec.tags.keys() {
        if let Err(problem) = tag(key) {
            findings.push(Finding::new(format!("{path}.tags"), problem));
        }
    }
}

/// They separate the parts of `models:/NAME/VERSION`.
const ODD: [char; 2] = ['/', ':'];

/// Whether MLflow takes this name of a model.
///
/// # Errors
/// What to write instead.
pub(crate) fn model(name: &str) -> Result<(), String> {
    if name.contains(ODD) || name.trim() != name || name.contains(char::is_control) || matches!(name, "" | "." | "..") {
        return Err(format!(
            "{name:?} is no name of a model for MLflow; leave out /, :, control characters and spaces around it"
        ));
    }
    Ok(())
}

/// MLflow keeps `latest` and `v<number>` for itself.
fn reserved(alias: &str) -> bool {
    let number = alias.strip_prefix(['v', 'V']).is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()));
    number || alias.eq_ignore_ascii_case("latest")
}

/// MLflow reads a tag's key as a path, too.
fn tag(key: &str) -> Result<(), String> {
    let odd = |c: char| !(c.is_alphanumeric() || "_/.-: ".contains(c));
    let unclean = |part: &str| matches!(part, "" | "." | "..");
    if key.contains(odd) || key.split('/').any(unclean) || key.len() > 250 {
        return Err(format!(
            "{key:?} is no key of a tag for MLflow; use letters, digits, _ - . : and single / between"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;

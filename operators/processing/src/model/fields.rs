//! How fields of one form are read.

use millrace_crds::Quantity;

use super::{findings::Findings, references::Names};

/// A quantity, or its default.
pub(crate) fn quantity(field: &str, given: Option<&Quantity>, or: (&str, &mut Findings)) -> Quantity {
    let (default, findings) = or;
    match given {
        None => default.into(),
        Some(given) if given.units().is_some() => given.clone(),
        Some(wrong) => {
            findings.note(field, format!("`{}` is not a valid quantity; use a value such as {default}", wrong.0));
            default.into()
        }
    }
}

/// Texts that may refer to buckets and topics.
pub(crate) fn texts(field: &str, list: &[String], with: (&Names, &mut Findings)) {
    let (names, findings) = with;
    for (at, text) in list.iter().enumerate() {
        names.check(&format!("{field}[{at}]"), text, findings);
    }
}

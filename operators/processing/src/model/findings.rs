//! What is wrong with a spec.

/// What is wrong, collected while parsing.
#[derive(Default)]
pub(crate) struct Findings(Vec<String>);

impl Findings {
    /// Notes that `field` is wrong; `advice` says how and what to write.
    pub(crate) fn note(&mut self, field: impl AsRef<str>, advice: impl AsRef<str>) {
        self.0.push(format!("spec.{}: {}", field.as_ref(), advice.as_ref()));
    }

    /// All of it, one finding a line; `None` if nothing is wrong.
    pub(crate) fn told(self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join("\n"))
    }
}

//! Memory that grows after an attempt ran out of it: that of the pod whose end is the attempt's, or that of its workers.

use millrace_crds::{Quantity, job::MemoryGrowth};

use super::findings::Findings;

const MIB: u64 = 1 << 20;

/// By how much, and to what at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Growth {
    /// Hundredths of what the attempt had.
    percent: u64,
    /// In bytes.
    max: u64,
}

impl Growth {
    /// What the attempt after one with this much memory asks for; `None` at the bound.
    pub(crate) fn next(self, had: &Quantity) -> Option<Quantity> {
        let had = had.units()?;
        let more = had.saturating_add(had.saturating_mul(self.percent) / 100).min(self.max);
        let whole = more / MIB;
        (whole > had / MIB).then(|| Quantity(format!("{whole}Mi")))
    }
}

/// Reads `retry.onOutOfMemory`.
pub(crate) fn growth(given: Option<&MemoryGrowth>, findings: &mut Findings) -> Option<Growth> {
    let given = given?;
    let percent = given.grow.strip_suffix('%').and_then(|digits| digits.parse().ok()).filter(|n| *n >= 10);
    if percent.is_none() {
        let advice = format!("`{}` must be a percentage of at least 10%, for example 50%", given.grow);
        findings.note("retry.onOutOfMemory.grow", advice);
    }
    let max = given.max.units();
    if max.is_none() {
        let advice = format!("`{}` is not a valid quantity; use a value such as 8Gi", given.max.0);
        findings.note("retry.onOutOfMemory.max", advice);
    }
    Some(Growth { percent: percent?, max: max? })
}

/// The bound must leave room to grow.
pub(crate) fn check(growth: Option<Growth>, memory: (&'static str, &Quantity), findings: &mut Findings) {
    let (field, memory) = memory;
    if let Some(growth) = growth.filter(|_| memory.units().is_some())
        && growth.next(memory).is_none()
    {
        let advice = format!("it leaves {field} ({}) no room to grow; write more", memory.0);
        findings.note("retry.onOutOfMemory.max", advice);
    }
}

#[cfg(test)]
mod tests {
    use super::Growth;

    #[test]
    fn memory_grows_by_whole_mebibytes_up_to_the_bound() {
        let growth = Growth { percent: 50, max: 500 << 20 };
        assert_eq!(growth.next(&"256Mi".into()), Some("384Mi".into()));
        assert_eq!(growth.next(&"384Mi".into()), Some("500Mi".into()));
        assert_eq!(growth.next(&"500Mi".into()), None);
        assert_eq!(growth.next(&"1Gi".into()), None);
    }
}

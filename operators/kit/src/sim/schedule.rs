//! One way to run a scenario: its order and its fault, as numbers by which it can be run again.

use std::{fmt, str::FromStr};

use super::cut::Cut;

/// One way to run a scenario. Written as `SEED`, or `SEED/WRITE:CUT` with a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Draws who moves next; 0 delivers everything at once, in order.
    pub seed: u64,
    /// Which write goes wrong, counted from 0, and how.
    pub cut: Option<(usize, Cut)>,
}

impl Schedule {
    /// Everything in order, nothing goes wrong.
    pub const UNDISTURBED: Self = Self { seed: 0, cut: None };

    /// Whether a standby fills its cache beside the process that leads.
    pub(super) const fn standby(self) -> bool {
        matches!(self.cut, Some((_, Cut::Failover)))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cut {
            None => write!(f, "{}", self.seed),
            Some((write, cut)) => write!(f, "{}/{write}:{cut}", self.seed),
        }
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is not a schedule; write SEED or SEED/WRITE:CUT, such as 3/5:KillAfter");
        let (seed, fault) = text.split_once('/').map_or((text, None), |(seed, fault)| (seed, Some(fault)));
        let seed = seed.parse().map_err(|_| wrong())?;
        let Some(fault) = fault else { return Ok(Self { seed, cut: None }) };
        let (write, cut) = fault.split_once(':').ok_or_else(wrong)?;
        let write = write.parse().map_err(|_| wrong())?;
        Ok(Self { seed, cut: Some((write, cut.parse().map_err(|_| wrong())?)) })
    }
}

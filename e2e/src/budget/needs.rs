//! How much of a machine or a cluster.

/// Processor and memory: what a check needs while it is busiest, or what there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// Thousandths of a processor: on a cluster, what its pods request.
    pub millicores: u64,
    /// Memory, likewise.
    pub mib: u64,
}

impl Needs {
    /// So much of both.
    #[must_use]
    pub const fn new(millicores: u64, mib: u64) -> Self {
        Self { millicores, mib }
    }

    /// The smaller one of each.
    pub(crate) fn least(self, other: Self) -> Self {
        Self::new(self.millicores.min(other.millicores), self.mib.min(other.mib))
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self::new(self.millicores + other.millicores, self.mib + other.mib)
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self::new(self.millicores.saturating_sub(other.millicores), self.mib.saturating_sub(other.mib))
    }

    pub(super) fn fits(self, room: Self) -> bool {
        self.millicores <= room.millicores && self.mib <= room.mib
    }
}

impl std::fmt::Display for Needs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}m of processor, {} MiB", self.millicores, self.mib)
    }
}

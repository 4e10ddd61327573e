//! What may happen to one write of the operator.

/// How one write goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumIter, strum::EnumString)]
pub enum Cut {
    /// The process dies before the write is sent.
    KillBefore,
    /// The process dies after the write is applied and before it hears of it.
    KillAfter,
    /// The same, and a standby takes over whose cache may be behind; after the others a new process starts from a list.
    Failover,
    /// The write is refused for a passing reason.
    Refused,
    /// The write is applied; the answer is lost.
    Unanswered,
}

impl Cut {
    /// What it means, to be said after the write.
    pub(super) const fn consequence(self) -> &'static str {
        match self {
            Self::KillBefore => " -- the operator is killed before it is sent",
            Self::KillAfter => " -- applied; the operator is killed before it hears of it",
            Self::Failover => " -- applied; the operator is killed, and a standby takes over",
            Self::Refused => " -- refused for a passing reason",
            Self::Unanswered => " -- applied; the answer is lost",
        }
    }
}

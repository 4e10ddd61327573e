//! Seeded bugs of the kernel, each one a rule broken. The simulated world must tell every one from the sound kernel;
//! without that its zeros would mean little. Production builds know only [`Mutation::None`].

/// A rule of the kernel that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "sim", derive(strum::EnumIter))]
pub enum Mutation {
    /// The sound kernel.
    None,
    /// Decides on a cached object older than its own last write.
    TrustStaleCache,
    /// Performs actions before the status that explains them is stored.
    ActBeforeStatus,
    /// Goes on acting although the status write was refused.
    ActAfterConflict,
    /// Writes the status without the resourceVersion it was decided upon.
    UnconditionalStatus,
    /// Takes any object of the right name for its own.
    AdoptByName,
    /// Deletes by name, whatever incarnation is there.
    DeleteByName,
    /// Puts the finalizer up after the first external effect.
    LateFinalizer,
    /// Takes an applied child for what it asked for, whatever an admission webhook made of it.
    FightAdmission,
    /// Starts before every cache has listed.
    ActBeforeListed,
}

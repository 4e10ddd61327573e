//! The rules of the kernel that can be broken.

/// A rule of the kernel that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter)]
pub enum KernelBug {
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

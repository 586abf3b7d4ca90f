//! The steps of a round that a crash can fall between, named so that tests can stop a worker at each.

use std::fmt;

/// A point in the delivery of a round or in recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The round is sealed; nothing is prepared.
    Sealed,
    /// Every table's transaction is PREPARED.
    Prepared,
    /// The plan was sent to the group coordinator; its Kafka transaction is open.
    PlanSent,
    /// The Kafka transaction that carries the plan is committed.
    Decided,
    /// Every table's transaction is committed.
    Committed,
    /// The claims of the settled offsets are about to be stored.
    Settling,
    /// The claims of the settled offsets are stored.
    Settled,
    /// Recovery has read the stored offsets.
    OffsetsRead,
    /// Recovery has settled every label of every plan.
    LabelsSettled,
    /// Recovery has claimed its partitions.
    Claimed,
    /// Recovery has rolled back what the previous holder left open.
    RolledBack,
}

impl Step {
    /// Every step, in the order of a round, then of recovery.
    pub const ALL: [Self; 11] = [
        Self::Sealed,
        Self::Prepared,
        Self::PlanSent,
        Self::Decided,
        Self::Committed,
        Self::Settling,
        Self::Settled,
        Self::OffsetsRead,
        Self::LabelsSettled,
        Self::Claimed,
        Self::RolledBack,
    ];

    /// The name by which it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Prepared => "prepared",
            Self::PlanSent => "plan-sent",
            Self::Decided => "decided",
            Self::Committed => "committed",
            Self::Settling => "settling",
            Self::Settled => "settled",
            Self::OffsetsRead => "offsets-read",
            Self::LabelsSettled => "labels-settled",
            Self::Claimed => "claimed",
            Self::RolledBack => "rolled-back",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is told of each step as it is reached.
pub trait Probe: fmt::Debug + Send + Sync {
    /// `step` was reached.
    fn reached(&self, step: Step);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl Probe for NoProbe {
    fn reached(&self, _step: Step) {}
}

//! How large the world of a search is, what may go wrong in it, and which rule is broken on purpose.

use starrocks_kafka_pipeline::recovery::InDoubt;

/// The most partitions that a world may have.
pub(crate) const PARTITIONS_MAX: usize = 2;

/// A world.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// Members of the group.
    pub(crate) workers: u8,
    /// At most [`PARTITIONS_MAX`].
    pub(crate) partitions: u8,
    /// At most 8.
    pub(crate) tables: u8,
    /// How many tables there is room to announce beside an offset; `None` where topics tell the tables.
    pub(crate) announced_max: Option<u8>,
    /// In each partition; at most 8 in all of them.
    pub(crate) records: u8,
    /// Whether partitions are moved one by one, or all given back at each rebalance.
    pub(crate) is_cooperative: bool,
    /// Generations of the group that are looked into.
    pub(crate) generations: u8,
    /// How often each thing may go wrong.
    pub(crate) faults: Faults,
    /// `starrocks.in.doubt`.
    pub(crate) in_doubt: InDoubt,
    /// Whether StarRocks may forget a transaction that was aborted after its round was decided: the hole that is
    /// documented.
    pub(crate) forgets_aborted: bool,
    /// Whether a worker must decide a round with every record that is there: less to search where the sizes of rounds
    /// do not matter.
    pub(crate) rounds_are_full: bool,
}

impl Default for Bounds {
    /// Two workers, one partition with two records, one table, an eager group, and nothing goes wrong.
    fn default() -> Self {
        Self {
            workers: 2,
            partitions: 1,
            tables: 1,
            announced_max: None,
            records: 2,
            is_cooperative: false,
            generations: u8::MAX,
            faults: Faults::default(),
            in_doubt: InDoubt::Fail,
            forgets_aborted: false,
            rounds_are_full: false,
        }
    }
}

/// How often each thing may still go wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Faults {
    /// A process ends between two steps.
    pub(crate) crashes: u8,
    /// The group gives up a member that is alive and does not know.
    pub(crate) expulsions: u8,
    /// The group assigns anew though nobody came or went.
    pub(crate) rebalances: u8,
    /// A request or its answer is lost, arrives late, or arrives twice.
    pub(crate) losses: u8,
    /// An operator, or StarRocks by itself, aborts a transaction.
    pub(crate) aborts: u8,
    /// StarRocks forgets every finished transaction.
    pub(crate) forgets: u8,
    /// Time passes in which every prepared transaction times out.
    pub(crate) days: u8,
}

/// The rule that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Rule {
    /// None: the protocol as built.
    None,
    /// Recovery rolls back before it claims.
    ClaimBeforeRollback,
    /// A decision names the partitions without rows, too.
    ClaimWithoutRows,
    /// A claim repeats what is owed.
    ClaimRepeatsOwed,
    /// A label that StarRocks does not know is committed and forgotten, if it is young.
    UnknownIsCommitted,
    /// ... and in doubt, if it is old.
    OldUnknownIsInDoubt,
    /// A round is decided only when the one before it is visible.
    DecideBehindVisible,
    /// A label is begun at most once.
    LabelOnce,
    /// Nothing is committed before it is decided.
    CommitBehindDecision,
    /// After an unclear answer the producer is replaced.
    ReplaceUnclear,
    /// A producer whose request may have been sent twice is replaced.
    ReplaceTwice,
    /// Only stable offsets are read.
    StableReads,
    /// An unclear decision is looked up before anything is rolled back.
    AskUnclear,
    /// What an earlier holder left open is rolled back.
    RollBackLeftOpen,
    /// A claim names what is still to be rolled back behind it.
    ClaimNamesLeftOpen,
    /// Partitions are given back only when no round that covers them is open.
    Wall,
    /// A table that no topic tells is announced by a claim before anything is begun there.
    AnnounceBeforeBegin,
    /// ... which takes the place of no plan that is not visible.
    AnnounceBehindVisible,
    /// What was announced is forgotten only when the round that may need it is decided.
    ForgetBehindDecision,
    /// A decision is made in the name of the generation in which the partitions were assigned.
    GroupFence,
}

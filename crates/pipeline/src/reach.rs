//! Whether a partition can be read where it stands, and where it goes on where it cannot. Pure: what the
//! broker has goes in, what is lost and where to go on comes out.
//!
//! A partition stands behind what it has settled, and behind its plan once that is rolled forward, so that a
//! stored offset which the broker has no longer is no loss where the plan beside it ends later.

use std::fmt;
use std::sync::Arc;

use crate::kafka::{LogRange, OffsetReset, TopicPartition};
use crate::ledger::Standing;

/// What a task knows of a partition beside what the group has stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether the topic is the one that the offset is of; `None` where nobody can tell.
    pub is_same_topic: Option<bool>,
    /// Where the broker went on instead of where the partition stands: before it, where the log was cut
    /// and has grown again.
    pub cut_at: Option<i64>,
}

/// Why a partition cannot be read where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The log begins behind it: retention, or DeleteRecords.
    Deleted,
    /// The log ends before it, and nobody can tell whether it is still the same.
    Shorter,
    /// The same log was cut, as by an unclean election.
    Cut,
    /// It is another topic of the same name.
    Recreated,
}

/// Records that cannot be had, told for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Where.
    pub partition: TopicPartition,
    /// Why.
    pub cause: Cause,
    /// The offset that the partition stood at.
    pub position: i64,
    /// What the broker has.
    pub range: LogRange,
    /// `auto.offset.reset`.
    pub reset: OffsetReset,
    /// How many offsets are passed over without their records; `None` where nobody can tell.
    pub records: Option<u64>,
    /// Where an owed part ended that cannot be replayed in full, and the tables that lack its rows.
    pub owed: Option<(i64, Vec<Arc<str>>)>,
    /// Where reading goes on; `None` where `auto.offset.reset` is `none`.
    pub goes_on_at: Option<i64>,
}

/// What becomes of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It is read where it stands.
    Within,
    /// It stands elsewhere now.
    Moved(Standing, Loss),
    /// `auto.offset.reset` is `none`.
    Refused(Loss),
}

/// Looks whether `partition` can be read where it stands.
#[must_use]
pub fn reach(
    partition: &TopicPartition,
    standing: &Standing,
    range: &LogRange,
    seen: Seen,
    reset: OffsetReset,
) -> Reach {
    let position = standing.settled;
    // What is owed lies between the position and this.
    let far = standing.owed.as_ref().map_or(position, |owed| owed.end);
    let cut_at = seen.cut_at.filter(|cut_at| {
        if *cut_at >= position {
            false
        } else if *cut_at > range.first {
            *cut_at <= range.end
        } else {
            // Whoever is refused goes back to the log's start, wherever it was cut. Where the broker has all
            // that, it is no longer the same log; of one that is the same, the refusal was a mistake.
            far <= range.end && seen.is_same_topic.is_none()
        }
    });
    let is_untouched = position == range.first && standing.owed.is_none();
    let cause = if seen.is_same_topic == Some(false) && is_untouched {
        // Nothing was read of the one before, or it is said already.
        return Reach::Within;
    } else if seen.is_same_topic == Some(false) {
        Cause::Recreated
    } else if far > range.end && seen.is_same_topic == Some(true) {
        Cause::Cut
    } else if far > range.end {
        Cause::Shorter
    } else if cut_at.is_some() {
        Cause::Cut
    } else if position < range.first {
        Cause::Deleted
    } else {
        return Reach::Within;
    };
    // Behind the gap, what is owed may still be there in part.
    let rest_of_owed = standing
        .owed
        .as_ref()
        .filter(|owed| cause == Cause::Deleted && owed.end > range.first);
    let is_owed_rest = rest_of_owed.is_some();
    let goes_on_at = match (cause, reset) {
        (_, OffsetReset::None) => None,
        (Cause::Deleted, _) if is_owed_rest => Some(range.first),
        // What was owed ends just there: nothing else is missing.
        (Cause::Deleted, _) if far == range.first => Some(far),
        // Everything up to the cut is in; what stands there now is new.
        (Cause::Cut, _) => Some(cut_at.unwrap_or(range.end).max(range.first)),
        _ => reset.offset(range),
    };
    let records = match cause {
        Cause::Deleted => Some(goes_on_at.unwrap_or(range.first).abs_diff(position)),
        // What was cut off is in, but for what was owed.
        Cause::Cut if standing.owed.is_none() => Some(0),
        Cause::Cut | Cause::Shorter | Cause::Recreated => None,
    };
    let loss = Loss {
        partition: partition.clone(),
        cause,
        position,
        range: *range,
        reset,
        records,
        owed: standing
            .owed
            .as_ref()
            .map(|owed| (owed.end, owed.tables.clone())),
        goes_on_at,
    };
    match goes_on_at {
        None => Reach::Refused(loss),
        Some(settled) => {
            let standing = Standing {
                settled,
                owed: rest_of_owed.cloned(),
                left_open: standing.left_open.clone(),
                announced: standing.announced.clone(),
            };
            Reach::Moved(standing, loss)
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (partition, position) = (&self.partition, self.position);
        let LogRange { first, end, .. } = self.range;
        write!(
            f,
            "{partition} cannot be read at its offset {position}, for the broker has "
        )?;
        if first == end {
            write!(f, "no records, and {end} is next: ")?;
        } else {
            write!(f, "offsets {first} to {}: ", end - 1)?;
        }
        match self.cause {
            Cause::Deleted => write!(f, "those before were deleted, by retention or by hand; ")?,
            Cause::Shorter => write!(
                f,
                "the topic was created anew, or its log was cut by an unclean election; "
            )?,
            Cause::Cut => write!(f, "its log was cut, as by an unclean election; ")?,
            Cause::Recreated => write!(f, "the topic was deleted and created anew; ")?,
        }
        match (self.cause, self.records) {
            (_, Some(0)) => write!(f, "no records are lost, but rows of those cut off stay")?,
            (Cause::Deleted, Some(records)) => {
                let kept = self.goes_on_at.filter(|at| *at > first);
                write!(
                    f,
                    "lost are up to {records} records, offsets {position} to {}",
                    first - 1
                )?;
                if let Some(at) = kept {
                    write!(f, ", and {first} to {}, which are passed over", at - 1)?;
                }
            }
            (_, _) => write!(f, "how many records are lost is unknown")?,
        }
        if let Some((owed_end, tables)) = &self.owed {
            write!(
                f,
                ", among them rows of a decided round up to offset {} that StarRocks has aborted in {}",
                owed_end - 1,
                tables.join(", ")
            )?;
        }
        let reset = self.reset.name();
        match self.goes_on_at {
            Some(at) if self.cause == Cause::Cut => write!(f, "; going on at {at}"),
            Some(at) => write!(f, "; auto.offset.reset={reset}: going on at {at}"),
            None => write!(
                f,
                "; auto.offset.reset is none: set the group's offset (kafka-consumer-groups.sh --reset-offsets), or set \
                 consumer.override.auto.offset.reset to earliest or latest, and start again"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Owed;

    fn range(first: i64, end: i64) -> LogRange {
        LogRange {
            first,
            end,
            latest: end,
            topic_id: None,
        }
    }

    fn standing(settled: i64, owed_end: Option<i64>) -> Standing {
        Standing {
            owed: owed_end.map(|end| Owed {
                end,
                tables: vec!["a".into(), "b".into()],
            }),
            ..Standing::at(settled)
        }
    }

    /// Where it goes on, up to where it still owes, and how many records are lost.
    type Went = Option<(i64, Option<i64>, Option<u64>)>;

    fn went(
        at: (i64, Option<i64>),
        log: (i64, i64),
        seen: Seen,
        reset: OffsetReset,
    ) -> Result<Went, Box<Loss>> {
        let partition = TopicPartition::new("orders", 0);
        let standing = standing(at.0, at.1);
        match reach(&partition, &standing, &range(log.0, log.1), seen, reset) {
            Reach::Within => Ok(None),
            Reach::Moved(standing, loss) => {
                assert_eq!(Some(standing.settled), loss.goes_on_at);
                let owed = standing.owed.map(|owed| owed.end);
                Ok(Some((standing.settled, owed, loss.records)))
            }
            Reach::Refused(loss) => {
                assert_eq!(loss.goes_on_at, None);
                Err(Box::new(loss))
            }
        }
    }

    const UNKNOWN: Seen = Seen {
        is_same_topic: None,
        cut_at: None,
    };
    const SAME: Seen = Seen {
        is_same_topic: Some(true),
        cut_at: None,
    };
    const OTHER: Seen = Seen {
        is_same_topic: Some(false),
        cut_at: None,
    };

    #[test]
    fn what_the_broker_has_is_read_where_it_stands() {
        let check = |at, log| {
            for reset in [
                OffsetReset::Earliest,
                OffsetReset::Latest,
                OffsetReset::None,
            ] {
                for seen in [UNKNOWN, SAME] {
                    assert_eq!(went(at, log, seen, reset), Ok(None), "{at:?} {log:?}");
                }
            }
        };
        check((0, None), (0, 0));
        check((50, None), (50, 100));
        check((100, None), (50, 100));
        check((100, None), (100, 100));
        check((60, Some(100)), (50, 100));
        check((50, Some(60)), (50, 100));
    }

    #[test]
    fn what_was_deleted_is_passed_over() {
        let check = |at, log, earliest, latest| {
            for seen in [UNKNOWN, SAME] {
                assert_eq!(
                    went(at, log, seen, OffsetReset::Earliest),
                    Ok(Some(earliest))
                );
                assert_eq!(went(at, log, seen, OffsetReset::Latest), Ok(Some(latest)));
                let refused = went(at, log, seen, OffsetReset::None).expect_err("none is an error");
                assert_eq!(refused.records, Some(log.0.abs_diff(at.0)));
            }
        };
        check(
            (10, None),
            (30, 50),
            (30, None, Some(20)),
            (50, None, Some(40)),
        );
        check(
            (29, None),
            (30, 50),
            (30, None, Some(1)),
            (50, None, Some(21)),
        );
        check(
            (10, None),
            (30, 30),
            (30, None, Some(20)),
            (30, None, Some(20)),
        );
        // What is left of what is owed is replayed first, whatever the reset says.
        let rest = (30, Some(31), Some(20));
        check((10, Some(31)), (30, 50), rest, rest);
        let none_left = (30, None, Some(20));
        check((10, Some(30)), (30, 50), none_left, none_left);
        check(
            (10, Some(20)),
            (30, 50),
            (30, None, Some(20)),
            (50, None, Some(40)),
        );
    }

    #[test]
    fn a_log_that_ends_before_is_read_as_the_reset_says() {
        let check = |at, log, seen, earliest, latest| {
            let moved = |at| Ok(Some((at, None, None)));
            assert_eq!(went(at, log, seen, OffsetReset::Earliest), moved(earliest));
            assert_eq!(went(at, log, seen, OffsetReset::Latest), moved(latest));
            let refused = went(at, log, seen, OffsetReset::None).expect_err("none is an error");
            assert_eq!(refused.records, None);
        };
        check((5000, None), (0, 20), UNKNOWN, 0, 20);
        check((5000, None), (0, 0), UNKNOWN, 0, 0);
        check((10, Some(30)), (0, 20), UNKNOWN, 0, 20);
        // Whatever stands at the same offsets there.
        check((5000, None), (0, 20), OTHER, 0, 20);
        check((10, None), (0, 20), OTHER, 0, 20);
        check((10, Some(15)), (0, 20), OTHER, 0, 20);
        assert_eq!(went((0, None), (0, 20), OTHER, OffsetReset::None), Ok(None));
    }

    #[test]
    fn a_log_that_was_cut_goes_on_where_it_was_cut() {
        let check = |at, log, seen, expect| {
            for reset in [OffsetReset::Earliest, OffsetReset::Latest] {
                assert_eq!(
                    went(at, log, seen, reset),
                    Ok(Some(expect)),
                    "{at:?} {log:?}"
                );
            }
            went(at, log, seen, OffsetReset::None).expect_err("none is an error");
        };
        check((5000, None), (0, 4990), SAME, (4990, None, Some(0)));
        check((4000, Some(5000)), (0, 4990), SAME, (4990, None, None));
        // It has grown again since.
        let cut = Seen {
            cut_at: Some(4990),
            ..UNKNOWN
        };
        check((5000, None), (0, 5005), cut, (4990, None, Some(0)));
        check((5000, None), (4995, 5005), cut, (4995, None, Some(0)));
        let back_at_the_start = Seen {
            cut_at: Some(0),
            ..UNKNOWN
        };
        check(
            (5000, None),
            (0, 5005),
            back_at_the_start,
            (0, None, Some(0)),
        );
        let mistake = Seen {
            cut_at: Some(0),
            ..SAME
        };
        assert_eq!(
            went((5000, None), (0, 5005), mistake, OffsetReset::None),
            Ok(None)
        );
        let same_cut = |cut_at| Seen {
            cut_at: Some(cut_at),
            ..SAME
        };
        check(
            (5000, None),
            (0, 4995),
            same_cut(4990),
            (4990, None, Some(0)),
        );
        check((5000, None), (0, 4995), same_cut(0), (4995, None, Some(0)));
        check((5000, None), (7, 4995), same_cut(7), (4995, None, Some(0)));
        let no_cut = Seen {
            cut_at: Some(5001),
            ..UNKNOWN
        };
        assert_eq!(
            went((5000, None), (0, 5005), no_cut, OffsetReset::None),
            Ok(None)
        );
    }

    #[test]
    fn each_loss_is_one_line_with_what_to_know() {
        let text = |at: (i64, Option<i64>), log: (i64, i64), seen, reset| {
            let partition = TopicPartition::new("orders", 0);
            let standing = standing(at.0, at.1);
            match reach(&partition, &standing, &range(log.0, log.1), seen, reset) {
                Reach::Within => panic!("nothing is lost"),
                Reach::Moved(_, loss) | Reach::Refused(loss) => loss.to_string(),
            }
        };
        insta::assert_snapshot!(
            [
                text((10, None), (30, 50), UNKNOWN, OffsetReset::Earliest),
                text((10, None), (30, 50), UNKNOWN, OffsetReset::Latest),
                text((10, None), (30, 30), UNKNOWN, OffsetReset::None),
                text((10, Some(40)), (30, 50), UNKNOWN, OffsetReset::Earliest),
                text((5000, None), (0, 20), UNKNOWN, OffsetReset::Earliest),
                text((5000, None), (0, 4990), SAME, OffsetReset::Earliest),
                text((10, None), (0, 20), OTHER, OffsetReset::Latest),
            ]
            .join("\n"),
            @r"
        orders-0 cannot be read at its offset 10, for the broker has offsets 30 to 49: those before were deleted, by retention or by hand; lost are up to 20 records, offsets 10 to 29; auto.offset.reset=earliest: going on at 30
        orders-0 cannot be read at its offset 10, for the broker has offsets 30 to 49: those before were deleted, by retention or by hand; lost are up to 40 records, offsets 10 to 29, and 30 to 49, which are passed over; auto.offset.reset=latest: going on at 50
        orders-0 cannot be read at its offset 10, for the broker has no records, and 30 is next: those before were deleted, by retention or by hand; lost are up to 20 records, offsets 10 to 29; auto.offset.reset is none: set the group's offset (kafka-consumer-groups.sh --reset-offsets), or set consumer.override.auto.offset.reset to earliest or latest, and start again
        orders-0 cannot be read at its offset 10, for the broker has offsets 30 to 49: those before were deleted, by retention or by hand; lost are up to 20 records, offsets 10 to 29, among them rows of a decided round up to offset 39 that StarRocks has aborted in a, b; auto.offset.reset=earliest: going on at 30
        orders-0 cannot be read at its offset 5000, for the broker has offsets 0 to 19: the topic was created anew, or its log was cut by an unclean election; how many records are lost is unknown; auto.offset.reset=earliest: going on at 0
        orders-0 cannot be read at its offset 5000, for the broker has offsets 0 to 4989: its log was cut, as by an unclean election; no records are lost, but rows of those cut off stay; going on at 4990
        orders-0 cannot be read at its offset 10, for the broker has offsets 0 to 19: the topic was deleted and created anew; how many records are lost is unknown; auto.offset.reset=latest: going on at 20
        "
        );
    }
}

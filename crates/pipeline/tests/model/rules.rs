//! Each rule of the protocol broken once: the search must find what the rule is there for.

use stateright::{Checker, DiscoveryClassification, HasDiscoveries, Model};

use crate::bounds::{Bounds, Faults, Rule};
use crate::properties::{COMMITTED_ROLLED_BACK, DECIDED_ROLLED_BACK, LOST, NOT_FINISHED, TWICE};
use crate::system::World;

const NO_FAULTS: Faults = Faults {
    crashes: 0,
    expulsions: 0,
    rebalances: 0,
    losses: 0,
    aborts: 0,
    forgets: 0,
    days: 0,
};
const A_CRASH: Faults = Faults {
    crashes: 1,
    ..NO_FAULTS
};
const A_ZOMBIE: Faults = Faults {
    expulsions: 1,
    ..NO_FAULTS
};
const A_LOSS: Faults = Faults {
    losses: 1,
    ..NO_FAULTS
};

/// One of the laws that breaking the rule must break, in this world.
fn check(rule: Rule, bounds: Bounds, expect: &[&'static str]) {
    let world = |broken_rule| World {
        bounds: bounds.clone(),
        broken_rule,
    };
    let broken = world(rule)
        .checker()
        .finish_when(HasDiscoveries::AnyOf(expect.iter().copied().collect()))
        .spawn_bfs()
        .join();
    let found: Vec<_> = broken
        .discoveries()
        .into_keys()
        .filter(|name| {
            matches!(
                broken.discovery_classification(name),
                DiscoveryClassification::Counterexample
            )
        })
        .collect();
    assert!(
        found.iter().any(|name| expect.contains(name)),
        "{rule:?} broken: found {found:?} in {} states, expected one of {expect:?}",
        broken.unique_state_count()
    );
}

fn small(faults: Faults) -> Bounds {
    Bounds {
        records: 1,
        faults,
        ..Bounds::default()
    }
}

#[test]
fn a_rollback_before_the_claim_hits_what_a_zombie_decides() {
    check(
        Rule::ClaimBeforeRollback,
        small(A_ZOMBIE),
        &[DECIDED_ROLLED_BACK],
    );
}

#[test]
fn partitions_without_rows_must_be_claimed_too() {
    let bounds = Bounds {
        workers: 1,
        partitions: 2,
        ..small(A_CRASH)
    };
    let expect = [DECIDED_ROLLED_BACK, COMMITTED_ROLLED_BACK];
    check(Rule::ClaimWithoutRows, bounds, &expect);
}

#[test]
fn a_claim_that_forgets_what_is_owed_loads_twice() {
    let faults = Faults {
        aborts: 1,
        ..A_CRASH
    };
    let bounds = Bounds {
        tables: 2,
        records: 2,
        rounds_are_full: true,
        ..small(faults)
    };
    check(Rule::ClaimRepeatsOwed, bounds, &[TWICE]);
}

#[test]
fn an_unknown_label_taken_for_aborted_loads_twice() {
    let faults = Faults {
        forgets: 1,
        ..A_CRASH
    };
    check(Rule::UnknownIsCommitted, small(faults), &[TWICE]);
}

#[test]
fn an_old_unknown_label_taken_for_committed_loses_rows() {
    let faults = Faults { days: 1, ..A_CRASH };
    check(Rule::OldUnknownIsInDoubt, small(faults), &[LOST]);
}

#[test]
fn a_plan_in_the_place_of_one_that_is_not_visible_loses_rows() {
    let bounds = Bounds {
        records: 2,
        ..small(NO_FAULTS)
    };
    check(Rule::DecideBehindVisible, bounds, &[LOST]);
}

#[test]
fn a_label_begun_again_takes_what_is_late() {
    check(Rule::LabelOnce, small(A_LOSS), &[TWICE]);
}

#[test]
fn a_commit_before_the_decision_loads_twice() {
    let expect = [TWICE, COMMITTED_ROLLED_BACK];
    check(Rule::CommitBehindDecision, small(A_CRASH), &expect);
}

#[test]
fn a_producer_kept_after_an_unclear_answer_sweeps_old_offsets_in() {
    let faults = Faults {
        losses: 1,
        ..A_CRASH
    };
    let expect = [TWICE, DECIDED_ROLLED_BACK, COMMITTED_ROLLED_BACK, LOST];
    check(Rule::ReplaceUnclear, small(faults), &expect);
}

#[test]
fn a_producer_kept_after_offsets_sent_twice_sweeps_old_offsets_in() {
    let faults = Faults {
        losses: 1,
        ..A_CRASH
    };
    let expect = [TWICE, DECIDED_ROLLED_BACK, COMMITTED_ROLLED_BACK, LOST];
    check(Rule::ReplaceTwice, small(faults), &expect);
}

#[test]
fn offsets_read_while_a_transaction_is_open_are_not_all() {
    check(Rule::StableReads, small(A_ZOMBIE), &[DECIDED_ROLLED_BACK]);
}

#[test]
fn an_unclear_decision_taken_for_a_refusal_rolls_back_what_is_decided() {
    check(Rule::AskUnclear, small(A_LOSS), &[DECIDED_ROLLED_BACK]);
}

#[test]
fn what_is_left_open_stays_unless_it_is_rolled_back() {
    check(Rule::RollBackLeftOpen, small(A_CRASH), &[NOT_FINISHED]);
}

#[test]
fn claims_that_do_not_name_what_is_left_open_leave_it_after_a_crash() {
    let faults = Faults {
        crashes: 2,
        ..NO_FAULTS
    };
    check(Rule::ClaimNamesLeftOpen, small(faults), &[NOT_FINISHED]);
}

fn announced(bounds: Bounds) -> Bounds {
    Bounds {
        announced_max: Some(bounds.tables),
        ..bounds
    }
}

#[test]
fn a_table_that_was_not_announced_stays_open_after_a_crash() {
    let bounds = announced(small(A_CRASH));
    check(Rule::AnnounceBeforeBegin, bounds, &[NOT_FINISHED]);
}

#[test]
fn a_claim_that_announces_in_the_place_of_a_plan_loads_twice() {
    let bounds = announced(Bounds {
        tables: 2,
        records: 2,
        ..small(A_CRASH)
    });
    check(Rule::AnnounceBehindVisible, bounds, &[TWICE]);
}

#[test]
fn a_table_forgotten_while_its_round_is_open_stays_open_after_a_crash() {
    let bounds = Bounds {
        tables: 2,
        records: 2,
        announced_max: Some(1),
        ..small(A_CRASH)
    };
    check(Rule::ForgetBehindDecision, bounds, &[NOT_FINISHED]);
}

#[test]
fn partitions_given_back_with_a_round_open_are_decided_by_two() {
    let faults = Faults {
        rebalances: 1,
        ..NO_FAULTS
    };
    let bounds = Bounds {
        is_cooperative: true,
        generations: 4,
        ..small(faults)
    };
    check(
        Rule::Wall,
        bounds,
        &[TWICE, DECIDED_ROLLED_BACK, COMMITTED_ROLLED_BACK],
    );
}

#[test]
fn a_group_that_takes_offsets_of_everybody_fences_nobody() {
    let expect = [TWICE, DECIDED_ROLLED_BACK, COMMITTED_ROLLED_BACK, LOST];
    check(Rule::GroupFence, small(A_ZOMBIE), &expect);
}

//! The delivery protocol, model-checked.
//!
//! A world is a consumer group, StarRocks and a few workers. A search goes through every order in which their steps,
//! late requests and a few faults can happen, and looks in each state whether a row is there twice, is lost, or stays
//! away.
//!
//! What a worker decides is not told a second time here: the ledger, the round and its states, the grounds of a
//! decision, the reading of stored offsets and the rule for the fate of a label are production's own, and what is
//! stored beside an offset goes through `Metadata::encode` and `Metadata::decode`. Only the order of a worker's steps,
//! that of `task.rs` and `task/*.rs`, is told again, for those wait for sockets.
//!
//! | file | is |
//! |---|---|
//! | `bounds` | how large a world is, what may go wrong, which rule is broken on purpose |
//! | `system` | the state of a world, its actions |
//! | `choices` | which actions are possible |
//! | `rounds`, `announcing`, `decisions`, `recovery` | a worker's steps |
//! | `faults` | what goes wrong, what arrives late |
//! | `worker`, `kafka`, `starrocks`, `notes` | the parts of a state |
//! | `properties` | the laws, and the sights without which a search proves nothing |
//! | `worlds` | tests: every law holds |
//! | `rules` | tests: with a rule broken, a law does not hold |
//!
//! docs/adr/007-model-of-delivery.md says what is modelled and what is not.
//!
//! # Larger worlds
//!
//! Of the larger worlds, with three workers, longer logs or more faults at a time, each run of the tests sees the
//! beginning. All of them are searched, in all their states, where `STARROCKS_KAFKA_MODEL` is `large`; one of them
//! where it is that world's name in `worlds.rs`. That takes an hour or so and some gigabytes, optimized, on two cores:
//!
//! ```text
//! STARROCKS_KAFKA_MODEL=large cargo test --release -p starrocks-kafka-pipeline --test model -- larger --nocapture
//! ```

mod announcing;
mod bounds;
mod choices;
mod decisions;
mod faults;
mod kafka;
mod notes;
mod properties;
mod recovery;
mod rounds;
mod rules;
mod starrocks;
mod system;
mod worker;
mod worlds;

//! The delivery protocol, model-checked.

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

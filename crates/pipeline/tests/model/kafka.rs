//! The group's coordinator and the transactions that store offsets.

use crate::bounds::PARTITIONS_MAX;
use crate::notes::{Offsets, Set, members};

/// A producer: a transactional id with its epoch. A new one is new for good.
pub(crate) type Producer = u8;

/// The group as its coordinator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    pub(crate) generation: u8,
    pub(crate) members: Set,
    /// Waits for members to join.
    pub(crate) is_rebalancing: bool,
    /// The next assignment may move anything.
    pub(crate) may_move: bool,
    pub(crate) joined: Set,
    /// Cooperative members that have yet to give something back.
    pub(crate) revoking: Set,
    pub(crate) owners: [Option<u8>; PARTITIONS_MAX],
    pub(crate) stored: Offsets,
    /// Offsets in Kafka transactions that are open.
    pub(crate) pending: Vec<(Producer, Offsets)>,
}

/// What the group has to tell a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    Assigned(Set),
    Revoked(Set),
    Lost,
}

impl Group {
    /// A group that waits for all of its members to join.
    pub(crate) fn new(workers: u8) -> Self {
        Self {
            generation: 0,
            members: 0,
            is_rebalancing: true,
            may_move: false,
            joined: (1 << workers) - 1,
            revoking: 0,
            owners: [None; PARTITIONS_MAX],
            stored: [None; PARTITIONS_MAX],
            pending: Vec::new(),
        }
    }

    /// Whether the group knows this worker.
    pub(crate) fn has(&self, worker: u8) -> bool {
        self.members >> worker & 1 == 1
    }

    /// What is assigned to a worker.
    pub(crate) fn owned(&self, worker: u8) -> Set {
        (0..PARTITIONS_MAX)
            .filter(|p| self.owners[*p] == Some(worker))
            .fold(0, |set, p| set | 1 << p)
    }

    /// Whether it takes offsets in this name.
    pub(crate) fn accepts(&self, worker: u8, generation: u8) -> bool {
        self.has(worker) && self.generation == generation
    }

    /// A worker asks to join.
    pub(crate) fn join(&mut self, worker: u8) {
        self.joined |= 1 << worker;
        self.is_rebalancing = true;
    }

    /// A member is gone.
    pub(crate) fn remove(&mut self, worker: u8) {
        let bit = 1 << worker;
        self.members &= !bit;
        self.joined &= !bit;
        self.revoking &= !bit;
        for owner in &mut self.owners {
            if *owner == Some(worker) {
                *owner = None;
            }
        }
        self.is_rebalancing = self.members | self.joined != 0;
    }

    /// All that was waited for have joined: a new generation with these owners. A cooperative member first gives back
    /// what goes to another.
    pub(crate) fn assign(&mut self, owners: [Option<u8>; PARTITIONS_MAX], is_cooperative: bool) {
        self.generation += 1;
        self.is_rebalancing = false;
        self.may_move = false;
        if is_cooperative {
            self.members |= self.joined;
            for (owner, new) in self.owners.iter_mut().zip(owners) {
                match *owner {
                    Some(old) if new != Some(old) => {
                        self.revoking |= 1 << old;
                        *owner = None;
                    }
                    _ => *owner = new,
                }
            }
        } else {
            self.members = self.joined;
            self.owners = owners;
        }
        self.joined = 0;
    }

    /// Takes offsets into the open transaction of a producer.
    pub(crate) fn send(&mut self, producer: Producer, offsets: &Offsets) {
        let pending = match self.pending.iter().position(|(p, _)| *p == producer) {
            Some(at) => &mut self.pending[at].1,
            None => {
                self.pending.push((producer, [None; PARTITIONS_MAX]));
                &mut self.pending.last_mut().expect("just pushed").1
            }
        };
        for (old, new) in pending.iter_mut().zip(offsets) {
            *old = new.or(*old);
        }
    }

    /// Ends the open transaction of a producer. Returns what it stored.
    pub(crate) fn end(&mut self, producer: Producer) -> Option<Offsets> {
        let at = self.pending.iter().position(|(p, _)| *p == producer)?;
        let (_, offsets) = self.pending.remove(at);
        for (old, new) in self.stored.iter_mut().zip(offsets) {
            *old = new.or(*old);
        }
        Some(offsets)
    }

    /// Aborts what a producer has open.
    pub(crate) fn abort(&mut self, producer: Producer) {
        self.pending.retain(|(p, _)| *p != producer);
    }

    /// Whether no transaction is open on any of these partitions.
    pub(crate) fn is_stable(&self, partitions: Set) -> bool {
        members(partitions).all(|p| {
            self.pending
                .iter()
                .all(|(_, offsets)| offsets[usize::from(p)].is_none())
        })
    }
}

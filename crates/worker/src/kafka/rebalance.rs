//! Rebalances: taken as the group tells them, carried out when the task lets go.

use rdkafka_sys as sys;
use starrocks_kafka_pipeline::kafka::{Polled, TopicPartition};

use super::assignment::{Assignment, Reading};
use super::consumer::Consumer;
use super::native::{GroupMetadata, PartitionList, check, check_error, text};

/// Partitions that the group waits for.
pub(super) struct GivingBack {
    all: PartitionList,
    /// Those that the task still holds.
    pub(super) held: Vec<TopicPartition>,
}

impl Consumer {
    fn is_cooperative(&self) -> bool {
        // SAFETY: the client lives.
        text(unsafe { sys::rd_kafka_rebalance_protocol(self.instance.as_ptr()) }) == "COOPERATIVE"
    }

    /// Takes what the group gives, paused.
    pub(super) fn assign(&mut self, mut partitions: PartitionList) {
        // Before the assignment is acknowledged, so that no further rebalance can come between.
        self.metadata = GroupMetadata::capture(&self.instance);
        // Any absolute offset will do: without one librdkafka would ask for the committed offset and start
        // there. Nothing is delivered from it, for the partition is paused before anything is polled, and
        // every start is a seek.
        partitions.set_all_offsets(0);
        let added: Vec<TopicPartition> = partitions
            .iter()
            .map(|entry| entry.topic_partition())
            .collect();
        let cooperative = self.is_cooperative();
        // SAFETY: the client lives; the lists are copied.
        let assigned = unsafe {
            let assigned = if cooperative {
                check_error(sys::rd_kafka_incremental_assign(
                    self.instance.as_ptr(),
                    partitions.as_ptr(),
                ))
            } else {
                self.assignment = Assignment::default();
                check(sys::rd_kafka_assign(
                    self.instance.as_ptr(),
                    partitions.as_ptr(),
                ))
            };
            sys::rd_kafka_pause_partitions(self.instance.as_ptr(), partitions.as_ptr());
            assigned
        };
        if let Err(failure) = assigned {
            self.tell_error(failure.explain("cannot take the partitions that the group assigned"));
            return;
        }
        for partition in &added {
            self.assignment.add(partition.clone());
        }
        self.assignment.seek_all();
        self.seek();
        self.told.push_back(Ok(Polled::Assigned {
            added,
            owned: self.assignment.owned(),
        }));
    }

    /// Notes that the group wants partitions back; [`release`](Self::release) gives them.
    pub(super) fn revoke(&mut self, partitions: PartitionList, lost: bool) {
        let held: Vec<TopicPartition> = partitions
            .iter()
            .map(|entry| entry.topic_partition())
            .collect();
        if lost || self.is_cooperative() {
            // Lost: we are no member any more, and there is nothing to capture; or a topic is gone, and we
            // still are. Cooperative: the member is of the new generation already, and the group waits for
            // it; what is decided before the release would be refused in the name of the old one.
            self.metadata = GroupMetadata::capture(&self.instance);
        }
        for partition in &held {
            if let Some(slot) = self.assignment.get(partition) {
                slot.reading = Reading::Leaving;
            }
        }
        self.forget_told(&held);
        self.giving_back = Some(GivingBack {
            all: partitions,
            held: held.clone(),
        });
        if held.is_empty() {
            self.release(&[]);
        } else if lost {
            self.told.push_back(Ok(Polled::Lost { partitions: held }));
        } else {
            self.told
                .push_back(Ok(Polled::Revoked { partitions: held }));
        }
    }

    /// What was found out about partitions and not told yet holds no longer.
    pub(super) fn forget_told(&mut self, partitions: &[TopicPartition]) {
        self.told.retain(|told| match told {
            Ok(Polled::EndOfPartition { partition, .. } | Polled::OutOfRange { partition, .. }) => {
                !partitions.contains(partition)
            }
            _ => true,
        });
    }

    pub(super) fn release(&mut self, partitions: &[TopicPartition]) {
        let Some(giving_back) = &mut self.giving_back else {
            return;
        };
        giving_back.held.retain(|held| !partitions.contains(held));
        if !giving_back.held.is_empty() {
            return;
        }
        let Some(GivingBack { all, .. }) = self.giving_back.take() else {
            return;
        };
        for entry in all.iter() {
            self.assignment.remove(&entry.topic_partition());
        }
        // SAFETY: the client lives; the list is copied.
        let given = unsafe {
            if self.is_cooperative() {
                check_error(sys::rd_kafka_incremental_unassign(
                    self.instance.as_ptr(),
                    all.as_ptr(),
                ))
            } else {
                check(sys::rd_kafka_assign(
                    self.instance.as_ptr(),
                    std::ptr::null(),
                ))
            }
        };
        if let Err(failure) = given {
            self.tell_error(failure.explain("cannot give the partitions back to the group"));
        }
        self.assignment.seek_all();
        self.seek();
    }
}

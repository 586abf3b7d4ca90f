//! Servers of a stand-in that go away, come back, and lead.

use std::sync::Arc;

use crate::journal::Node;
use crate::net::{OfCluster, Port, Service};
use crate::standin::{StandIn, StandInError};

impl StandIn {
    fn nodes(&self) -> impl Iterator<Item = Node> {
        (0..self.fe.len())
            .map(Node::Fe)
            .chain((0..self.be.len()).map(Node::Be))
    }

    /// The ports of a server.
    fn ports_of(&self, node: Node) -> impl Iterator<Item = (&Port, Service)> {
        let mysql = self.mysql.as_ref().filter(|_| node == Node::Fe(0));
        std::iter::once((self.port(node), Service::Http(node)))
            .chain(mysql.map(|port| (port, Service::Mysql)))
    }

    pub(crate) fn port(&self, node: Node) -> &Port {
        match node {
            Node::Fe(n) => &self.fe[n],
            Node::Be(n) => &self.be[n],
        }
    }

    /// A server goes away: its connections are closed, new ones refused. It keeps what it knows.
    ///
    /// # Errors
    /// Where its port could not be held.
    pub fn away(&self, node: Node) -> Result<(), StandInError> {
        self.ports_of(node).try_for_each(|(port, _)| {
            port.down().map_err(|source| StandInError::Listen {
                addr: port.addr(),
                source,
            })
        })
    }

    /// Every server goes away.
    ///
    /// # Errors
    /// Where a port could not be held.
    pub fn all_away(&self) -> Result<(), StandInError> {
        self.nodes().try_for_each(|node| self.away(node))
    }

    /// A server that was away is back, on the same port.
    ///
    /// # Errors
    /// Where it cannot listen.
    pub fn back_at(&self, node: Node) -> Result<(), StandInError> {
        self.ports_of(node).try_for_each(|(port, service)| {
            port.up(OfCluster {
                cluster: Arc::clone(&self.cluster),
                service,
            })
            .map_err(|source| StandInError::Listen {
                addr: port.addr(),
                source,
            })
        })
    }

    /// Every server that was away is back.
    ///
    /// # Errors
    /// Where one cannot listen.
    pub fn back(&self) -> Result<(), StandInError> {
        self.nodes().try_for_each(|node| self.back_at(node))
    }

    /// A server ends and starts again. A BE loses its open transactions (the FE keeps them as PREPARE); an FE loses its
    /// memory of which BE coordinates a label and finds it by the transaction.
    ///
    /// # Errors
    /// Where it cannot listen again.
    pub fn restart(&self, node: Node) -> Result<(), StandInError> {
        self.away(node)?;
        match node {
            Node::Fe(_) => self.cluster.meta().label_be.clear(),
            Node::Be(n) => self.cluster.meta().contexts[n].clear(),
        }
        self.back_at(node)
    }

    /// Another FE leads; the others send calls to it.
    ///
    /// # Panics
    /// Where there is no FE of this number.
    pub fn lead(&self, fe: usize) {
        assert!(fe < self.fe.len(), "there is no FE {fe}");
        let mut meta = self.cluster.meta();
        meta.leader = fe;
        // The coordinators are the old leader's memory.
        meta.label_be.clear();
    }
}

//! The stand-in over real sockets, asked by the smallest HTTP client there is.

mod away;
mod bodies;
mod expressions;
mod faults;
mod http;
mod labels;
mod mysql;
mod program;
mod publishing;
mod registry;
#[cfg(feature = "secured")]
mod registry_tls;
mod registry_troubles;
mod routing;
mod rows;
mod sql;
mod survival;
mod transactions;

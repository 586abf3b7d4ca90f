//! The stand-in over real sockets, asked by the smallest HTTP client there is.

mod faults;
mod http;
mod routing;
mod rows;
mod survival;
mod transactions;

//! The command line, and files that are wrong: what is said, and with which code the program ends.

mod files;
mod help;
mod preview;
mod program;
mod recorded;

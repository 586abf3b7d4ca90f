//! SIGTERM and SIGINT: the first asks, the second ends.

use std::sync::mpsc::{Receiver, sync_channel};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// What a shell calls a process that a signal ended: 128 and the signal's number.
const SIGNALLED: i32 = 128;

/// Waits for the first signal on a thread of its own; a second one ends the process at once. Nothing is
/// lost by that: what was not decided is loaded again, what was decided is rolled forward.
///
/// # Errors
/// The operating system lets no handler be set.
pub fn first_signal() -> std::io::Result<Receiver<i32>> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let (to, from) = sync_channel(1);
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            let mut pending = signals.forever();
            let first = pending.next();
            // Nobody waits any more where the program is ending already.
            let _is_waited_for = first.map(|signal| to.send(signal));
            if let Some(signal) = pending.next() {
                end_at_once(signal);
            }
        })?;
    Ok(from)
}

fn end_at_once(signal: i32) -> ! {
    tracing::warn!("second signal: ending at once");
    end_without_cleanup(SIGNALLED + signal)
}

/// Ends the process while other threads are at work: what libraries clean up at an ordinary exit, these may
/// still use.
pub fn end_without_cleanup(code: i32) -> ! {
    signal_hook::low_level::exit(code)
}

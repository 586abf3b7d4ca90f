//! Rows on their way: held back until the node wants them, sent without a copy, and visibly broken when abandoned.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// Rows are handed to the connection in slices of at most this: what it holds is sent even when the call is abandoned.
const SLICE_BYTES_MAX: usize = 128 * 1024;

/// Why a body ends early: the caller gave up, or has its answer already.
#[derive(Debug, thiserror::Error)]
#[error("the request was abandoned")]
pub(crate) struct Abandoned;

/// What happens to the rows of one request; shared by the body, which the connection owns, and the caller.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    open: AtomicBool,
    abandoned: AtomicBool,
    started: AtomicBool,
    finished: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Gate {
    /// Lets the rows go.
    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Release);
        self.wake();
    }

    /// Ends the request: the connection is closed in the middle of it.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.wake();
    }

    /// Whether any row may have left.
    pub(crate) fn started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    /// Whether all rows were handed to the connection; true from the beginning where there are none.
    pub(crate) fn finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    fn wake(&self) {
        if let Some(waker) = self
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            waker.wake();
        }
    }
}

/// The body of a request: parts one after the other.
#[derive(Debug)]
pub(crate) struct GatedBody {
    parts: std::vec::IntoIter<Bytes>,
    part: Bytes,
    bytes_left: u64,
    gate: Arc<Gate>,
    wait: Option<Pin<Box<Sleep>>>,
    wait_max: Duration,
}

impl GatedBody {
    /// A body that is sent once the gate is open, or `wait_max` after its request's head went out.
    pub(crate) fn new(parts: Vec<Bytes>, wait_max: Duration) -> (GatedBody, Arc<Gate>) {
        let bytes_left = parts.iter().map(|part| part.len() as u64).sum();
        let gate = Arc::new(Gate::default());
        gate.finished.store(bytes_left == 0, Ordering::Release);
        (
            GatedBody {
                parts: parts.into_iter(),
                part: Bytes::new(),
                bytes_left,
                gate: Arc::clone(&gate),
                wait: None,
                wait_max,
            },
            gate,
        )
    }

    /// Ready when rows may be sent.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // The waker is stored before the flag is read, so that an opening in between is not missed.
        *self
            .gate
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        let decided =
            self.gate.open.load(Ordering::Acquire) || self.gate.abandoned.load(Ordering::Acquire);
        if decided || self.gate.started() {
            return Poll::Ready(());
        }
        // The connection asks for the body when it has written the head: the wait begins here.
        let wait_max = self.wait_max;
        let wait = self
            .wait
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(wait_max)));
        wait.as_mut().poll(cx)
    }
}

impl Body for GatedBody {
    type Data = Bytes;
    type Error = Abandoned;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Abandoned>>> {
        let this = &mut *self;
        if this.bytes_left == 0 {
            return Poll::Ready(None);
        }
        if this.poll_open(cx).is_pending() {
            return Poll::Pending;
        }
        if this.gate.abandoned.load(Ordering::Acquire) {
            return Poll::Ready(Some(Err(Abandoned)));
        }
        this.gate.started.store(true, Ordering::Release);
        while this.part.is_empty() {
            let Some(part) = this.parts.next() else {
                return Poll::Ready(None);
            };
            this.part = part;
        }
        let slice = this.part.split_to(this.part.len().min(SLICE_BYTES_MAX));
        this.bytes_left = this.bytes_left.saturating_sub(slice.len() as u64);
        if this.bytes_left == 0 {
            this.gate.finished.store(true, Ordering::Release);
        }
        Poll::Ready(Some(Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes_left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes_left)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn next(body: &mut GatedBody) -> Poll<Option<Result<Bytes, ()>>> {
        let mut cx = Context::from_waker(Waker::noop());
        Pin::new(body).poll_frame(&mut cx).map(|frame| {
            frame.map(|frame| {
                frame
                    .map(|frame| frame.into_data().expect("only data"))
                    .map_err(|Abandoned| ())
            })
        })
    }

    #[tokio::test(start_paused = true)]
    async fn rows_wait_for_the_gate_then_follow_each_other() {
        let parts = vec![
            Bytes::from_static(b"[1"),
            Bytes::new(),
            Bytes::from_static(b"]"),
        ];
        let (mut body, gate) = GatedBody::new(parts, Duration::from_secs(3));
        assert_eq!(body.size_hint().exact(), Some(3));
        assert!(next(&mut body).is_pending());
        assert!(!gate.started());
        gate.open();
        assert_eq!(
            next(&mut body),
            Poll::Ready(Some(Ok(Bytes::from_static(b"[1"))))
        );
        assert!(gate.started() && !gate.finished());
        assert_eq!(
            next(&mut body),
            Poll::Ready(Some(Ok(Bytes::from_static(b"]"))))
        );
        assert!(gate.finished());
        assert!(body.is_end_stream());
        assert_eq!(next(&mut body), Poll::Ready(None));
    }

    #[tokio::test(start_paused = true)]
    async fn rows_go_without_an_answer_after_the_longest_wait() {
        let (mut body, gate) =
            GatedBody::new(vec![Bytes::from_static(b"x")], Duration::from_secs(3));
        assert!(next(&mut body).is_pending());
        tokio::time::advance(Duration::from_millis(2900)).await;
        assert!(next(&mut body).is_pending());
        tokio::time::advance(Duration::from_millis(200)).await;
        assert_eq!(
            next(&mut body),
            Poll::Ready(Some(Ok(Bytes::from_static(b"x"))))
        );
        assert!(gate.started());
    }

    #[tokio::test]
    async fn an_abandoned_body_breaks() {
        let (mut body, gate) = GatedBody::new(
            vec![Bytes::from_static(b"x"), Bytes::from_static(b"y")],
            Duration::MAX,
        );
        gate.open();
        assert!(next(&mut body).is_ready());
        gate.abandon();
        assert_eq!(next(&mut body), Poll::Ready(Some(Err(()))));
    }

    #[test]
    fn no_rows_are_finished_from_the_beginning() {
        let (body, gate) = GatedBody::new(vec![Bytes::new()], Duration::ZERO);
        assert!(body.is_end_stream() && gate.finished() && !gate.started());
    }
}

//! Repeating calls that are safe to repeat.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tonic::{Response, Status};

use crate::contract::LeaseClocks;
use crate::error::{Error, ErrorKind};

/// The bounds of a delay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    pub(crate) min: Duration,
    pub(crate) max: Duration,
}

impl Backoff {
    /// The contract's bounds for reconnecting, which also pace repeated calls.
    pub(crate) const CONTRACT: Self = Self::of(&LeaseClocks::CONTRACT);

    pub(crate) const fn of(clocks: &LeaseClocks) -> Self {
        Self { min: clocks.reconnect_min, max: clocks.reconnect_max }
    }

    /// The delay before try `tries + 1`: drawn evenly from `min` to a bound that doubles with
    /// every try up to `max` (AWS, "Exponential Backoff And Jitter", full jitter). A
    /// `retry_after` is a floor: the jitter comes on top of it.
    pub(crate) fn delay(self, tries: u32, random: f64, retry_after: Option<Duration>) -> Duration {
        if let Some(floor) = retry_after.filter(|floor| !floor.is_zero()) {
            return floor + self.min.mul_f64(random);
        }
        let bound = self.min.saturating_mul(1 << tries.min(30)).min(self.max);
        self.min + bound.saturating_sub(self.min).mul_f64(random)
    }
}

/// Makes a call until it answers, fails for good, or runs out of time. The last error is returned
/// when the next delay would pass the deadline.
pub(crate) async fn with_retries<C, Q, F, A>(
    timeout: Duration,
    client: C,
    request: Q,
    call: impl Fn(C, Q) -> F,
) -> Result<A, Error>
where
    C: Clone,
    Q: Clone,
    F: Future<Output = Result<Response<A>, Status>>,
{
    let deadline = Instant::now() + timeout;
    let mut tries = 0;
    let mut last = None;
    loop {
        let error = match timeout_at(deadline, call(client.clone(), request.clone())).await {
            Ok(Ok(answer)) => return Ok(answer.into_inner()),
            Ok(Err(status)) => Error::from(status),
            Err(_) => return Err(timed_out(timeout, last)),
        };
        if !error.is_retryable() {
            return Err(error);
        }
        let delay = Backoff::CONTRACT.delay(tries, fastrand::f64(), error.retry_after());
        if Instant::now() + delay >= deadline {
            return Err(error);
        }
        last = Some(error);
        tries += 1;
        sleep(delay).await;
    }
}

fn timed_out(timeout: Duration, last: Option<Error>) -> Error {
    let message = format!("no answer within {timeout:?}");
    let error = Error::new(ErrorKind::DeadlineExceeded, "CALL_TIMEOUT", message).retryable(true);
    match last {
        Some(last) => error.with_source(last),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const BOUNDS: Backoff =
        Backoff { min: Duration::from_millis(100), max: Duration::from_secs(1) };

    #[test]
    fn delays_are_drawn_up_to_a_doubling_bound() {
        assert_eq!(BOUNDS.delay(0, 1.0, None), Duration::from_millis(100));
        assert_eq!(BOUNDS.delay(2, 1.0, None), Duration::from_millis(400));
        assert_eq!(BOUNDS.delay(2, 0.0, None), Duration::from_millis(100));
        assert_eq!(BOUNDS.delay(99, 1.0, None), Duration::from_secs(1));
    }

    #[test]
    fn a_hint_is_a_floor() {
        let hint = Some(Duration::from_secs(5));
        assert_eq!(BOUNDS.delay(0, 0.0, hint), Duration::from_secs(5));
        assert!(BOUNDS.delay(0, 0.9, hint) > Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_passing_failure_is_tried_again() {
        let calls = Cell::new(0);
        let answer = with_retries(Duration::from_secs(60), &calls, "request", |calls, request| {
            calls.set(calls.get() + 1);
            let is_late = calls.get() == 3;
            async move {
                if is_late { Ok(Response::new(request)) } else { Err(Status::unavailable("no")) }
            }
        });
        assert_eq!(answer.await.expect("an answer"), "request");
        assert_eq!(calls.get(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_at_its_deadline() {
        let second = Duration::from_secs(1);
        let silent = with_retries(second, (), (), |(), ()| {
            std::future::pending::<Result<Response<()>, Status>>()
        });
        assert_eq!(silent.await.expect_err("a timeout").reason(), "CALL_TIMEOUT");
        let failing = with_retries(second, (), (), |(), ()| async {
            Err::<Response<()>, _>(Status::unavailable("no"))
        });
        assert_eq!(failing.await.expect_err("a failure").kind(), ErrorKind::Unavailable);
    }
}

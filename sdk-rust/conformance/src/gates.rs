//! Brings Proceed commands to the Holds that wait for them; none is lost.

use std::sync::Mutex;

use tokio::sync::oneshot;

struct Waiting {
    job_id: String,
    attempt: i32,
    open: oneshot::Sender<()>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    remembered: Vec<(String, i32)>,
}

#[derive(Default)]
pub(crate) struct Gates(Mutex<State>);

impl Gates {
    /// A Proceed; attempt 0 means any.
    pub(crate) fn proceed(&self, job_id: String, attempt: i32) {
        let mut state = self.0.lock().expect("gates");
        // Holds that ended otherwise have dropped their end.
        state.waiting.retain(|waiting| !waiting.open.is_closed());
        let fits = |waiting: &Waiting| {
            waiting.job_id == job_id && (attempt == 0 || attempt == waiting.attempt)
        };
        match state.waiting.iter().position(fits) {
            Some(index) => _ = state.waiting.remove(index).open.send(()),
            None => state.remembered.push((job_id, attempt)),
        }
    }

    /// A Hold of a job's attempt begins.
    pub(crate) fn wait(&self, job_id: &str, attempt: i32) -> oneshot::Receiver<()> {
        let (open, opened) = oneshot::channel();
        let mut state = self.0.lock().expect("gates");
        let fits = |(job, n): &(String, i32)| job == job_id && (*n == 0 || *n == attempt);
        match state.remembered.iter().position(fits) {
            Some(index) => {
                state.remembered.remove(index);
                // Its receiver is right here.
                let _ = open.send(());
            }
            None => {
                let job_id = job_id.to_owned();
                state.waiting.push(Waiting { job_id, attempt, open });
            }
        }
        opened
    }
}

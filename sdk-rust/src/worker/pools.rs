//! The slots of a worker.

use std::collections::HashMap;

use crate::error::{Error, ErrorKind};
use crate::proto::constants::{HEARTBEAT_LEASES_MAX_ITEMS, POOL_JOB_TYPES_MAX_ITEMS};
use crate::proto::v1;

/// A set of slots for some job types of some queues.
#[derive(Debug, Clone)]
#[must_use]
pub struct Pool {
    concurrency: usize,
    job_types: Vec<String>,
    queues: Vec<String>,
}

impl Pool {
    /// A pool that runs this many jobs at once.
    pub fn new(concurrency: usize) -> Self {
        Self { concurrency, job_types: Vec::new(), queues: Vec::new() }
    }

    /// A job type that it takes; each needs a handler.
    pub fn job_type(mut self, job_type: impl Into<String>) -> Self {
        self.job_types.push(job_type.into());
        self
    }

    /// A queue that it takes from; `"default"` unless told.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queues.push(queue.into());
        self
    }

    pub(crate) fn with_concurrency(self, concurrency: usize) -> Self {
        Self { concurrency, ..self }
    }

    fn into_message(
        mut self,
        name: String,
        is_handled: impl Fn(&str) -> bool,
    ) -> Result<v1::Pool, Error> {
        for list in [&mut self.job_types, &mut self.queues] {
            list.sort();
            list.dedup();
        }
        if self.concurrency == 0 || self.concurrency > HEARTBEAT_LEASES_MAX_ITEMS {
            let limit = HEARTBEAT_LEASES_MAX_ITEMS;
            return Err(invalid(format!("pool \"{name}\": concurrency is 1 to {limit}")));
        }
        if self.job_types.is_empty() || self.job_types.len() > POOL_JOB_TYPES_MAX_ITEMS {
            let limit = POOL_JOB_TYPES_MAX_ITEMS;
            return Err(invalid(format!("pool \"{name}\" takes 1 to {limit} job types")));
        }
        if let Some(orphan) = self.job_types.iter().find(|job_type| !is_handled(job_type)) {
            return Err(invalid(format!("pool \"{name}\": no handler for \"{orphan}\"")));
        }
        Ok(v1::Pool {
            name,
            job_types: self.job_types,
            queues: self.queues,
            slots: i32::try_from(self.concurrency).unwrap_or(i32::MAX),
        })
    }
}

/// The pools as a session announces them: those named, else one with all handlers.
pub(crate) fn plan<T>(
    named: Vec<(String, Pool)>,
    rest: Pool,
    handlers: &HashMap<String, T>,
) -> Result<Vec<v1::Pool>, Error> {
    let is_handled = |job_type: &str| handlers.contains_key(job_type);
    let pools = if named.is_empty() {
        let pool = handlers.keys().fold(rest, Pool::job_type);
        vec![("main".to_owned(), pool)]
    } else {
        named
    };
    let pools = pools.into_iter().map(|(name, pool)| pool.into_message(name, is_handled));
    let pools = pools.collect::<Result<Vec<_>, _>>()?;
    let slots: i64 = pools.iter().map(|pool| i64::from(pool.slots)).sum();
    if usize::try_from(slots).is_ok_and(|slots| slots > HEARTBEAT_LEASES_MAX_ITEMS) {
        let limit = HEARTBEAT_LEASES_MAX_ITEMS;
        return Err(invalid(format!("a worker holds {limit} jobs at most, not {slots}")));
    }
    Ok(pools)
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, "WORKER_INVALID", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pool_takes_all_unless_told() {
        let handlers = HashMap::from([("a.b".to_owned(), ())]);
        let pools = plan(Vec::new(), Pool::new(3), &handlers).expect("a plan");
        assert_eq!((pools.len(), pools[0].slots), (1, 3));
        assert_eq!(pools[0].job_types, ["a.b"]);
    }

    #[test]
    fn what_the_server_would_refuse_is_refused() {
        let handlers = HashMap::from([("a.b".to_owned(), ())]);
        let plan = |pool| plan(vec![("p".into(), pool)], Pool::new(1), &handlers);
        assert!(plan(Pool::new(0).job_type("a.b")).is_err());
        assert!(plan(Pool::new(1)).is_err());
        assert!(plan(Pool::new(1).job_type("other")).is_err());
        assert!(plan(Pool::new(10_001).job_type("a.b")).is_err());
    }
}

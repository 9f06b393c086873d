//! The SDK and its examples on the real server with a real Postgres.

#![allow(missing_docs, clippy::unwrap_used)]

mod client;
mod event_time;
mod examples;
mod plans;
mod server;
mod worker;

//! The SDK and its examples on the real server with a real Postgres.

#![allow(missing_docs, clippy::unwrap_used)]

mod client;
mod examples;
mod server;
mod worker;

//! The suite's own contract, as generated.

#![allow(clippy::all, missing_docs, unreachable_pub)]

include!("gen/stellaops.conformance.v1.rs");

//! The contract's messages and clients, as generated. Nothing here is public: what users see is
//! translated, so that a change of generator is no change of this crate's API.

#![allow(clippy::all, clippy::pedantic, dead_code, missing_docs, rustdoc::all, unreachable_pub)]

pub(crate) mod google {
    pub(crate) mod rpc {
        include!("gen/google.rpc.rs");
    }
}

pub(crate) mod stellaops {
    pub(crate) mod orchestrator {
        pub(crate) mod v1 {
            include!("gen/stellaops.orchestrator.v1.rs");
        }
    }
}

/// The numbers in the contract's options.
pub(crate) mod constants {
    include!("gen/constants.rs");
}

pub(crate) use google::rpc;
pub(crate) use stellaops::orchestrator::v1;

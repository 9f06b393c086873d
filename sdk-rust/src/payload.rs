//! What goes into a job and what comes out of it.

use bytes::Bytes;
use serde::Serialize;

use crate::error::{Error, ErrorKind};

const JSON: &str = "application/json";
const OCTETS: &str = "application/octet-stream";

/// A job's input: bytes, or the name of an artifact for inputs beyond the inline limit
/// ([`LeaseClocks::max_payload_bytes`](crate::LeaseClocks::max_payload_bytes)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payload {
    pub(crate) bytes: Bytes,
    pub(crate) media_type: String,
    pub(crate) artifact: String,
}

impl Payload {
    /// Bytes as they are, of the media type `application/octet-stream`.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), media_type: OCTETS.into(), artifact: String::new() }
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// `InvalidArgument` (`NOT_JSON`) for a value that JSON cannot carry.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        Ok(Self { bytes: to_json(value)?, media_type: JSON.into(), artifact: String::new() })
    }

    /// The artifact of a digest, `"sha256:"` and 64 lower-case hexadecimal digits.
    pub fn artifact(digest: impl Into<String>) -> Self {
        Self { artifact: digest.into(), ..Self::default() }
    }

    /// Says another media type than the one that follows from the payload.
    #[must_use]
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = media_type.into();
        self
    }
}

macro_rules! payload_from_bytes {
    ($($source:ty),+) => {$(
        impl From<$source> for Payload {
            fn from(bytes: $source) -> Self {
                Self::bytes(bytes)
            }
        }
    )+};
}
payload_from_bytes!(Bytes, Vec<u8>, String, &'static str, &'static [u8]);

/// What a handler returns: the job's result, empty, bytes or JSON.
///
/// At most [`LeaseClocks::max_payload_bytes`](crate::LeaseClocks::max_payload_bytes); a larger
/// one fails the job for good, with the failure class
/// [`Oversize`](crate::FailureClass::Oversize). Upload it as an artifact instead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output(pub(crate) Bytes);

impl Output {
    /// A value as JSON.
    ///
    /// # Errors
    /// `InvalidArgument` (`NOT_JSON`) for a value that JSON cannot carry.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        to_json(value).map(Self)
    }
}

impl From<()> for Output {
    fn from((): ()) -> Self {
        Self::default()
    }
}

macro_rules! output_from_bytes {
    ($($source:ty),+) => {$(
        impl From<$source> for Output {
            fn from(bytes: $source) -> Self {
                Self(bytes.into())
            }
        }
    )+};
}
output_from_bytes!(Bytes, Vec<u8>, String, &'static str, &'static [u8]);

fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, Error> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|cause| {
        Error::new(
            ErrorKind::InvalidArgument,
            "NOT_JSON",
            format!("JSON cannot carry this value: {cause}"),
        )
        .with_source(cause)
    })
}

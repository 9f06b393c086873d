//! Why somebody changes something.

/// Why somebody changes something, for the history: a text, and maybe the ticket that asks for it.
///
/// A text alone converts into one, so that `"wrong input"` will do where a `Reason` is wanted.
///
/// ```
/// use stellaops_orchestrator::Reason;
///
/// let reason = Reason::new("wrong input").ticket("OPS-17");
/// # let _ = reason;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason {
    pub(crate) text: String,
    pub(crate) ticket: String,
}

impl Reason {
    /// A reason for people, of up to 1,024 bytes.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ticket: String::new() }
    }

    /// The ticket that asks for it, of up to 128 bytes.
    #[must_use]
    pub fn ticket(mut self, ticket: impl Into<String>) -> Self {
        self.ticket = ticket.into();
        self
    }
}

impl From<&str> for Reason {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

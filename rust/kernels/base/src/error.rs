//! The one error type: which Python exception, and a sentence.

use std::fmt;
use std::sync::Arc;

/// Which Python exception an error becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `TypeError`
    Type,
    /// `ValueError`
    Value,
    /// `IndexError`
    Index,
    /// `RuntimeError`
    Runtime,
    /// `NotImplementedError`
    NotImplemented,
    /// `MemoryError`
    Memory,
    /// `ImportError`
    Import,
    /// An exception that is already Python's, carried in [`Error::payload`].
    Foreign,
}

/// What a layer above this one wants carried through unchanged (a Python exception).
pub type Payload = Box<dyn std::any::Any + Send + Sync>;

struct Inner {
    kind: Kind,
    message: String,
    payload: Option<Payload>,
}

/// Why an operation refused: one pointer, so that `Result<Tensor>` stays small, and shared, so that a formula may pass it on.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

/// What every fallible function of the runtime returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of `kind` whose sentence names the argument, what was given and what is allowed.
    #[cold]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error(Arc::new(Inner { kind, message: message.into(), payload: None }))
    }

    /// An exception of the host language, to be raised again as it is.
    #[cold]
    pub fn foreign(payload: Payload, message: impl Into<String>) -> Self {
        Error(Arc::new(Inner { kind: Kind::Foreign, message: message.into(), payload: Some(payload) }))
    }

    /// Which exception this becomes.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The carried exception, if this is [`Kind::Foreign`].
    pub fn payload(&self) -> Option<&Payload> {
        self.0.payload.as_ref()
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.0.message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

/// `fail!(Runtime, "text {}", value)` returns an [`Error`] of that kind from the enclosing function.
#[macro_export]
macro_rules! fail {
    ($kind:ident, $($text:tt)*) => { return Err($crate::error!($kind, $($text)*)) };
}

/// `error!(Runtime, "text {}", value)` makes an [`Error`] of that kind.
#[macro_export]
macro_rules! error {
    ($kind:ident, $($text:tt)*) => { $crate::Error::new($crate::Kind::$kind, format!($($text)*)) };
}

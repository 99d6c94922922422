//! What is read of a request: its head, key, scope, credentials and fingerprint.

mod credentials;
mod fingerprint;
pub(crate) mod grpc;
mod head;
mod key;
pub(crate) mod name;
mod scope;

pub use credentials::CredentialsDigest;
pub(crate) use fingerprint::Unfinished;
pub use fingerprint::{Fingerprint, FingerprintRules, JsonPointer, ParsePointerError};
pub use head::RequestHead;
pub use key::{IdempotencyKey, InvalidKey, KeyFormat, KeySyntax};
pub(crate) use name::is_token;
pub use name::{HeaderName, InvalidName, MethodName};
pub use scope::Scope;

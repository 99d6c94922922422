//! What is read of a request: its head, key, scope, credentials and fingerprint.

mod credentials;
mod fingerprint;
pub(crate) mod grpc;
mod head;
mod head_copy;
mod key;
pub(crate) mod name;
mod scope;
mod tag;

pub use credentials::CredentialsDigest;
pub use fingerprint::{Fingerprint, FingerprintRules, JsonPointer, ParsePointerError};
pub use head::RequestHead;
pub(crate) use head_copy::HeadCopy;
pub use key::{IdempotencyKey, InvalidKey, KeyFormat, KeySyntax};
pub(crate) use name::is_token;
pub use name::{HeaderName, InvalidName, MethodName};
pub use scope::Scope;
pub(crate) use tag::Counted;
pub use tag::RequestTag;

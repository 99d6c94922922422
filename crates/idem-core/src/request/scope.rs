//! Who the client is: two scopes never share a key.

use std::{borrow::Cow, fmt, sync::Arc};

/// The client (tenant, user, account) within which a key is unique.
///
/// It must come from authentication, never from an unverified claim of the client. `Debug` shows only the
/// length, because a scope often names a person.
///
/// A scope whose parts are all empty identifies no client. The [engine](crate::Idempotency) ignores it, so that
/// clients whose tenant was not found are told apart by their credentials.
///
/// ```
/// use idem_core::Scope;
///
/// assert_eq!(Scope::from("tenant-7"), Scope::from_parts(["tenant-7"]));
/// // Parts are kept apart: no choice of names makes two clients one.
/// assert_ne!(Scope::from_parts(["a", "bc"]), Scope::from_parts(["ab", "c"]));
/// ```
///
/// Text and integers convert into scopes; [`Scope::display`] takes other ids. Only the text counts, so the
/// number 7 and the name `7` are one scope:
///
/// ```
/// # use idem_core::Scope;
/// let account = String::from("7");
/// assert_eq!(Scope::from(&account), Scope::from(7_u64));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Scope(Box<[u8]>);

impl Scope {
    /// Builds a scope from several names, such as a tenant and a user of it.
    pub fn from_parts<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Self {
        let mut bytes = Vec::new();
        for part in parts {
            let part = part.as_ref();
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        Self(bytes.into())
    }

    /// Builds a scope from the text that an id displays, such as a `Uuid` or a type of your own.
    ///
    /// The text must be different for each client. A type that displays less than it holds, such as a secret
    /// that hides itself, would turn several clients into one.
    ///
    /// ```
    /// # use idem_core::Scope;
    /// use std::net::Ipv4Addr;
    ///
    /// assert_eq!(Scope::display(Ipv4Addr::LOCALHOST), Scope::from("127.0.0.1"));
    /// ```
    ///
    /// # Panics
    /// If the type's `Display` returns an error, as [`ToString`] does: half a name could be another client's.
    pub fn display(id: impl fmt::Display) -> Self {
        id.to_string().into()
    }

    /// Whether a part of it is not empty.
    pub(crate) fn names_somebody(&self) -> bool {
        // The length of an empty part is zero in all its bytes.
        self.0.iter().any(|&byte| byte != 0)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

// Text of any kind becomes the scope of that name.
macro_rules! from_text {
    ($($text:ty),*) => {$(
        impl From<$text> for Scope {
            fn from(name: $text) -> Self {
                let name: &str = name.as_ref();
                Self::from_parts([name])
            }
        }
    )*};
}

from_text!(
    &str,
    String,
    &String,
    Cow<'_, str>,
    &Cow<'_, str>,
    Box<str>,
    Arc<str>,
    &Arc<str>
);

// An integer becomes the scope that its decimal digits name.
macro_rules! from_integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Scope {
            fn from(id: $integer) -> Self {
                Self::display(id)
            }
        }
    )*};
}

from_integers!(
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize
);

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_one_scope_whatever_type_it_has() {
        let owned = "17".to_owned();
        let shared: Arc<str> = "17".into();
        let cow = Cow::Borrowed("17");
        for scope in [
            Scope::from(&owned),
            Scope::from(&*owned),
            Scope::from(owned.clone()),
            Scope::from(owned.into_boxed_str()),
            Scope::from(&shared),
            Scope::from(shared),
            Scope::from(&cow),
            Scope::from(cow),
            Scope::from(17_u8),
            Scope::from(17_u64),
            Scope::from(17_i32),
            Scope::from(17_u128),
            Scope::from(17_usize),
            Scope::display(17),
            Scope::display(format_args!("{}{}", 1, 7)),
        ] {
            assert_eq!(scope, Scope::from("17"));
        }
        assert_eq!(Scope::from(-1_i64), Scope::from("-1"));
        assert_eq!(Scope::from(u128::MAX), Scope::display(u128::MAX));
        assert_ne!(Scope::from(0_u8), Scope::from(""));
    }

    #[test]
    fn empty_parts_name_nobody() {
        let none: [&str; 0] = [];
        for nobody in [
            Scope::from(""),
            Scope::display(""),
            Scope::from_parts(none),
            Scope::from_parts(["", ""]),
        ] {
            assert!(!nobody.names_somebody());
        }
        for somebody in [
            Scope::from("\0"),
            Scope::from(0_u8),
            Scope::from_parts(["", "heidi"]),
            Scope::from("acme"),
        ] {
            assert!(somebody.names_somebody());
        }
    }
}

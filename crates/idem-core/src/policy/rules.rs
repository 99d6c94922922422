//! What an application decides by a closure. A closure that panics takes nothing down with it: each rule says
//! what holds then.

use std::{fmt, sync::Arc, time::Duration};

use crate::{events::shielded, record::Headers};

/// Which responses are kept.
#[derive(Clone)]
pub(crate) enum SaveRule {
    Success,
    WhatRan,
    Custom(Arc<dyn Fn(u16, &Headers) -> bool + Send + Sync>),
}

impl SaveRule {
    pub(super) fn saves(&self, status: u16, headers: impl FnOnce() -> Headers) -> bool {
        match self {
            Self::Success => status < 400,
            Self::WhatRan => status < 400 || status == 402 || status >= 500,
            // The handler has run. A rule that panicked would free the key of what was done.
            Self::Custom(rule) => shielded(|| rule(status, &headers())).unwrap_or(status < 400),
        }
    }
}

/// When a duplicate is told to ask again.
#[derive(Clone)]
pub(crate) enum RetryRule {
    Age,
    Custom(Arc<dyn Fn(Duration) -> Duration + Send + Sync>),
}

impl RetryRule {
    /// In whole seconds, so that rounding up does not take it past what is left of the original's lease.
    pub(super) fn retry_in(&self, age: Duration, left: Duration) -> Duration {
        let told = match self {
            Self::Age => age,
            Self::Custom(rule) => shielded(|| rule(age)).unwrap_or(age),
        };
        told.min(Duration::from_secs(left.as_secs()))
            .max(Duration::from_secs(1))
    }
}

macro_rules! debug_by_name {
    ($($rule:ident { $($variant:pat => $name:literal),* })*) => {$(
        impl fmt::Debug for $rule {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($variant => $name),* })
            }
        }
    )*};
}

debug_by_name! {
    SaveRule { Self::Success => "Success", Self::WhatRan => "WhatRan", Self::Custom(_) => "Custom" }
    RetryRule { Self::Age => "Age", Self::Custom(_) => "Custom" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn each_profile_keeps_what_it_says() {
        let kept = |policy: &Policy| -> Vec<u16> {
            let statuses = [200, 204, 302, 399, 400, 402, 404, 422, 429, 500, 503];
            let saves = |status: &u16| policy.saves(*status, Headers::default);
            statuses.into_iter().filter(saves).collect()
        };
        assert_eq!(kept(&Policy::reference()), [200, 204, 302, 399]);
        assert_eq!(kept(&Policy::ietf()), [200, 204, 302, 399]);
        assert_eq!(kept(&Policy::stripe()), [200, 204, 302, 399, 402, 500, 503]);
    }

    #[test]
    fn an_application_decides_by_status_and_headers() {
        let policy = Policy::reference().save_when(|status, headers| {
            status == 409 && headers.values("x-final").next().is_some()
        });
        let last = || [("X-Final", b"1".as_slice())].into_iter().collect();
        assert!(policy.saves(409, last));
        assert!(!policy.saves(200, last));
        assert!(!policy.saves(409, Headers::default));
    }
}

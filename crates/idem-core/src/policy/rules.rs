//! What an application decides by a closure. A closure that panics takes nothing down with it: each rule says
//! what holds then.

use std::{fmt, ops::RangeInclusive, sync::Arc, time::Duration};

use crate::{
    events::shielded,
    policy::{CODE_HEADER, Refusal, header_filter::HeaderFilter},
    record::{Headers, Response, is_field},
};

/// The statuses that end an exchange.
const FINAL: RangeInclusive<u16> = 200..=999;

pub(super) const RETRY_AFTER: &str = "retry-after";

type Saves = dyn Fn(u16, &Headers) -> bool + Send + Sync;
type RetryIn = dyn Fn(Duration) -> Duration + Send + Sync;
type Render = dyn Fn(&Refusal, Response) -> Response + Send + Sync;

/// Which responses are kept.
#[derive(Clone)]
pub(crate) enum SaveRule {
    Success,
    WhatRan,
    Custom(Arc<Saves>),
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

/// When a duplicate should ask again.
#[derive(Clone)]
pub(crate) enum RetryRule {
    Age,
    Custom(Arc<RetryIn>),
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

/// How refusals are worded.
#[derive(Clone)]
pub(crate) enum RefusalRule {
    Profile,
    Custom(Arc<Render>),
}

impl RefusalRule {
    /// What the client gets instead of the profile's own words.
    ///
    /// Whatever the application gives, the refusal can still be told by its code, the client still learns when to
    /// come back, and nothing says that it is a replay.
    pub(super) fn render(
        &self,
        refusal: &Refusal,
        ours: Response,
        replay_marker: &str,
    ) -> Response {
        let Self::Custom(rule) = self else {
            return ours;
        };
        let Some(given) = shielded(|| rule(refusal, ours.clone())) else {
            return ours;
        };
        if !FINAL.contains(&given.status()) {
            shielded(|| {
                tracing::warn!(
                    status = given.status(),
                    refusal = refusal.code(),
                    "`Policy::render_refusals` gave a status that ends no exchange, so the profile's response is \
                     sent; give one from 200 to 999"
                );
            });
            return ours;
        }
        let is_kept = |(name, _): &(&str, &[u8])| matches!(*name, CODE_HEADER | RETRY_AFTER);
        let kept: Headers = ours.headers().iter().filter(is_kept).collect();
        let filter = HeaderFilter::new(&[], given.headers().values("connection"));
        let allowed = given.headers().iter().filter(|(name, value)| {
            is_field(name, value)
                && filter.allows(name)
                && kept.values(name).next().is_none()
                && !name.eq_ignore_ascii_case(replay_marker)
        });
        let headers = allowed.chain(kept.iter()).collect();
        Response::new(given.status(), headers, given.body())
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
    RefusalRule { Self::Profile => "Profile", Self::Custom(_) => "Custom" }
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

    const LATER: Refusal = Refusal::InProgress {
        retry_after: Duration::from_secs(7),
    };

    fn rendered(
        given: impl Fn(&Refusal, Response) -> Response + Send + Sync + 'static,
    ) -> Response {
        LATER.to_response(&Policy::ietf().render_refusals(given))
    }

    fn profiles_own() -> Response {
        LATER.to_response(&Policy::ietf())
    }

    #[test]
    fn an_application_words_refusals_itself() {
        let sent = rendered(|refusal, ours| {
            assert_eq!(ours, profiles_own());
            let headers = [("content-type", b"text/plain".as_slice()), ("x-own", b"1")];
            Response::new(423, headers.into_iter().collect(), refusal.code().into())
        });
        assert_eq!(
            (sent.status(), &sent.body()[..]),
            (423, b"idempotency-in-progress".as_slice())
        );
        let expected: [(&str, &[u8]); 4] = [
            ("content-type", b"text/plain"),
            ("x-own", b"1"),
            (CODE_HEADER, b"idempotency-in-progress"),
            (RETRY_AFTER, b"7"),
        ];
        assert_eq!(*sent.headers(), expected.into_iter().collect());
    }

    #[test]
    fn the_code_and_the_time_to_come_back_survive_what_an_application_gives() {
        let sent = rendered(|_, _| {
            let lines: [(&str, &[u8]); 4] = [
                ("Retry-After", b"0"),
                ("retry-after", b"1"),
                ("Idempotency-Refusal", b"another"),
                ("Idempotency-Replayed", b"true"),
            ];
            Response::new(400, lines.into_iter().collect(), "".into())
        });
        let expected: [(&str, &[u8]); 2] = [
            (CODE_HEADER, b"idempotency-in-progress"),
            (RETRY_AFTER, b"7"),
        ];
        assert_eq!(*sent.headers(), expected.into_iter().collect());
    }

    #[test]
    fn a_refusal_that_says_no_time_leaves_it_to_the_application() {
        let policy = Policy::reference().render_refusals(|_, _| {
            let lines = [("retry-after", b"60".as_slice())];
            Response::new(400, lines.into_iter().collect(), "".into())
        });
        let sent = Refusal::Mismatch.to_response(&policy);
        assert_eq!(
            sent.headers().values("retry-after").collect::<Vec<_>>(),
            [b"60"]
        );
    }

    #[test]
    fn what_no_server_may_send_is_left_out() {
        let sent = rendered(|_, _| {
            let lines: [(&str, &[u8]); 8] = [
                ("content-length", b"999"),
                ("Transfer-Encoding", b"chunked"),
                ("connection", b"close, x-hop"),
                ("x-hop", b"1"),
                ("x a", b"1"),
                ("", b"1"),
                ("x-split", b"1\r\nset-cookie: a=b"),
                ("x-own", b"1"),
            ];
            Response::new(400, lines.into_iter().collect(), "{}".into())
        });
        let names: Vec<_> = sent.headers().iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["x-own", CODE_HEADER, RETRY_AFTER]);
    }

    #[test]
    fn a_rendering_that_panics_leaves_the_profiles_words() {
        assert_eq!(rendered(|_, _| panic!("a planted panic")), profiles_own());
    }

    #[test]
    fn a_rendering_that_no_client_could_get_leaves_the_profiles_words() {
        for status in [0, 99, 100, 101, 199, 1000, u16::MAX] {
            let given = move |_: &Refusal, _| Response::new(status, Headers::default(), "".into());
            assert_eq!(rendered(given), profiles_own(), "{status}");
        }
        for status in [200, 599, 999] {
            let given = move |_: &Refusal, _| Response::new(status, Headers::default(), "".into());
            assert_eq!(rendered(given).status(), status);
        }
    }
}

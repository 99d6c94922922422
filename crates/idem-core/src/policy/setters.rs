//! What an application sets, and what each default is for.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    events::Observer,
    policy::{
        KeyRequirement, LONGEST, OnLeaseEnd, OnStoreFailure, Policy, Refusal, SHORTEST, Wait,
        header_filter,
        rules::{RefusalRule, RetryRule, SaveRule},
    },
    record::{Headers, Response},
    request::{FingerprintRules, HeaderName, KeyFormat, MethodName, name},
};

impl Policy {
    /// Separates the keys of one application from those of others in the same store. None by default.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Names the header that carries the key: `Idempotency-Key` by default.
    ///
    /// # Panics
    /// If no header can have that name ([`HeaderName`]): no request would be protected.
    #[must_use]
    #[track_caller]
    pub fn header(mut self, name: impl TryInto<HeaderName, Error: fmt::Display>) -> Self {
        self.header = header_name("Policy::header", name);
        self
    }

    /// Names the methods that are protected: `POST` and `PATCH` by default, since the others are
    /// safe or idempotent by definition (RFC 9110, section 9.2). Case does not matter.
    ///
    /// # Panics
    /// If there is none, or if no method can have one of the names ([`MethodName`]): no request would
    /// be protected.
    #[must_use]
    #[track_caller]
    pub fn methods<M: TryInto<MethodName, Error: fmt::Display>>(
        mut self,
        methods: impl IntoIterator<Item = M>,
    ) -> Self {
        self.methods.clear();
        for method in methods {
            let method: MethodName = name::accept("Policy::methods", method);
            self.methods.push(method.into());
        }
        assert!(
            !self.methods.is_empty(),
            "`Policy::methods` was given no method; name those to protect, such as `POST`, or leave \
             the layer out where nothing is to be protected"
        );
        self
    }

    /// Says whether a key must be there.
    #[must_use]
    pub fn key_requirement(mut self, requirement: KeyRequirement) -> Self {
        self.key_requirement = requirement;
        self
    }

    /// Says which keys are accepted.
    #[must_use]
    pub fn key_format(mut self, format: KeyFormat) -> Self {
        self.key_format = format;
        self
    }

    /// Says what makes a request the same request.
    #[must_use]
    pub fn fingerprint(mut self, rules: FingerprintRules) -> Self {
        self.fingerprint = rules;
        self
    }

    /// Names the headers that tell callers apart when no scope does: `Authorization`, `Cookie` and `X-Api-Key`
    /// by default. With no name at all, nothing tells callers apart.
    ///
    /// # Panics
    /// If no header can have one of the names ([`HeaderName`]).
    #[must_use]
    #[track_caller]
    pub fn credential_headers<N: TryInto<HeaderName, Error: fmt::Display>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.credential_headers = header_names("Policy::credential_headers", names);
        self
    }

    /// Sets how long a crashed server can block a key: 30 seconds by default, which is what most clients wait
    /// for an answer. It has at least 1 ms, because an empty lease would protect nothing, and at most 100
    /// years. A request may have [its own](crate::adapter::Protected::lease).
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.clamp(SHORTEST, LONGEST);
        self
    }

    /// Sets how long a response is replayed, counted from its completion: 60 minutes by default,
    /// at least 1 ms, and at most 100 years.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention.clamp(SHORTEST, LONGEST);
        self
    }

    /// Sets the largest request body: 2 MiB by default, as in axum.
    ///
    /// Under a key the body is read whole before the handler runs, for its fingerprint.
    #[must_use]
    pub fn max_request_bytes(mut self, bytes: usize) -> Self {
        self.max_request_bytes = bytes;
        self
    }

    /// Sets the largest response that is kept, headers included: 1 MiB by default.
    ///
    /// A larger one goes to its client whole, and a duplicate gets "not kept".
    #[must_use]
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Sets how long a body of unknown length may take to come to its end before it counts as a stream: 100 ms by
    /// default.
    ///
    /// A response is recorded before its first byte leaves, so its body is held back for this long. A stream
    /// then flows to its client, and a duplicate gets "not kept". 100 ms is enough for a complete body that
    /// merely arrives in pieces, for example through compression inside the layer. Set more if handlers pass on
    /// responses of other servers without a length. With zero, every body that is not available at once is a
    /// stream. A body of known length may take as long as [a lease](Self::lease), if it is within [the
    /// limit](Self::max_response_bytes).
    #[must_use]
    pub fn stream_after(mut self, time: Duration) -> Self {
        self.stream_after = time.min(LONGEST);
        self
    }

    /// Decides by status and headers which responses are kept; all others free the key. If the rule panics, a
    /// status below 400 is kept. A status compares with `StatusCode`, of the `http` crate as of axum and
    /// actix-web: `status == StatusCode::CONFLICT`.
    ///
    /// Some responses say that nothing was done, or belong to one connection. They are not results, and the
    /// rule is not asked about them. These are informational ones (1xx, 101 included), and redirects that ask
    /// for the same request elsewhere (307 and 308, and for any method except POST 301 and 302). They are also
    /// refusals of this library by another layer or another server, which have the header
    /// `Idempotency-Refusal`. A gRPC failure has status 200 and its own code in `grpc-status`: the rule gets
    /// the HTTP status that this code stands for.
    #[must_use]
    pub fn save_when(
        mut self,
        rule: impl Fn(u16, &Headers) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.saves = SaveRule::Custom(Arc::new(rule));
        self
    }

    /// Names response headers that are never recorded, besides connection headers and `Date`: `Set-Cookie` by
    /// default, because a session must not be handed out twice.
    ///
    /// # Panics
    /// If no header can have one of the names ([`HeaderName`]).
    #[must_use]
    #[track_caller]
    pub fn unrecorded_headers<N: TryInto<HeaderName, Error: fmt::Display>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.unrecorded_headers = header_names("Policy::unrecorded_headers", names);
        self
    }

    /// Names the header that marks a replay with `true`: `Idempotency-Replayed` by default.
    ///
    /// # Panics
    /// If no header can have that name ([`HeaderName`]), or if it means something else to clients:
    /// `Idempotency-Refusal`, `Retry-After`, `Location`, or a header of the content or the connection.
    #[must_use]
    #[track_caller]
    pub fn replay_marker(mut self, name: impl TryInto<HeaderName, Error: fmt::Display>) -> Self {
        let marker = header_name("Policy::replay_marker", name);
        assert!(
            !header_filter::has_meaning_of_its_own(&marker),
            "`Policy::replay_marker` was given `{marker}`, which means something else in a response; \
             name a header that no response has, such as `Idempotency-Replayed`"
        );
        self.replay_marker = marker;
        self
    }

    /// Sets how long a request waits for the store before its handler runs: 2 seconds by default,
    /// and at least 2 ms.
    ///
    /// Half of it is for the claim, and half for asking again if it is not known whether the claim landed.
    /// Every other call to the store gets half of it too, but never more than a third of the request's lease.
    #[must_use]
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout.max(2 * SHORTEST);
        self
    }

    /// Sets what happens while the store does not answer: by default requests are refused, because a client
    /// that sends a key would rather wait than pay twice.
    #[must_use]
    pub fn on_store_failure(mut self, choice: OnStoreFailure) -> Self {
        self.on_store_failure = choice;
        self
    }

    /// Sets what happens when a lease runs out: by default the next request takes over, so that a crash blocks
    /// a key for one lease at most.
    #[must_use]
    pub fn on_lease_end(mut self, choice: OnLeaseEnd) -> Self {
        self.on_lease_end = choice;
        self
    }

    /// Sets the `Retry-After` that a duplicate gets while the original runs, by the original's age.
    ///
    /// By default it is that age, so the pauses of an obedient client double: most originals end within a
    /// second, and an old one is likely to run on. Whatever the rule returns, the client gets whole seconds,
    /// rounded up: at least one, and at most what is left of the lease.
    ///
    /// The age is the time since the key was claimed, or since its lease was last renewed. It is zero if
    /// the store cannot tell what is left of a lease.
    ///
    /// ```
    /// # use idem_core::Policy;
    /// // Exports take minutes: nobody needs to ask each second.
    /// let policy = Policy::reference().retry_after(|age| age * 2 + std::time::Duration::from_secs(10));
    /// ```
    #[must_use]
    pub fn retry_after(
        mut self,
        rule: impl Fn(Duration) -> Duration + Send + Sync + 'static,
    ) -> Self {
        self.retry_after = RetryRule::Custom(Arc::new(rule));
        self
    }

    /// Lets a duplicate wait up to `at_most` for its original, and then answers as if it had arrived later. By
    /// default it is answered at once.
    ///
    /// At most `waiters` wait at a time, counted across all keys; one more is refused with 429. A time or a number
    /// of zero is the same as the default.
    ///
    /// Of requests that arrive at once, the first claims the key, and the others wait for the store's answer, up to
    /// [`store_timeout`](Self::store_timeout). They do not count as waiters until it is known that the original
    /// runs. If that claim fails, the next one claims.
    ///
    /// An original that ends in this process wakes its duplicates. Otherwise, one of them asks the store for
    /// all that wait for the same key, at first after 10 ms and later every 250 ms, however many they are. If the
    /// original fails, one of them executes and the others wait for it.
    #[must_use]
    pub fn wait(mut self, at_most: Duration, waiters: usize) -> Self {
        let waits = !at_most.is_zero() && waiters > 0;
        self.wait = waits.then_some(Wait { at_most, waiters });
        self
    }

    /// Words refusals like the application's other errors: the closure gets the refusal and the response that
    /// the profile would send, and returns the response to send.
    ///
    /// Start from the [code](Refusal::code), which is the same in every profile, and from the
    /// [title](Refusal::title) or [message](Refusal::message).
    ///
    /// ```
    /// use idem_core::{Policy, Response};
    /// use serde_json::json;
    ///
    /// let policy = Policy::reference().render_refusals(|refusal, ours| {
    ///     let message = refusal.message("Idempotency-Key");
    ///     let error = json!({"error": {"code": refusal.code(), "message": message}});
    ///     Response::new(ours.status(), ours.headers().clone(), error.to_string().into())
    /// });
    /// ```
    ///
    /// `Idempotency-Refusal` and the refusal's `Retry-After` are sent whatever the closure returns, and
    /// connection headers, `Content-Length` and `Date` are left to the server. If the closure panics, or
    /// returns a status outside 200 to 999, the profile's own response is sent.
    #[must_use]
    pub fn render_refusals(
        mut self,
        render: impl Fn(&Refusal, Response) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.refusals = RefusalRule::Custom(Arc::new(render));
        self
    }

    /// Also sends every [event](crate::event::Event) to the application.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Sets the page that refusals of the IETF profile link to: the draft itself by default. Each
    /// refusal adds its code as the fragment.
    ///
    /// # Panics
    /// If it is empty, has a fragment, or has a character that a URL must percent-encode.
    #[must_use]
    #[track_caller]
    pub fn documentation(mut self, url: impl Into<String>) -> Self {
        let url = url.into();
        let url = url.trim_ascii();
        let is_allowed =
            |character: char| character.is_ascii_graphic() && !"\"#<>\\^`{|}".contains(character);
        assert!(
            !url.is_empty() && url.chars().all(is_allowed),
            "`Policy::documentation` was given {url:?}; give the page's URL without a fragment, with \
             every other character than those of a URL percent-encoded"
        );
        self.documentation = url.to_owned();
        self
    }
}

#[track_caller]
fn header_name(setter: &str, name: impl TryInto<HeaderName, Error: fmt::Display>) -> String {
    name::accept::<HeaderName>(setter, name).into()
}

#[track_caller]
fn header_names<N: TryInto<HeaderName, Error: fmt::Display>>(
    setter: &str,
    names: impl IntoIterator<Item = N>,
) -> Vec<String> {
    let mut accepted = Vec::new();
    for name in names {
        accepted.push(header_name(setter, name));
    }
    accepted
}

#[cfg(test)]
mod tests {
    use super::*;

    // S92
    #[test]
    fn methods_and_header_names_are_repaired_where_that_has_one_meaning() {
        let policy = Policy::ietf()
            .methods(["post", " Patch "])
            .header("Idempotency-Key ")
            .credential_headers([" Authorization"])
            .unrecorded_headers(["Set-Cookie\t"])
            .replay_marker("X-Replay ");
        assert!(policy.protects("POST") && policy.protects("PATCH") && !policy.protects("PUT"));
        assert_eq!(policy.header, "idempotency-key");
        assert_eq!(policy.credential_headers, ["authorization"]);
        assert_eq!(policy.unrecorded_headers, ["set-cookie"]);
        assert_eq!(policy.replay_marker, "x-replay");
        // A server that hands methods on as they came protects them too.
        assert!(policy.protects("post"));
    }

    fn complaint<T>(set: impl FnOnce() -> T + std::panic::UnwindSafe) -> String {
        let panic = std::panic::catch_unwind(set)
            .err()
            .expect("the setter refuses");
        match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => (*panic.downcast::<&str>().expect("the refusal is a text")).to_owned(),
        }
    }

    // S92
    #[test]
    fn a_policy_that_could_not_protect_is_refused_when_it_is_built() {
        for name in [
            "X Request Key",
            "",
            " ",
            "Idempotency-Key:",
            "a\r\nb",
            "Schl\u{fc}ssel",
        ] {
            for (setter, complaint) in [
                ("Policy::header", complaint(|| Policy::ietf().header(name))),
                (
                    "Policy::methods",
                    complaint(|| Policy::ietf().methods(["POST", name])),
                ),
                (
                    "Policy::credential_headers",
                    complaint(|| Policy::ietf().credential_headers(["cookie", name])),
                ),
                (
                    "Policy::unrecorded_headers",
                    complaint(|| Policy::ietf().unrecorded_headers([name])),
                ),
                (
                    "Policy::replay_marker",
                    complaint(|| Policy::ietf().replay_marker(name)),
                ),
                (
                    "FingerprintRules::header",
                    complaint(|| FingerprintRules::default().header(name)),
                ),
            ] {
                assert!(
                    complaint.starts_with(&format!("`{setter}` was given")),
                    "{complaint}"
                );
                assert!(complaint.contains("as in `"), "{complaint}");
            }
        }
        let none: [&str; 0] = [];
        let complaint = complaint(|| Policy::ietf().methods(none));
        assert!(
            complaint.contains("no method") && complaint.contains("`POST`"),
            "{complaint}"
        );
    }

    // S92
    #[test]
    fn a_replay_marker_that_means_something_else_is_refused() {
        for name in [
            "Idempotency-Refusal",
            "Content-Length",
            "Transfer-Encoding",
            "Content-Type",
            "Retry-After",
            "Location",
        ] {
            let complaint = complaint(|| Policy::reference().replay_marker(name));
            assert!(complaint.contains("means something else"), "{complaint}");
        }
    }

    #[test]
    fn a_documentation_page_that_no_link_can_hold_is_refused() {
        for url in [
            "",
            "https://api.example.com/\r\nSet-Cookie: a=b",
            "https://api.example.com/a b",
            "https://api.example.com/>; rel=next",
            "https://api.example.com/docs#idempotency",
            "https://api.example.com/sch\u{fc}tz",
        ] {
            let complaint = complaint(|| Policy::ietf().documentation(url));
            assert!(complaint.contains("give the page's URL"), "{complaint}");
        }
        for url in [
            "https://api.example.com/docs?page=1&a=%20",
            "/docs",
            " https://example.com ",
        ] {
            let policy = Policy::ietf().documentation(url);
            assert_eq!(policy.documentation, url.trim());
        }
    }
}

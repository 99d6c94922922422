//! An application's settings for a layer: a store, a policy, and rules about the head of a request.

use std::{fmt, sync::Arc};

use crate::{
    contract::IdempotencyStore,
    engine::{Admission, Idempotency},
    execution::CurrentExecution,
    policy::{LeaseTerm, Policy},
    request::{RequestHead, Scope},
};

/// A store, a policy, and an application's rules on the head of each request: whose it is, and how long it
/// holds its key.
///
/// `H` is the head as the application's rules see it, in the web framework's own type. A layer keeps one of
/// these and hands its own builder methods on to it. Clones share the store.
pub struct Options<H: ?Sized> {
    idempotency: Idempotency,
    scope: Option<Arc<ScopeRule<H>>>,
    lease: Option<Arc<LeaseRule<H>>>,
}

type ScopeRule<H> = dyn Fn(&H) -> Option<Scope> + Send + Sync;
type LeaseRule<H> = dyn Fn(&H) -> Option<LeaseTerm> + Send + Sync;

impl<H: ?Sized> Options<H> {
    /// A store under the [reference policy](Policy::reference), without rules.
    pub fn new(store: impl IdempotencyStore) -> Self {
        Idempotency::new(store, Policy::reference()).into()
    }

    /// Sets the policy.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.idempotency = self.idempotency.with_policy(policy);
        self
    }

    /// Sets the rule that says whose a request is. Without a rule, or if the rule returns `None`, a request is
    /// bound to the credentials that it carries.
    #[must_use]
    pub fn scope<S: IntoScope>(mut self, rule: impl Fn(&H) -> S + Send + Sync + 'static) -> Self {
        self.scope = Some(Arc::new(move |head| rule(head).into_scope()));
        self
    }

    /// Sets the rule that says how long a request holds its key. Without a rule, or if the rule returns `None`,
    /// a request has the [policy's lease](Policy::lease).
    #[must_use]
    pub fn lease<T: IntoLeaseTerm>(
        mut self,
        rule: impl Fn(&H) -> T + Send + Sync + 'static,
    ) -> Self {
        self.lease = Some(Arc::new(move |head| rule(head).into_lease_term()));
        self
    }

    /// The store and the policy.
    #[must_use]
    pub fn idempotency(&self) -> &Idempotency {
        &self.idempotency
    }

    /// Looks at the head of a request, and applies the rules if it is protected. No round trip.
    ///
    /// The rules see `head`, and the core reads `request`, which is the same head. Only a request with a valid
    /// key is asked about, once a rule.
    ///
    /// `current` is the execution in the request's extensions, as for
    /// [`Idempotency::admit`].
    pub fn admit(
        &self,
        head: &H,
        request: &impl RequestHead,
        current: Option<&CurrentExecution>,
    ) -> Admission {
        let scope = || self.scope.as_ref().and_then(|rule| rule(head));
        match self.idempotency.admit(request, current, scope) {
            Admission::Protected(protected) => {
                let term = self.lease.as_ref().and_then(|rule| rule(head));
                Admission::Protected(match term {
                    Some(term) => protected.lease(term),
                    None => protected,
                })
            }
            other => other,
        }
    }
}

impl<H: ?Sized> From<Idempotency> for Options<H> {
    fn from(idempotency: Idempotency) -> Self {
        Self {
            idempotency,
            scope: None,
            lease: None,
        }
    }
}

impl<H: ?Sized> Clone for Options<H> {
    fn clone(&self) -> Self {
        Self {
            idempotency: self.idempotency.clone(),
            scope: self.scope.clone(),
            lease: self.lease.clone(),
        }
    }
}

impl<H: ?Sized> fmt::Debug for Options<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("idempotency", &self.idempotency)
            .field("scoped", &self.scope.is_some())
            .field("leased", &self.lease.is_some())
            .finish()
    }
}

/// What a scope rule may return: anything that converts into a [`Scope`], or an `Option` of it.
pub trait IntoScope {
    /// The scope; `None` binds the request to its credentials.
    fn into_scope(self) -> Option<Scope>;
}

impl<T: Into<Scope>> IntoScope for T {
    fn into_scope(self) -> Option<Scope> {
        Some(self.into())
    }
}

impl<T: Into<Scope>> IntoScope for Option<T> {
    fn into_scope(self) -> Option<Scope> {
        self.map(Into::into)
    }
}

/// What a lease rule may return: a [`Duration`](std::time::Duration), a [`LeaseTerm`], or an `Option` of one.
pub trait IntoLeaseTerm {
    /// The term; `None` is the policy's lease.
    fn into_lease_term(self) -> Option<LeaseTerm>;
}

impl<T: Into<LeaseTerm>> IntoLeaseTerm for T {
    fn into_lease_term(self) -> Option<LeaseTerm> {
        Some(self.into())
    }
}

impl<T: Into<LeaseTerm>> IntoLeaseTerm for Option<T> {
    fn into_lease_term(self) -> Option<LeaseTerm> {
        self.map(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, iter, time::Duration};

    use super::*;
    use crate::{memory::MemoryStore, record::RecordKey, request::IdempotencyKey};

    const NAME: &str = "17";

    /// A `POST` under the key `k`.
    struct Post;

    impl RequestHead for Post {
        fn method(&self) -> &str {
            "POST"
        }

        fn target(&self) -> &str {
            "/orders"
        }

        fn route(&self) -> Option<Cow<'_, str>> {
            None
        }

        fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
            iter::once(b"k".as_slice()).filter(move |_| name == "idempotency-key")
        }
    }

    fn options() -> Options<str> {
        Options::new(MemoryStore::new())
    }

    /// What is known of a request that is admitted; it shows the name of its record.
    fn admitted(options: &Options<str>) -> String {
        let Admission::Protected(protected) = options.admit(NAME, &Post, None) else {
            panic!("a POST with a key is protected");
        };
        format!("{protected:?}")
    }

    fn shows(admitted: &str, part: impl fmt::Debug) -> bool {
        admitted.contains(&format!("{part:?}"))
    }

    fn record_of(scope: Option<Scope>) -> RecordKey {
        let key = IdempotencyKey::new("k").expect("the key is valid");
        options().idempotency().record_key(scope.as_ref(), &key)
    }

    #[test]
    fn a_scope_rule_answers_with_what_becomes_a_scope_or_an_option_of_it() {
        let of_17 = record_of(Some("17".into()));
        for scoped in [
            options().scope(|_| "17"),
            options().scope(str::to_owned),
            options().scope(|_| Cow::Borrowed("17")),
            options().scope(|_| 17_u64),
            options().scope(|_| 17),
            options().scope(|head| Scope::from(head)),
            options().scope(|head| Scope::display(head)),
            options().scope(|_| Some("17")),
            options().scope(|head| Some(head.to_owned())),
            options().scope(|head| head.parse::<i64>().ok()),
            options().scope(|head| Some(Scope::from(head))),
        ] {
            assert!(shows(&admitted(&scoped), of_17));
        }
    }

    #[test]
    fn a_scope_rule_that_names_nobody_leaves_the_request_to_its_credentials() {
        for unscoped in [
            options(),
            options().scope(|_| ""),
            options().scope(|_| Some(String::new())),
            options().scope(|_| None::<Scope>),
            options().scope(|_| None::<u64>),
        ] {
            assert!(shows(&admitted(&unscoped), record_of(None)));
        }
    }

    #[test]
    fn a_lease_rule_answers_with_a_duration_a_term_or_an_option_of_one() {
        let second = Duration::from_secs(1);
        let fixed = LeaseTerm::fixed(second);
        let policy: LeaseTerm = Duration::from_secs(30).into();
        for (leased, expected) in [
            (options().lease(move |_| second), second.into()),
            (options().lease(move |_| Some(second)), second.into()),
            (options().lease(move |_| fixed), fixed),
            (options().lease(move |_| Some(fixed)), fixed),
            (options().lease(|_| None::<Duration>), policy),
            (options().lease(|_| None::<LeaseTerm>), policy),
            (options(), policy),
        ] {
            let admitted = admitted(&leased);
            assert!(shows(&admitted, expected), "{admitted}");
        }
    }

    #[test]
    fn the_rules_outlive_another_policy_and_the_options_they_are_cloned_from() {
        let original = options().scope(|_| 17);
        let cloned = original.clone().policy(Policy::ietf());
        drop(original);
        assert!(shows(&admitted(&cloned), record_of(Some("17".into()))));
    }
}

//! What the document says before it comes to the routes.

use std::time::Duration;

use idem_core::{Policy, Profile, Refusal};

/// The outcomes of a duplicate in the profile that this server has.
pub(super) fn of(policy: &Policy) -> String {
    let profile = policy.profile();
    let name = match profile {
        Profile::Ietf => "ietf",
        Profile::Stripe => "stripe",
        _ => "reference",
    };
    let mismatch = Refusal::Mismatch.status(profile);
    let running = Refusal::InProgress {
        retry_after: Duration::ZERO,
    };
    let running = running.status(profile);
    let without = match profile {
        Profile::Ietf => "is refused with 400",
        _ => "is executed every time",
    };
    let body = match profile {
        Profile::Ietf => "problem details (RFC 9457) as `application/problem+json`, with a `Link`",
        _ => "`{\"message\": …}` as `application/json`",
    };
    format!(
        "Register goats, offer their milk, soap and cheese, and order it.\n\n\
         Registering a goat and placing an order are the two operations that would do harm if they happened \
         twice. Send them with the header `idempotency-key`, and repeat them under the same key as often as \
         you like: they take effect once, and each duplicate gets one of three **outcomes**.\n\n\
         | a duplicate that | gets |\n|---|---|\n\
         | arrives after the original has ended | the **identical response**: the same status and body, and \
         `Idempotency-Replayed: true` |\n\
         | has another payload, path or query | an **error**: {mismatch} |\n\
         | arrives while the original is running | **accepted**, and nothing is done again: {running} with \
         `Retry-After` |\n\n\
         A request without a key {without}. A request that was refused or failed frees its key{kept}.\n\n\
         This server has the profile `{name}`: when the idempotency layer answers, the body is {body}, and \
         the header `Idempotency-Refusal` has a code. Every other refusal has the body \
         `{{\"message\": …}}`.\n\n\
         `HEAD` is answered wherever `GET` is; any other method gets 405 and `Allow`, any other path 404.",
        kept = match profile {
            Profile::Stripe => ", unless the market itself failed",
            _ => "",
        },
    )
}

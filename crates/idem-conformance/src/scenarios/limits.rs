//! Payloads at the limit and over it.

use super::IDEM;
use crate::{
    need::Need,
    scenario::Scenario,
    stage::{Call, Check, Failure, Refused, Stage},
    wire::{Framing, Request},
};

const TOO_LARGE: &str = "RFC 9110, section 15.5.14";

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "limits/just-the-limit",
        "48",
        "A payload of just the limit runs, and is replayed.",
        IDEM,
        |stage| Box::pin(just_the_limit(stage)),
    )
    .needs(&[Need::RequestLimit]),
    Scenario::new(
        "limits/content-length",
        "48",
        "A payload that announces more than the limit is refused, and nothing runs.",
        TOO_LARGE,
        |stage| Box::pin(over_the_limit(stage, Framing::Length)),
    )
    .needs(&[Need::RequestLimit]),
    Scenario::new(
        "limits/chunked",
        "48",
        "A payload that turns out to be over the limit is refused, and nothing runs.",
        TOO_LARGE,
        |stage| Box::pin(over_the_limit(stage, Framing::Chunked)),
    )
    .needs(&[Need::RequestLimit]),
    Scenario::new(
        "limits/outside",
        "89",
        "A payload over a limit in front of the library gets the status that it gets without a key, and \
         nothing runs.",
        TOO_LARGE,
        |stage| Box::pin(outside(stage)),
    )
    .needs(&[Need::Probe("limited_outside"), Need::OutsideLimit]),
];

fn limit(stage: &Stage) -> Check<usize> {
    let limit = stage.profile().api.limits.request;
    limit.ok_or_else(|| Failure::new("the profile names no limits.request"))
}

/// The call's request with white space after its payload, up to a length.
fn padded(call: &Call<'_>, length: usize) -> Request {
    let mut body = call.body().into_bytes();
    body.resize(length.max(body.len()), b' ');
    call.request().body(body)
}

async fn just_the_limit(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let request = stage.keyed(padded(&call, limit(stage)?), &stage.key());
    let original = stage.send(&request).await?;
    stage.fresh(&call, &original)?;
    stage.replayed(&request, &original).await?;
    stage.effects(&call, 1).await
}

async fn over_the_limit(stage: &Stage, framing: Framing) -> Check {
    let call = stage.operation().await?;
    let key = stage.key();
    let request = stage.keyed(padded(&call, limit(stage)? + 1), &key);
    let answer = stage.send_raw(&request, framing).await?;
    stage.is_refusal(&answer, Refused::PayloadTooLarge)?;
    stage.effects(&call, 0).await?;
    // The key was not taken by what was refused.
    stage.original(&call, &key).await.map(drop)
}

async fn outside(stage: &Stage) -> Check {
    let limit = stage.profile().api.limits.outside;
    let limit = limit.ok_or_else(|| Failure::new("the profile names no limits.outside"))?;
    let call = stage.probe("limited_outside").await?;
    let key = stage.key();
    let large = padded(&call, limit + 1);
    let mut requests = vec![stage.keyed(large.clone(), &key)];
    if !stage.profile().conventions.key.required {
        requests.insert(0, large);
    }
    // A chunked payload announces no length, so the limit is hit while the library reads.
    for request in &requests {
        let answer = stage.send_raw(request, Framing::Chunked).await?;
        let expected = stage.status_of(Refused::PayloadTooLarge);
        if answer.status != expected {
            let problem = format!(
                "a payload over the limit must be answered {expected}, with a key or without, and was \
                 answered {}",
                answer.status
            );
            return Err(Failure::at(&answer, problem));
        }
    }
    stage.effects(&call, 0).await?;
    // The key was not taken by what was refused.
    stage.original(&call, &key).await.map(drop)
}

//! The same key on another path, query or method.

use super::IDEM;
use crate::{
    need::Need,
    scenario::Scenario,
    stage::{Check, Failure, Refused, Stage},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "fingerprint/other-path",
        "22",
        "A key that was used on one path is refused on another: nobody gets another resource's answer.",
        IDEM,
        |stage| Box::pin(other_path(stage)),
    )
    .needs(&[Need::Elsewhere]),
    Scenario::new(
        "fingerprint/other-query",
        "22",
        "A key that was used with one query is refused with another.",
        IDEM,
        |stage| Box::pin(other_query(stage)),
    ),
    Scenario::new(
        "fingerprint/other-method",
        "22",
        "A key that was used with one method is refused with another.",
        IDEM,
        |stage| Box::pin(other_method(stage)),
    )
    .needs(&[Need::Probe("other_method")]),
];

async fn other_path(stage: &Stage) -> Check {
    let elsewhere = stage.profile().api.elsewhere.as_ref();
    let elsewhere = elsewhere.ok_or_else(|| Failure::new("the profile names no [elsewhere]"))?;
    let elsewhere = stage.call(elsewhere).await?;
    let call = stage.operation().await?;
    let key = stage.key();
    let original = stage.original(&call, &key).await?;
    // The same payload: only the path tells that it is another request.
    let request = stage.keyed(elsewhere.request().body(call.body()), &key);
    stage.refused(&request, Refused::Mismatch).await?;
    // Its own payload, which would succeed.
    let request = stage.keyed(elsewhere.request(), &key);
    stage.refused(&request, Refused::Mismatch).await?;
    stage.effects(&elsewhere, 0).await?;
    stage.retry(&call, &key, &original).await?;
    stage.effects(&call, 1).await
}

async fn other_query(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let key = stage.key();
    let original = stage.original(&call, &key).await?;
    let request = stage.keyed(call.request().query("page=2"), &key);
    stage.refused(&request, Refused::Mismatch).await?;
    stage.retry(&call, &key, &original).await?;
    stage.effects(&call, 1).await
}

async fn other_method(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let key = stage.key();
    let original = stage.original(&call, &key).await?;
    let mut request = stage.keyed(call.request(), &key);
    request.method = stage.probe("other_method").await?.request().method;
    stage.refused(&request, Refused::Mismatch).await?;
    stage.retry(&call, &key, &original).await?;
    stage.effects(&call, 1).await
}

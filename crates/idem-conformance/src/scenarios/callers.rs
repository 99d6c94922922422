//! Two callers with one key.

use std::collections::BTreeMap;

use super::SECURITY;
use crate::{
    need::Need,
    profile::Callers,
    scenario::Scenario,
    stage::{Call, Check, Failure, Refused, Stage},
    wire::Request,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "callers/strangers",
        "26",
        "Another caller never gets the first one's answer; where nothing but credentials tells them \
         apart, the second is refused.",
        SECURITY,
        |stage| Box::pin(strangers(stage)),
    )
    .needs(&[Need::Strangers]),
    Scenario::new(
        "callers/tenants",
        "27",
        "Callers that the server knows have keys of their own.",
        SECURITY,
        |stage| Box::pin(tenants(stage)),
    )
    .needs(&[Need::Tenants]),
    Scenario::new(
        "callers/refreshed",
        "27",
        "A caller with new credentials is the same caller.",
        "idem design",
        |stage| Box::pin(refreshed(stage)),
    )
    .needs(&[Need::RefreshedTenant]),
];

fn callers(callers: Option<&Callers>) -> Check<&Callers> {
    callers.ok_or_else(|| Failure::new("the profile names no callers"))
}

/// A call by a caller.
fn by(stage: &Stage, call: &Call<'_>, key: &str, headers: &BTreeMap<String, String>) -> Request {
    let headers = headers.iter();
    headers.fold(
        stage.keyed(call.request(), key),
        |request, (name, value)| request.set_header(name, value.as_str()),
    )
}

async fn strangers(stage: &Stage) -> Check {
    let callers = callers(stage.profile().api.strangers.as_ref())?;
    let (call, another) = (stage.operation().await?, stage.operation().await?);
    let key = stage.key();
    let first = by(stage, &call, &key, &callers.one);
    let original = stage.send(&first).await?;
    stage.fresh(&call, &original)?;
    for call in [&call, &another] {
        let other = by(stage, call, &key, &callers.other);
        stage.refused(&other, Refused::Mismatch).await?;
    }
    stage.replayed(&first, &original).await?;
    stage.effects(&call, 1).await?;
    stage.effects(&another, 0).await
}

async fn tenants(stage: &Stage) -> Check {
    let callers = callers(stage.profile().api.tenants.as_ref())?;
    let call = stage.operation().await?;
    let key = stage.key();
    let mut originals = Vec::new();
    for headers in [&callers.one, &callers.other] {
        let request = by(stage, &call, &key, headers);
        let original = stage.send(&request).await?;
        stage.fresh(&call, &original)?;
        originals.push((request, original));
    }
    for (request, original) in &originals {
        stage.replayed(request, original).await?;
    }
    stage.effects(&call, 2).await
}

async fn refreshed(stage: &Stage) -> Check {
    let callers = callers(stage.profile().api.tenants.as_ref())?;
    let refreshed = callers.refreshed.as_ref();
    let refreshed =
        refreshed.ok_or_else(|| Failure::new("the profile names no new credentials"))?;
    let call = stage.operation().await?;
    let key = stage.key();
    let original = stage.send(&by(stage, &call, &key, &callers.one)).await?;
    stage.fresh(&call, &original)?;
    stage
        .replayed(&by(stage, &call, &key, refreshed), &original)
        .await?;
    stage.effects(&call, 1).await
}

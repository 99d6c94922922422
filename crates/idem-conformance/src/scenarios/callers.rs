//! Two callers with one key.

use std::collections::BTreeMap;

use super::{IDEM, SECURITY};
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
        |stage| Box::pin(strangers(stage, stage.profile().api.strangers.as_ref())),
    )
    .needs(&[Need::Strangers]),
    Scenario::new(
        "callers/api-keys",
        "26",
        "A caller with another API key is refused, and never gets the first one's answer.",
        SECURITY,
        |stage| Box::pin(strangers(stage, stage.profile().api.api_keys.as_ref())),
    )
    .needs(&[Need::ApiKeys]),
    Scenario::new(
        "callers/cookie-lines",
        "91",
        "Cookies in several lines or in one are the same credentials, and each of them counts.",
        "RFC 9113, section 8.2.3",
        |stage| Box::pin(cookie_lines(stage)),
    )
    .needs(&[Need::Cookies]),
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
        IDEM,
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

async fn strangers(stage: &Stage, two: Option<&Callers>) -> Check {
    let callers = callers(two)?;
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

async fn cookie_lines(stage: &Stage) -> Check {
    let callers = callers(stage.profile().api.cookies.as_ref())?;
    let call = stage.operation().await?;
    let forms: [Form; 2] = [in_lines, in_one_line];
    for (first, retry) in [(forms[0], forms[1]), (forms[1], forms[0])] {
        let key = stage.key();
        let sent = |form: Form, headers| form(by(stage, &call, &key, headers));
        let original = stage.send(&sent(first, &callers.one)).await?;
        stage.fresh(&call, &original)?;
        let replay = stage.send(&sent(retry, &callers.one)).await?;
        stage.is_replay(&original, &replay)?;
        for form in forms {
            let other = sent(form, &callers.other);
            stage.refused(&other, Refused::Mismatch).await?;
        }
    }
    stage.effects(&call, 2).await
}

/// How a request carries its cookies.
type Form = fn(Request) -> Request;

fn in_one_line(request: Request) -> Request {
    request
}

/// Each cookie in a line of its own.
fn in_lines(mut request: Request) -> Request {
    let lines = std::mem::take(&mut request.headers).into_iter();
    let lines = lines.flat_map(|(name, value)| {
        let parts = match &*name {
            "cookie" => value
                .split(|byte| *byte == b';')
                .map(<[u8]>::to_vec)
                .collect(),
            _ => vec![value],
        };
        let parts = parts.into_iter();
        parts.map(move |part| (name.clone(), part.trim_ascii().to_vec()))
    });
    request.headers = lines.collect();
    request
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

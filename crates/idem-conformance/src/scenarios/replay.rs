//! The replay is the original.

use super::{ENFORCEMENT, IDEM};
use crate::{
    compare::named_by_connection,
    need::Need,
    scenario::Scenario,
    stage::{Check, Failure, Stage},
    wire::Answer,
};

const CONNECTION: &str = "RFC 9110, section 7.6.1";

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "replay/identical",
        "39",
        "A replay has the status, the headers and the body bytes of the original.",
        ENFORCEMENT,
        |stage| Box::pin(identical(stage)),
    ),
    Scenario::new(
        "replay/no-content",
        "40",
        "An answer without a body is replayed.",
        ENFORCEMENT,
        |stage| Box::pin(no_content(stage)),
    )
    .needs(&[
        Need::Probe("no_content"),
        Need::MarkerOrEffects("no_content"),
    ]),
    Scenario::new(
        "replay/location",
        "40",
        "An answer that is only a Location is replayed.",
        ENFORCEMENT,
        |stage| Box::pin(location(stage)),
    )
    .needs(&[Need::Probe("location"), Need::MarkerOrEffects("location")]),
    Scenario::new(
        "replay/binary",
        "41",
        "A body that is not text is replayed byte for byte.",
        ENFORCEMENT,
        |stage| Box::pin(binary(stage)),
    )
    .needs(&[Need::Probe("binary"), Need::MarkerOrEffects("binary")]),
    Scenario::new(
        "replay/repeated-headers",
        "42",
        "A header of several lines keeps their number and order.",
        "RFC 9110, section 5.3",
        |stage| Box::pin(repeated_headers(stage)),
    )
    .needs(&[
        Need::Probe("repeated_headers"),
        Need::MarkerOrEffects("repeated_headers"),
    ]),
    Scenario::new(
        "replay/set-cookie",
        "42",
        "Set-Cookie is not replayed: a session is handed out once.",
        IDEM,
        |stage| Box::pin(set_cookie(stage)),
    )
    .needs(&[
        Need::Probe("set_cookie"),
        Need::MarkerOrEffects("set_cookie"),
    ]),
    Scenario::new(
        "replay/hop-by-hop",
        "42",
        "Headers of one connection, and those that Connection names, are not replayed.",
        CONNECTION,
        |stage| Box::pin(hop_by_hop(stage)),
    )
    .needs(&[
        Need::Probe("hop_by_hop"),
        Need::MarkerOrEffects("hop_by_hop"),
    ]),
    Scenario::new(
        "replay/date",
        "42",
        "The date of a replay is its own, not the original's.",
        "RFC 9110, section 6.6.1",
        |stage| Box::pin(date(stage)),
    )
    .needs(&[Need::Probe("dated"), Need::MarkerOrEffects("dated")]),
];

/// A probe's first answer, which is as the scenario needs it, and its replay.
async fn original_and_replay(
    stage: &Stage,
    probe: &str,
    is_fit: impl Fn(&Answer) -> bool,
) -> Check<(Answer, Answer)> {
    let call = stage.probe(probe).await?;
    let key = stage.key();
    let original = stage.original(&call, &key).await?;
    if !is_fit(&original) {
        let problem = format!("the operation does not answer as [probes.{probe}] needs it");
        return Err(Failure::at(&original, problem));
    }
    let replay = stage.retry(&call, &key, &original).await?;
    stage.effects(&call, 1).await?;
    Ok((original, replay))
}

async fn identical(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let key = stage.key();
    let original = stage.original(&call, &key).await?;
    for _ in 0..3 {
        let replay = stage.retry(&call, &key, &original).await?;
        stage.is_identical(&original, &replay)?;
    }
    stage.effects(&call, 1).await
}

async fn no_content(stage: &Stage) -> Check {
    let is_fit = |answer: &Answer| answer.status == 204;
    let (original, replay) = original_and_replay(stage, "no_content", is_fit).await?;
    stage.is_identical(&original, &replay)
}

async fn location(stage: &Stage) -> Check {
    let is_fit = |answer: &Answer| answer.has("location") && answer.body.is_empty();
    let (original, replay) = original_and_replay(stage, "location", is_fit).await?;
    stage.is_identical(&original, &replay)
}

async fn binary(stage: &Stage) -> Check {
    let is_fit = |answer: &Answer| std::str::from_utf8(&answer.body).is_err();
    let (original, replay) = original_and_replay(stage, "binary", is_fit).await?;
    stage.is_identical(&original, &replay)
}

async fn repeated_headers(stage: &Stage) -> Check {
    let is_fit = |answer: &Answer| {
        let names = answer.headers.iter().map(|(name, _)| name);
        let mut names = names.filter(|name| *name != "set-cookie");
        names.any(|name| answer.values(name).len() > 1)
    };
    let (original, replay) = original_and_replay(stage, "repeated_headers", is_fit).await?;
    stage.is_identical(&original, &replay)
}

async fn set_cookie(stage: &Stage) -> Check {
    let is_fit = |answer: &Answer| answer.has("set-cookie");
    let (original, replay) = original_and_replay(stage, "set_cookie", is_fit).await?;
    is_without(&replay, "set-cookie")?;
    stage.is_identical(&original, &replay)
}

fn is_without(replay: &Answer, name: &str) -> Check {
    if replay.has(name) {
        let problem = format!("the header `{name}` must not be replayed, and is there");
        return Err(Failure::at(replay, problem));
    }
    Ok(())
}

/// Headers of one connection, apart from those that servers add to any answer.
fn connection_headers(answer: &Answer) -> Vec<String> {
    let mut names = named_by_connection(answer);
    if answer.has("keep-alive") {
        names.push("keep-alive".to_owned());
    }
    names.retain(|name| !matches!(name.as_str(), "close" | "keep-alive") || answer.has(name));
    names.dedup();
    names
}

async fn hop_by_hop(stage: &Stage) -> Check {
    let is_fit = |answer: &Answer| !connection_headers(answer).is_empty();
    let (original, replay) = original_and_replay(stage, "hop_by_hop", is_fit).await?;
    for name in connection_headers(&original) {
        is_without(&replay, &name)?;
    }
    stage.is_identical(&original, &replay)
}

async fn date(stage: &Stage) -> Check {
    let (original, replay) =
        original_and_replay(stage, "dated", |answer| answer.has("date")).await?;
    let (before, after) = (original.values("date"), replay.values("date"));
    if after.len() > 1 || before == after {
        let problem = "the replay has the original's date; it must have its own, in one line";
        return Err(Failure::at(&replay, problem));
    }
    stage.is_identical(&original, &replay)
}

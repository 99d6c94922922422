//! Whether there is a key, and which key it is.

use super::{ERRORS, IDEM, SYNTAX};
use crate::{
    need::Need,
    profile::{KeySyntax, Shape},
    scenario::Scenario,
    stage::{Check, Failure, Refused, Stage},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "key/missing",
        "1, 2",
        "Without a key a request runs each time, or is refused where the profile requires one.",
        ERRORS,
        |stage| Box::pin(missing(stage)),
    ),
    Scenario::new(
        "key/quoted-and-bare",
        "5",
        "\"k\" and k are one key; a strict server refuses the one without quotes.",
        SYNTAX,
        |stage| Box::pin(quoted_and_bare(stage)),
    )
    .needs(&[Need::Quotes]),
    Scenario::new(
        "key/escapes",
        "6",
        "A quoted key may hold an escaped quote and an escaped backslash.",
        SYNTAX,
        |stage| Box::pin(escapes(stage)),
    )
    .needs(&[Need::AnyKey, Need::Quotes]),
    Scenario::new(
        "key/longest",
        "10",
        "A key of the longest length works.",
        IDEM,
        |stage| Box::pin(longest(stage)),
    )
    .needs(&[Need::AnyKey]),
    Scenario::new(
        "key/case",
        "11",
        "Keys that differ in case only are two keys.",
        IDEM,
        |stage| Box::pin(case(stage)),
    )
    .needs(&[Need::AnyKey]),
];

async fn missing(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    stage.original(&call, &stage.key()).await?;
    let call = stage.operation().await?;
    if stage.profile().conventions.key.required {
        let answer = stage.refused(&call.request(), Refused::KeyMissing).await?;
        if stage.profile().conventions.refusals.shape == Shape::Problem {
            links_to_documentation(&answer)?;
        }
        return stage.effects(&call, 0).await;
    }
    for _ in 0..2 {
        let answer = stage.send(&call.request()).await?;
        stage.fresh(&call, &answer)?;
    }
    stage.effects(&call, 2).await
}

/// The answer names its documentation as the draft shows it: by a `Link` (RFC 8288).
fn links_to_documentation(answer: &crate::wire::Answer) -> Check {
    let is_link = |value: &&[u8]| {
        let value = String::from_utf8_lossy(value).replace('"', "");
        value.starts_with('<') && value.contains("rel=describedby")
    };
    if answer.values("link").iter().any(is_link) {
        return Ok(());
    }
    let problem = "the refusal must link to the documentation: Link: <…>; rel=\"describedby\"";
    Err(Failure::at(answer, problem))
}

async fn quoted_and_bare(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let key = stage.key();
    let original = stage.original(&call, &key).await?;
    let bare = stage.with_key_line(call.request(), key);
    match stage.profile().conventions.key.syntax {
        KeySyntax::Strict => stage.refused(&bare, Refused::KeyInvalid).await?,
        KeySyntax::Lenient | KeySyntax::Bare => stage.replayed(&bare, &original).await?,
    };
    stage.effects(&call, 1).await
}

async fn escapes(stage: &Stage) -> Check {
    let token = stage.key();
    let mut originals = Vec::new();
    for end in [r#"\"b\\c"#, r#"\"b\\d"#] {
        let call = stage.operation().await?;
        let request = stage.with_key_line(call.request(), format!("\"{token}{end}\""));
        let answer = stage.send(&request).await?;
        stage.fresh(&call, &answer)?;
        originals.push((call, request, answer));
    }
    for (call, request, original) in &originals {
        stage.replayed(request, original).await?;
        stage.effects(call, 1).await?;
    }
    Ok(())
}

async fn longest(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let key = key_of_length(stage, stage.profile().conventions.key.longest);
    let original = stage.original(&call, &key).await?;
    stage.retry(&call, &key, &original).await?;
    // A server that cuts keys off takes two long ones for one.
    let mut other = key;
    other.replace_range(other.len() - 1.., "y");
    let call = stage.operation().await?;
    stage.original(&call, &other).await?;
    stage.effects(&call, 1).await
}

/// A fresh key of a length.
pub(super) fn key_of_length(stage: &Stage, length: usize) -> String {
    let mut key = stage.key();
    while key.len() < length {
        key.push('x');
    }
    key.truncate(length);
    key
}

async fn case(stage: &Stage) -> Check {
    let key = format!("{}abc", stage.key());
    for key in [key.clone(), key.to_ascii_uppercase()] {
        let call = stage.operation().await?;
        let original = stage.original(&call, &key).await?;
        stage.retry(&call, &key, &original).await?;
        stage.effects(&call, 1).await?;
    }
    Ok(())
}

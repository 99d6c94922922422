//! Looks at the server before the scenarios, and says what of the profile does not fit it.
//!
//! A profile that is wrong in one place fails everywhere. So the operation is called once as the profile has it, and
//! where that fails for a reason that is known, the run ends with the line that would mend it.

use std::time::{Duration, Instant};

use futures_util::future::{self, Either};

use crate::{
    profile::{Conventions, Duplicates, KeyFormat, KeySyntax, Profile},
    stage::{Check, Refused, Scenery, Stage},
    template::Values,
    wire::Answer,
};

/// Of two requests that were sent at once, the second has come long before the first one's answer takes this long.
const LONG_ENOUGH: Duration = Duration::from_millis(150);

/// What of the profile does not fit the server, and the option that would.
pub(crate) async fn survey(scenery: &Scenery, asks_duplicates: bool) -> Option<String> {
    match call(&Stage::new(scenery.clone(), "survey")).await {
        Called::Succeeded => {}
        Called::Answered(status) => return unfit(scenery, status).await,
        Called::Silent => return None,
    }
    let profile = &scenery.profile;
    let is_refused = profile.conventions.refusals.duplicates == Duplicates::Refused;
    if is_refused && asks_duplicates && profile.api.slow.is_some() {
        let stage = Stage::new(scenery.clone(), "survey/duplicates");
        return waits(&stage).await.ok().flatten();
    }
    None
}

/// What came of the operation, with its setup.
enum Called {
    Succeeded,
    /// The last answer's status, without a refusal's code.
    Answered(Status),
    /// Nothing came, or nothing that tells anything.
    Silent,
}

#[derive(Clone, Copy)]
struct Status {
    code: u16,
    has_code_header: bool,
}

async fn call(stage: &Stage) -> Called {
    match answered(stage).await {
        Ok(answer)
            if stage
                .profile()
                .api
                .operation
                .success
                .contains(answer.status) =>
        {
            Called::Succeeded
        }
        _ => stage.last_answer().map_or(Called::Silent, |answer| {
            let code_header = &stage.profile().conventions.refusals.code_header;
            Called::Answered(Status {
                code: answer.status,
                has_code_header: !code_header.is_empty() && answer.has(code_header),
            })
        }),
    }
}

async fn answered(stage: &Stage) -> Check<Answer> {
    let call = stage.operation().await?;
    stage.send(&stage.keyed(call.request(), &stage.key())).await
}

/// Why the operation does not work, where that is known.
async fn unfit(scenery: &Scenery, status: Status) -> Option<String> {
    let operation = &scenery.profile.api.operation;
    match status.code {
        code @ (401 | 403) => Some(format!(
            "the operation is answered {code}: give the server credentials, by --header 'Authorization: …' or \
             in [headers] of the profile"
        )),
        400..=499 => match other_keys(scenery).await {
            Some(advice) => Some(advice),
            None if status.has_code_header => None,
            None => match status.code {
                404 | 405 => Some(format!(
                    "the operation is answered {}: name another path or method in [operation] of the profile \
                     (it sends {} {})",
                    status.code,
                    operation.method,
                    operation.path.fill(&Values::default()),
                )),
                415 => Some(format!(
                    "the operation is answered 415: name another content_type in [operation] of the profile (it \
                     is {:?})",
                    operation.content_type
                )),
                _ => None,
            },
        },
        code @ 200..=299 if !status.has_code_header => Some(format!(
            "the operation is answered {code}, which is no success in this profile ({}): set `success = [{code}]` \
             in [operation]",
            operation.success
        )),
        _ => None,
    }
}

/// The advice to send other keys, if the operation works with such.
async fn other_keys(scenery: &Scenery) -> Option<String> {
    let syntaxes = [
        scenery.profile.conventions.key.syntax,
        KeySyntax::Bare,
        KeySyntax::Lenient,
    ];
    for syntax in syntaxes {
        for (name, format) in [
            ("survey/text", KeyFormat::Any),
            ("survey/uuid", KeyFormat::Uuid),
        ] {
            let profile = with_keys(&scenery.profile, syntax, format);
            let changes = changes(&scenery.profile.conventions, &profile.conventions);
            if changes.is_empty() {
                continue;
            }
            let mut other = scenery.clone();
            other.profile = profile.into();
            if let Called::Succeeded = call(&Stage::new(other, name)).await {
                return Some(format!(
                    "the server takes other keys than the profile's: set {changes} in [key]"
                ));
            }
        }
    }
    None
}

fn with_keys(profile: &Profile, syntax: KeySyntax, format: KeyFormat) -> Profile {
    let mut profile = profile.clone();
    let key = &mut profile.conventions.key;
    (key.syntax, key.format) = (syntax, format);
    profile
}

/// The members of `[key]` that differ, as a profile has them.
fn changes(before: &Conventions, after: &Conventions) -> String {
    let (before, after) = (&before.key, &after.key);
    let mut changes = Vec::new();
    if before.format != after.format {
        changes.push(match after.format {
            KeyFormat::Any => "`format = \"any\"`",
            KeyFormat::Uuid => "`format = \"uuid\"`",
        });
    }
    let is_bare = |syntax| syntax == KeySyntax::Bare;
    if is_bare(before.syntax) != is_bare(after.syntax) {
        changes.push(if is_bare(after.syntax) {
            "`syntax = \"bare\"`"
        } else {
            "`syntax = \"lenient\"`"
        });
    }
    changes.join(" and ")
}

/// Whether a duplicate waits for the original, and the profile says otherwise.
async fn waits(stage: &Stage) -> Check<Option<String>> {
    let call = stage.slow().await?;
    let request = stage.keyed(call.request(), &stage.key());
    let start = Instant::now();
    let both = future::select(
        Box::pin(stage.send(&request)),
        Box::pin(stage.send(&request)),
    );
    let (first, second) = match both.await {
        Either::Left((answer, other)) | Either::Right((answer, other)) => (answer?, other),
    };
    let took = start.elapsed();
    if stage.is_refusal(&first, Refused::InProgress).is_ok() {
        // The original runs to its end, whatever a client that hangs up would do to it.
        second.await?;
        return Ok(None);
    }
    if took < LONG_ENOUGH || stage.fresh(&call, &first).is_err() && !stage.is_marked(&first) {
        return Ok(None);
    }
    let second = second.await?;
    // Whichever came first: one of both is the original, and the other its replay.
    let is_replay =
        stage.is_replay(&first, &second).is_ok() || stage.is_replay(&second, &first).is_ok();
    let waited = is_replay && stage.effects(&call, 1).await.is_ok();
    Ok(waited.then(|| {
        format!(
            "a duplicate waits for the original, and the profile says that it is answered {} at once: if it may \
             wait, set `duplicates = \"wait\"` in [refusals]",
            stage.status_of(Refused::InProgress)
        )
    }))
}

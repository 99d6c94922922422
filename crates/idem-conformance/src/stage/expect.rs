//! What an answer must be.

use serde_json::Value;

use super::{Call, Check, Failure, Stage};
use crate::{
    compare::differences,
    profile::Shape,
    wire::{Answer, Request},
};

/// Why a request must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    KeyMissing,
    KeyInvalid,
    PayloadTooLarge,
    Mismatch,
    InProgress,
    NotKept,
}

impl Refused {
    fn reason(self) -> &'static str {
        match self {
            Self::KeyMissing => "its key is missing",
            Self::KeyInvalid => "its key is not valid",
            Self::PayloadTooLarge => "its payload is over the limit",
            Self::Mismatch => "its key was used before with another request",
            Self::InProgress => "the original is still running",
            Self::NotKept => "the original's response was not kept",
        }
    }
}

impl Stage {
    /// Sends a call for the first time under a key; it must succeed, and not be a replay.
    pub(crate) async fn original(&self, call: &Call<'_>, key: &str) -> Check<Answer> {
        let answer = self.send(&self.keyed(call.request(), key)).await?;
        self.fresh(call, &answer)?;
        Ok(answer)
    }

    /// Sends a call again under its key; it must be replayed.
    pub(crate) async fn retry(
        &self,
        call: &Call<'_>,
        key: &str,
        original: &Answer,
    ) -> Check<Answer> {
        self.replayed(&self.keyed(call.request(), key), original)
            .await
    }

    /// Sends a request that must be answered with the original's answer.
    pub(crate) async fn replayed(&self, request: &Request, original: &Answer) -> Check<Answer> {
        let answer = self.send(request).await?;
        self.is_replay(original, &answer)?;
        Ok(answer)
    }

    /// Sends a request that must be refused.
    pub(crate) async fn refused(&self, request: &Request, why: Refused) -> Check<Answer> {
        let answer = self.send(request).await?;
        self.is_refusal(&answer, why)?;
        Ok(answer)
    }

    /// The operation ran, and it succeeded.
    pub(crate) fn fresh(&self, call: &Call<'_>, answer: &Answer) -> Check {
        let success = &call.operation().success;
        if !success.contains(answer.status) {
            let problem = format!(
                "this request must run and be answered {success}, and was answered {}",
                answer.status
            );
            return Err(Failure::at(answer, problem));
        }
        self.is_unmarked(answer)
    }

    /// The answer does not say that it is a replay.
    pub(crate) fn is_unmarked(&self, answer: &Answer) -> Check {
        if !self.is_marked(answer) {
            return Ok(());
        }
        let problem = format!(
            "the answer to a request that nobody has sent before is marked as a replay \
             (`{}: {}`); a run with a seed that was used before sends the same requests again",
            self.profile().conventions.replay.marker,
            self.profile().conventions.replay.value,
        );
        Err(Failure::at(answer, problem))
    }

    pub(crate) fn is_marked(&self, answer: &Answer) -> bool {
        let replay = &self.profile().conventions.replay;
        self.profile().marks_replays()
            && answer
                .values(&replay.marker)
                .iter()
                .any(|value| value.eq_ignore_ascii_case(replay.value.as_bytes()))
    }

    /// The answer is the original's again, by its marker, or by all that it holds.
    pub(crate) fn is_replay(&self, original: &Answer, answer: &Answer) -> Check {
        let replay = &self.profile().conventions.replay;
        let differences = differences(original, answer, &self.may_differ());
        if !self.profile().marks_replays() {
            return match differences.first() {
                None => Ok(()),
                Some(difference) => Err(Failure::at(
                    answer,
                    format!("the original's answer must come again, but {difference}"),
                )),
            };
        }
        if original.status != answer.status {
            let problem = format!(
                "the original's answer ({}) must come again, and {} came",
                original.status, answer.status
            );
            return Err(Failure::at(answer, problem));
        }
        if self.is_marked(answer) {
            return Ok(());
        }
        let problem = if differences.is_empty() {
            format!(
                "the replay is not marked with `{}: {}`",
                replay.marker, replay.value
            )
        } else {
            "the request was executed again: its answer is another one, and not marked as a replay"
                .to_owned()
        };
        Err(Failure::at(answer, problem))
    }

    /// The replay has the original's status, headers and body bytes.
    pub(crate) fn is_identical(&self, original: &Answer, answer: &Answer) -> Check {
        let differences = differences(original, answer, &self.may_differ());
        if differences.is_empty() {
            return Ok(());
        }
        let problem = format!("the replay is not the original: {}", differences.join("; "));
        Err(Failure::at(answer, problem))
    }

    fn may_differ(&self) -> Vec<String> {
        let replay = &self.profile().conventions.replay;
        replay
            .differs
            .iter()
            .chain([&replay.marker])
            .cloned()
            .collect()
    }

    /// The request was refused for this reason, with the profile's status, and nothing was replayed.
    pub(crate) fn is_refusal(&self, answer: &Answer, why: Refused) -> Check {
        let status = self.status_of(why);
        if answer.status != status {
            let problem = format!(
                "this request must be refused with {status}, because {}, and was answered {}{}",
                why.reason(),
                answer.status,
                if self.is_marked(answer) {
                    " as a replay"
                } else {
                    ""
                }
            );
            return Err(Failure::at(answer, problem));
        }
        if self.is_marked(answer) {
            return Err(Failure::at(answer, "a refusal is marked as a replay"));
        }
        let code_header = &self.profile().conventions.refusals.code_header;
        if !code_header.is_empty() && !answer.has(code_header) {
            let problem = format!(
                "the answer has a refusal's status and not its header `{code_header}`: it may be the \
                 operation's own, and the request must be refused because {}",
                why.reason()
            );
            return Err(Failure::at(answer, problem));
        }
        Ok(())
    }

    pub(crate) fn status_of(&self, why: Refused) -> u16 {
        let refusals = &self.profile().conventions.refusals;
        match why {
            Refused::KeyMissing => refusals.key_missing,
            Refused::KeyInvalid => refusals.key_invalid,
            Refused::PayloadTooLarge => refusals.payload_too_large,
            Refused::Mismatch => refusals.mismatch,
            Refused::InProgress => refusals.in_progress,
            Refused::NotKept => refusals.not_kept,
        }
    }

    /// The body of a refusal has the profile's shape.
    pub(crate) fn is_shaped(&self, answer: &Answer) -> Check {
        let (media_type, members): (_, &[_]) = match self.profile().conventions.refusals.shape {
            Shape::Any => return Ok(()),
            Shape::Message => ("application/json", &["message"]),
            Shape::Problem => ("application/problem+json", &["type", "title", "detail"]),
        };
        let sent = answer.text_of("content-type").unwrap_or_default();
        let essence = sent.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(media_type) {
            let problem = format!("a refusal's content type must be {media_type}, and is {sent:?}");
            return Err(Failure::at(answer, problem));
        }
        let body: Value = serde_json::from_slice(&answer.body).map_err(|error| {
            Failure::at(answer, format!("a refusal's body must be JSON: {error}"))
        })?;
        for member in members {
            if body[member].as_str().is_none_or(str::is_empty) {
                return Err(Failure::at(
                    answer,
                    format!("a refusal's body must have the text `{member}`"),
                ));
            }
        }
        let is_problem = self.profile().conventions.refusals.shape == Shape::Problem;
        if is_problem && body["status"] != answer.status {
            let problem = format!(
                "a problem's `status` must be {}, and is {}",
                answer.status, body["status"]
            );
            return Err(Failure::at(answer, problem));
        }
        Ok(())
    }

    /// An operation took effect this often, where the profile says how to count.
    pub(crate) async fn effects(&self, call: &Call<'_>, expected: usize) -> Check {
        let Some((found, answer)) = self.count(call).await? else {
            return Ok(());
        };
        if found == expected {
            return Ok(());
        }
        let times = |number| match number {
            0 => "not at all".to_owned(),
            1 => "once".to_owned(),
            number => format!("{number} times"),
        };
        let problem = format!(
            "the operation must take effect {}, and did so {}",
            times(expected),
            times(found)
        );
        Err(Failure::at(&answer, problem))
    }

    /// How often an operation took effect.
    pub(crate) async fn count(&self, call: &Call<'_>) -> Check<Option<(usize, Answer)>> {
        let Some(effects) = self.profile().effects_of(call.operation()) else {
            return Ok(None);
        };
        let answer = self
            .send(&Request::new("GET", call.fill(&effects.path)))
            .await?;
        if !(200..300).contains(&answer.status) {
            let problem = format!(
                "the effects must be listed, and the answer was {}",
                answer.status
            );
            return Err(Failure::at(&answer, problem));
        }
        let needle = call.fill(&effects.needle);
        let found = String::from_utf8_lossy(&answer.body)
            .matches(&needle)
            .count();
        Ok(Some((found, answer)))
    }
}

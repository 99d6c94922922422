//! What a refusal must be.

use serde_json::Value;

use super::{Check, Failure, Stage};
use crate::{
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
    /// Sends a request that must be refused.
    pub(crate) async fn refused(&self, request: &Request, why: Refused) -> Check<Answer> {
        let answer = self.send(request).await?;
        self.is_refusal(&answer, why)?;
        Ok(answer)
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
}

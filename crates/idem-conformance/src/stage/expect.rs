//! What an answer must be.

use super::{Call, Check, Failure, Stage};
use crate::{
    compare::differences,
    wire::{Answer, Request},
};

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
        let code_header = &self.profile().conventions.refusals.code_header;
        if !code_header.is_empty() && answer.has(code_header) {
            let problem = format!("this request must run, and was refused (`{code_header}`)");
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
}

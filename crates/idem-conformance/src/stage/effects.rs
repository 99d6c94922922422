//! How often an operation took effect.

use super::{Call, Check, Failure, Stage};
use crate::wire::{Answer, Request};

impl Stage {
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

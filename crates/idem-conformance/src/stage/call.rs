//! An operation made ready to be called: its setup has run, and its payload is its own.

use super::{Check, Failure, Stage};
use crate::{
    profile::Operation,
    template::{Template, Values},
    wire::{Answer, Request},
};

/// A call of an operation, with values of its own.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    operation: &'a Operation,
    values: Values,
}

impl Stage {
    /// Makes the profile's main operation ready.
    pub(crate) async fn operation(&self) -> Check<Call<'_>> {
        self.call(&self.profile().api.operation).await
    }

    /// Makes a probe ready that the scenario needs.
    pub(crate) async fn probe(&self, name: &str) -> Check<Call<'_>> {
        let probe = self.profile().api.probes.find(name);
        self.call(probe.ok_or_else(|| missing(name))?).await
    }

    /// Makes the slow operation ready.
    pub(crate) async fn slow(&self) -> Check<Call<'_>> {
        let slow = self.profile().api.slow.as_ref();
        self.call(slow.ok_or_else(|| missing("slow"))?).await
    }

    /// Makes an operation ready: runs its setup, under keys of its own.
    pub(crate) async fn call<'a>(&self, operation: &'a Operation) -> Check<Call<'a>> {
        let mut values = Values::default();
        values.set("unique", self.token('u'));
        values.set("other", self.token('o'));
        for step in &operation.setup {
            let request = Request::new(&step.method, step.path.fill(&values))
                .header("content-type", step.content_type.as_str())
                .body(step.body.fill(&values));
            let answer = self.send(&self.keyed(request, &self.key())).await?;
            if !step.success.contains(answer.status) {
                let problem = format!(
                    "a setup step must be answered {}, and was answered {}",
                    step.success, answer.status
                );
                return Err(Failure::at(&answer, problem));
            }
            for (name, pointer) in &step.capture {
                values.set(name, captured(&answer, pointer)?);
            }
        }
        Ok(Call { operation, values })
    }
}

fn missing(name: &str) -> Failure {
    Failure::new(format!("the profile names no operation for {name}"))
}

/// The text or number at a JSON Pointer in an answer's body.
fn captured(answer: &Answer, pointer: &str) -> Check<String> {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).map_err(|_| {
        Failure::at(
            answer,
            "a setup step's answer is no JSON, and a value is to be captured from it",
        )
    })?;
    match body.pointer(pointer) {
        Some(serde_json::Value::String(text)) => Ok(text.clone()),
        Some(serde_json::Value::Number(number)) => Ok(number.to_string()),
        _ => Err(Failure::at(
            answer,
            format!("a setup step's answer has no text or number at {pointer:?}"),
        )),
    }
}

impl<'a> Call<'a> {
    pub(crate) fn operation(&self) -> &'a Operation {
        self.operation
    }

    /// The request, without a key.
    pub(crate) fn request(&self) -> Request {
        let operation = self.operation;
        let mut request =
            Request::new(&operation.method, operation.path.fill(&self.values)).body(self.body());
        if !operation.content_type.is_empty() {
            request = request.header("content-type", operation.content_type.as_str());
        }
        for (name, value) in &operation.headers {
            request = request.set_header(name, value.as_str());
        }
        request
    }

    /// A call of another operation with this one's values.
    pub(crate) fn of<'b>(&self, operation: &'b Operation) -> Call<'b> {
        Call {
            operation,
            values: self.values.clone(),
        }
    }

    /// The body as text.
    pub(crate) fn body(&self) -> String {
        self.operation.body.fill(&self.values)
    }

    pub(crate) fn unique(&self) -> &str {
        self.values.value("unique").unwrap_or_default()
    }

    /// The same call with another value at a place.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.values.set(name, value);
        self
    }

    pub(crate) fn fill(&self, template: &Template) -> String {
        template.fill(&self.values)
    }
}

//! The toy server's refusals.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::defect::Defect;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    KeyMissing,
    KeyInvalid,
    Mismatch,
    /// `told` others were told so before.
    InProgress {
        told: u64,
    },
    NotKept,
    TooLarge,
}

impl Refusal {
    pub(crate) fn status(self, conventions: &str) -> u16 {
        match self {
            Self::KeyMissing | Self::KeyInvalid => 400,
            Self::Mismatch if conventions == "ietf" => 422,
            Self::Mismatch => 400,
            Self::InProgress { .. } if conventions == "reference" => 202,
            Self::InProgress { .. } | Self::NotKept => 409,
            Self::TooLarge => 413,
        }
    }

    pub(crate) fn answer(self, conventions: &str, defect: Defect) -> Response {
        let status = match (self, defect) {
            (Self::InProgress { .. }, Defect::InProgressIsAnotherStatus) => 425,
            _ => self.status(conventions),
        };
        let detail = format!("refused: {self:?}");
        let (media_type, body) = match conventions {
            _ if defect == Defect::RefusesWithPlainText => ("text/plain", detail),
            "ietf" if defect != Defect::ProblemsAreMessages => {
                let kind = "https://goats.example/idempotency";
                let mut problem =
                    json!({ "type": kind, "title": "No", "status": status, "detail": detail });
                if defect == Defect::ProblemsHaveNoStatus {
                    problem["status"] = json!(null);
                }
                ("application/problem+json", problem.to_string())
            }
            "ietf" => (
                "application/problem+json",
                json!({ "message": detail }).to_string(),
            ),
            _ => ("application/json", json!({ "message": detail }).to_string()),
        };
        let media_type = match defect {
            Defect::RefusesAsAnotherType => "text/plain",
            _ => media_type,
        };
        let status = StatusCode::from_u16(status).unwrap();
        let mut answer = (status, [(header::CONTENT_TYPE, media_type)], body).into_response();
        let headers = answer.headers_mut();
        headers.insert("idempotency-refusal", "refused".parse().unwrap());
        if conventions == "ietf" && defect != Defect::RefusesWithoutALink {
            let link = "<https://goats.example/idempotency>; rel=\"describedby\"";
            headers.insert(header::LINK, link.parse().unwrap());
        }
        if let Self::InProgress { told } = self {
            let seconds = match defect {
                Defect::NoRetryAfter => return answer,
                Defect::RetryAfterIsZero => 0,
                Defect::RetryAfterIsTheLease => 30,
                Defect::RetryAfterShrinks => 5_u64.saturating_sub(told).max(1),
                _ => 1,
            };
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        answer
    }
}

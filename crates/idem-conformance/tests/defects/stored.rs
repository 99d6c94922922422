//! What the toy server keeps of an answer.

use axum::{
    body::{Body as AxumBody, Bytes},
    http::{HeaderName, HeaderValue},
    response::{IntoResponse, Response},
};

use crate::{
    defect::Defect,
    routes::{Body, RESPONSE_LIMIT, Reply},
};

/// An answer that is kept, or the word that it was not.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Bytes,
    },
    NotKept,
}

impl Stored {
    pub(crate) fn of(reply: &Reply, defect: Defect) -> Self {
        let Body::Whole(body) = &reply.body else {
            return Self::NotKept;
        };
        if body.len() > RESPONSE_LIMIT && defect != Defect::ReplaysLargeResponses {
            return Self::NotKept;
        }
        Self::Answer {
            status: reply.status,
            headers: kept(reply, defect),
            body: body.clone().into(),
        }
    }

    /// The replay.
    pub(crate) fn replay(&self, defect: Defect) -> Option<Response> {
        let Self::Answer {
            status,
            headers,
            body,
        } = self
        else {
            return None;
        };
        let body = match defect {
            Defect::WritesBodiesAnew => anew(body),
            Defect::ReplaysAsText => String::from_utf8_lossy(body).into_owned().into(),
            _ => body.clone(),
        };
        let mut answer = AxumBody::from(body).into_response();
        *answer.status_mut() = (*status).try_into().unwrap();
        for (name, value) in headers {
            let (name, value) = line(name, value);
            match defect {
                Defect::LosesRepeatedHeaders => drop(answer.headers_mut().insert(name, value)),
                _ => drop(answer.headers_mut().append(name, value)),
            }
        }
        if defect != Defect::NoMarkerOnReplays {
            mark(&mut answer);
        }
        Some(answer)
    }
}

pub(crate) fn mark(answer: &mut Response) {
    let marker = HeaderName::from_static("idempotency-replayed");
    answer
        .headers_mut()
        .insert(marker, HeaderValue::from_static("true"));
}

fn kept(reply: &Reply, defect: Defect) -> Vec<(&'static str, String)> {
    let is_kept = |name: &str| match name {
        "date" => defect == Defect::ReplaysTheDate,
        "set-cookie" => defect == Defect::ReplaysSetCookie,
        "connection" | "keep-alive" | "x-hop" => defect == Defect::ReplaysHopByHop,
        "location" => defect != Defect::ReplaysWithoutALocation,
        _ => true,
    };
    let headers = reply.headers.iter();
    headers.filter(|(name, _)| is_kept(name)).cloned().collect()
}

fn anew(body: &Bytes) -> Bytes {
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(json) => json.to_string().into(),
        Err(_) => body.clone(),
    }
}

/// The answer for the first client.
pub(crate) fn first(reply: Reply) -> Response {
    let mut answer = match reply.body {
        Body::Whole(bytes) => AxumBody::from(bytes),
        stream => AxumBody::from_stream(stream.pieces()),
    }
    .into_response();
    *answer.status_mut() = reply.status.try_into().unwrap();
    for (name, value) in &reply.headers {
        let (name, value) = line(name, value);
        answer.headers_mut().append(name, value);
    }
    answer
}

fn line(name: &'static str, value: &str) -> (HeaderName, HeaderValue) {
    (
        HeaderName::from_static(name),
        HeaderValue::try_from(value).unwrap(),
    )
}

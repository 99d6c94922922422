//! A toy server: idempotency as one might write it in an afternoon, right unless it is told to be
//! wrong. It shares nothing with the adapters but what makes two payloads the same.

use std::{
    error::Error,
    future::pending,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{self, Bytes},
    extract::{Request, State},
    http::{Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use http_body_util::LengthLimitError;
use tokio::net::TcpListener;

use crate::{
    defect::Defect,
    fingerprint, key,
    records::{Asked, Found, Identity, Records, Taken},
    refusal::Refusal,
    routes::{self, Body, Market, OUTSIDE_LIMIT, REQUEST_LIMIT, Reply, SHORT_RETENTION},
    stored::{self, Stored},
};

const PAUSE: Duration = Duration::from_millis(10);

#[derive(Clone)]
struct Toy {
    conventions: &'static str,
    defect: Defect,
    market: Arc<Market>,
    records: Records,
}

/// Starts the server and gives its base URL.
pub(crate) async fn start(conventions: &'static str, defect: Defect) -> String {
    let toy = Toy {
        conventions,
        defect,
        market: Arc::default(),
        records: Records::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(answer).with_state(toy);
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

async fn answer(State(toy): State<Toy>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if toy.has(Defect::WantsCredentials) && !head.headers.contains_key(header::AUTHORIZATION) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match toy.protect(&head, body).await {
        Ok(answer) => answer,
        Err(refusal) => refusal.answer(toy.conventions, toy.defect),
    }
}

impl Toy {
    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    async fn protect(&self, head: &Parts, body: body::Body) -> Result<Response, Refusal> {
        let key = if self.protects(head) {
            key::read(&head.headers, self.defect).map_err(|()| Refusal::KeyInvalid)?
        } else {
            None
        };
        let Some(key) = key else {
            let is_required = (self.conventions == "ietf") != self.has(Defect::RequiresOrNot);
            if self.protects(head) && is_required && !self.has(Defect::IgnoresKeys) {
                return Err(Refusal::KeyMissing);
            }
            let body = body::to_bytes(body, outside_limit(head)).await;
            let body = body.map_err(|_| Refusal::TooLarge)?;
            return Ok(stored::first(self.run(head, body).await));
        };
        let identity = Identity::of(&head.headers, key, self.defect);
        let body = self.read(head, body, &identity).await?;
        if self.has(Defect::NotTextIsAServerError) && std::str::from_utf8(&body).is_err() {
            return Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response());
        }
        let asked = fingerprint::of(head, &body, self.defect);
        loop {
            match self.find(&identity, &asked).await {
                Found::Nothing => return Ok(self.execute(head.clone(), body, identity).await),
                Found::Stored(stored) => return self.replay(head, body, &stored).await,
                Found::Refused(Refusal::InProgress { .. })
                    if self.has(Defect::DuplicatesWaitForEver) =>
                {
                    pending::<()>().await;
                }
                Found::Refused(Refusal::InProgress { .. })
                    if self.has(Defect::DuplicatesWaitForTheOriginal) =>
                {
                    tokio::time::sleep(PAUSE).await;
                }
                Found::Refused(Refusal::Mismatch) => {
                    return self.mismatch(head, body, &identity).await;
                }
                Found::Refused(refusal) => return Err(refusal),
            }
        }
    }

    fn protects(&self, head: &Parts) -> bool {
        match head.method {
            Method::POST | Method::PATCH => !self.has(Defect::IgnoresKeys),
            Method::PUT => self.has(Defect::ProtectsPut),
            Method::GET => self.has(Defect::ProtectsGet) && head.headers.contains_key(key::HEADER),
            _ => false,
        }
    }

    async fn read(
        &self,
        head: &Parts,
        body: body::Body,
        identity: &Identity,
    ) -> Result<Bytes, Refusal> {
        if self.has(Defect::UploadsTakeTheKey) {
            if let Found::Nothing = self.records.find(
                identity,
                &fingerprint::of(head, b"", self.defect),
                false,
                self.defect,
            ) {
                self.records.take(identity, None);
                let body = body::to_bytes(body, REQUEST_LIMIT)
                    .await
                    .map_err(|_| Refusal::TooLarge)?;
                self.records.free(&identity.name);
                return Ok(body);
            }
        }
        let announced = head.headers.get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
        let is_announced = announced.is_some_and(|length: usize| length > REQUEST_LIMIT);
        let limit = match self.defect {
            Defect::RunsOversizeBodies => usize::MAX,
            Defect::RunsOversizeChunks if !is_announced => usize::MAX,
            _ => REQUEST_LIMIT,
        };
        let outside = outside_limit(head);
        body::to_bytes(body, limit.min(outside))
            .await
            .map_err(|error| {
                let is_too_large = error
                    .source()
                    .is_some_and(<dyn Error>::is::<LengthLimitError>);
                if self.has(Defect::OversizeBodiesTakeTheKey) && is_too_large {
                    self.records.take(identity, None);
                }
                if self.has(Defect::OutsideLimitIsABadRequest) && outside < limit {
                    // Which is a 400.
                    return Refusal::KeyInvalid;
                }
                Refusal::TooLarge
            })
    }

    async fn find(&self, identity: &Identity, asked: &Asked) -> Found {
        if !self.has(Defect::NoLock) {
            return self.records.find(identity, asked, true, self.defect);
        }
        let found = self.records.find(identity, asked, false, self.defect);
        if let Found::Nothing = found {
            tokio::time::sleep(PAUSE).await;
            self.records.take(identity, Some(asked.clone()));
        }
        found
    }

    async fn mismatch(
        &self,
        head: &Parts,
        body: Bytes,
        identity: &Identity,
    ) -> Result<Response, Refusal> {
        if self.has(Defect::MismatchRunsToo) {
            return Ok(stored::first(self.run(head, body).await));
        }
        let mut refusal = Refusal::Mismatch.answer(self.conventions, self.defect);
        if self.has(Defect::MismatchTellsTheAnswer) {
            let body = self.records.body(&identity.name).unwrap_or_default();
            refusal
                .headers_mut()
                .insert("x-answer", body.parse().unwrap());
        }
        Ok(refusal)
    }

    async fn replay(
        &self,
        head: &Parts,
        body: Bytes,
        stored: &Stored,
    ) -> Result<Response, Refusal> {
        if self.has(Defect::ReplaysRunAgain) {
            self.run(head, body).await;
        }
        stored.replay(self.defect).ok_or(Refusal::NotKept)
    }

    /// Runs in a task of its own, so that a client who hangs up cancels nothing.
    async fn execute(&self, head: Parts, body: Bytes, identity: Identity) -> Response {
        let toy = self.clone();
        let stays = self.has(Defect::PanicBlocksTheKey) || self.has(Defect::DisconnectBlocksTheKey);
        let taken = Taken::new(self.records.clone(), identity.name.clone(), stays);
        let work = async move {
            let reply = toy.run_inside(&head, body).await;
            let goes_on = matches!(reply.body, Body::Endless(_));
            if toy.has(Defect::HoldsStreamsBack) && goes_on {
                pending::<()>().await;
            }
            if toy.has(Defect::StreamsStayInProgress) && goes_on {
                taken.keep();
            } else {
                toy.settle(&head, taken, &identity, &reply);
            }
            let mut answer = stored::first(reply);
            if toy.has(Defect::MarksTheFirstResponse) {
                stored::mark(&mut answer);
            }
            answer
        };
        if self.has(Defect::DisconnectCancels) || self.has(Defect::DisconnectBlocksTheKey) {
            return work.await;
        }
        let panicked = |_| StatusCode::INTERNAL_SERVER_ERROR.into_response();
        tokio::spawn(work).await.unwrap_or_else(panicked)
    }

    /// Runs behind the second layer, where there is one.
    async fn run_inside(&self, head: &Parts, body: Bytes) -> Reply {
        if self.has(Defect::ClaimsTwice) && head.uri.path() == "/twice" {
            return routes::refused(Refusal::InProgress { told: 0 }.status(self.conventions));
        }
        self.run(head, body).await
    }

    async fn run(&self, head: &Parts, body: Bytes) -> Reply {
        let target = head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let reply = self.market.reply(head.method.as_str(), target, &body);
        reply.wait().await;
        reply
    }

    /// Keeps the reply, or frees the key.
    fn settle(&self, head: &Parts, taken: Taken, identity: &Identity, reply: &Reply) {
        if !self.keeps(reply) {
            if self.has(Defect::FailuresBlockTheKey) {
                return taken.keep();
            }
            self.records.free(&identity.name);
            return taken.keep();
        }
        let stored = Stored::of(reply, self.defect);
        if matches!(stored, Stored::NotKept) && self.has(Defect::RunsStreamsAgain) {
            return drop(taken);
        }
        let retention = match (head.uri.path(), self.defect) {
            ("/short", Defect::NothingExpires) => None,
            ("/short", Defect::ExpiresAtOnce) => Some(Duration::ZERO),
            ("/short", _) => Some(SHORT_RETENTION),
            _ => None,
        };
        let end = retention.map(|retention| Instant::now() + retention);
        self.records.complete(&identity.name, stored, end);
        taken.keep();
    }

    fn keeps(&self, reply: &Reply) -> bool {
        let status = reply.status;
        let is_redirect = matches!(status, 307 | 308);
        let mut headers = reply.headers.iter();
        let is_refusal = headers.any(|(name, _)| *name == "idempotency-refusal");
        match self.defect {
            Defect::FreesWhatIsKept => false,
            Defect::KeepsRedirects if is_redirect => true,
            Defect::KeepsInnerRefusals if is_refusal => true,
            _ if is_redirect || is_refusal => false,
            Defect::KeepsFailures => true,
            Defect::StoresServerErrors if status >= 500 => true,
            _ if self.conventions == "stripe" => status < 400 || status == 402 || status >= 500,
            _ => status < 400,
        }
    }
}

/// The most that reaches the library.
fn outside_limit(head: &Parts) -> usize {
    match head.uri.path() {
        "/limited" => OUTSIDE_LIMIT,
        _ => usize::MAX,
    }
}

//! A scripted tower service, on tokio's clock.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use idem_client::{BoxError, Dialect, IdempotentRetries, RetryBudget};
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};

pub(crate) enum Told {
    /// Status and headers.
    Answer(u16, &'static [(&'static str, &'static str)]),
    Error,
    Silence,
}

/// When each attempt came, since the first call.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<Duration>>>);

impl Seen {
    pub(crate) fn times(&self) -> Vec<Duration> {
        self.0.lock().unwrap().clone()
    }

    /// The pauses between attempts that are answered at once.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        self.times().windows(2).map(|it| it[1] - it[0]).collect()
    }
}

/// With `http://a.example` named, and retries as many as are asked for.
pub(crate) fn retries() -> IdempotentRetries {
    IdempotentRetries::new()
        .server("http://a.example".parse().unwrap(), Dialect::idem())
        .budget(RetryBudget::new(1_000_000, 0.0))
}

pub(crate) fn post() -> Request<Full<Bytes>> {
    Request::post("http://a.example/pay?card=4242")
        .body(Full::from("payload"))
        .unwrap()
}

/// Calls a service that follows the script; its last step is for all that follow.
pub(crate) async fn call(
    retries: &IdempotentRetries,
    script: impl IntoIterator<Item = Told>,
    request: Request<Full<Bytes>>,
) -> (Result<Response<Bytes>, idem_client::Error>, Seen) {
    use http_body_util::BodyExt;

    let script: VecDeque<_> = script.into_iter().collect();
    let script = Arc::new(Mutex::new(script));
    let (seen, started) = (Seen::default(), Instant::now());
    let record = seen.clone();
    let service = service_fn(move |_: Request<Full<Bytes>>| {
        record.0.lock().unwrap().push(started.elapsed());
        let mut steps = script.lock().unwrap();
        let step = match steps.len() {
            1 => match &steps[0] {
                Told::Answer(status, headers) => Told::Answer(*status, headers),
                Told::Error => Told::Error,
                Told::Silence => Told::Silence,
            },
            _ => steps.pop_front().unwrap(),
        };
        drop(steps);
        async move {
            match step {
                Told::Answer(status, headers) => {
                    let mut response = Response::builder().status(status);
                    for (name, value) in headers {
                        response = response.header(*name, *value);
                    }
                    Ok::<_, BoxError>(response.body(Full::<Bytes>::from("answer")).unwrap())
                }
                Told::Error => Err("the connection broke".into()),
                Told::Silence => std::future::pending().await,
            }
        }
    });
    let answered = retries.layer(service).oneshot(request).await;
    let answered = match answered {
        Ok(response) => {
            let (head, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Ok(Response::from_parts(head, body))
        }
        Err(error) => Err(*error.downcast::<idem_client::Error>().unwrap()),
    };
    (answered, seen)
}

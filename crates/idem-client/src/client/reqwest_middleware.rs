//! The middleware for `reqwest-middleware`, and a client that tells it of redirects.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use http::{Extensions, Method, StatusCode, Uri, response::Builder};
use reqwest::{Body, Request, Response, ResponseBuilderExt, redirect};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};

use crate::{
    client::retries::IdempotentRetries,
    client::wire::{Failure, Wire},
    decision::Attempt,
};

/// As many as reqwest follows by itself.
const MOST_REDIRECTS: usize = 10;

tokio::task_local! {
    /// The attempt that the task is polling.
    static CURRENT: Arc<Hops>;
}

/// What an attempt's redirect policy has to know, and tells.
struct Hops {
    method: Method,
    under_a_key: bool,
    followed: AtomicBool,
}

impl IdempotentRetries {
    /// Builds a client that sends its requests through this middleware.
    ///
    /// Its redirect policy replaces the builder's. It follows ten redirects, as reqwest's does, with
    /// these differences:
    ///
    /// - Of an operation under a key, the caller gets a redirect that would send it on to a server
    ///   that is not named, and a 301 or 302 that would make a GET of its POST.
    /// - The middleware learns of redirects. Whatever fails or is refused after one, the operation
    ///   may have been done by the server that redirected.
    ///
    /// # Errors
    /// Those of [`reqwest::ClientBuilder::build`].
    pub fn client(
        mut self,
        builder: reqwest::ClientBuilder,
    ) -> Result<ClientWithMiddleware, reqwest::Error> {
        self.sees_redirects = true;
        let named = self.clone();
        let policy = redirect::Policy::custom(move |attempt| follow(&named, attempt));
        let client = builder.redirect(policy).build()?;
        Ok(ClientBuilder::new(client).with(self).build())
    }

    /// Says that the client below follows no redirects, where it was not built by
    /// [`client`](Self::client).
    ///
    /// Only then does a connection that fails prove that the operation did not arrive. Otherwise the
    /// first server may have done it and sent the client on to one that is down, which reqwest's
    /// error does not tell.
    #[must_use]
    pub fn without_redirects(mut self) -> Self {
        self.sees_redirects = true;
        self
    }
}

fn follow(retries: &IdempotentRetries, attempt: redirect::Attempt<'_>) -> redirect::Action {
    if attempt.previous().len() > MOST_REDIRECTS {
        return attempt.error("too many redirects");
    }
    let may_follow = CURRENT.try_with(|hops| {
        let follows = match attempt.status() {
            _ if !hops.under_a_key => true,
            StatusCode::SEE_OTHER => true,
            // It would be followed by a GET, whose answer is not the operation's.
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if hops.method == Method::POST => {
                false
            }
            _ => uri(attempt.url()).is_some_and(|uri| retries.names(&uri)),
        };
        hops.followed.fetch_or(follows, Ordering::Relaxed);
        follows
    });
    // Outside an attempt there is no operation.
    if may_follow.unwrap_or(true) {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

fn uri(url: &reqwest::Url) -> Option<Uri> {
    url.as_str().parse().ok()
}

#[async_trait::async_trait]
impl Middleware for IdempotentRetries {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        // reqwest rejects a URL that is not a valid URI, so let it report the error.
        let uri = uri(request.url()).unwrap_or_default();
        let method = request.method().clone();
        let operation = self
            .operation(&method, &uri, request.headers_mut(), extensions)
            .map_err(reqwest_middleware::Error::middleware)?;
        let Some(operation) = operation else {
            return next.run(request, extensions).await;
        };
        let mut chain = Chain {
            next,
            extensions,
            sees_redirects: self.sees_redirects,
            method,
            under_a_key: operation.is_under_a_key(),
            redirected: false,
        };
        let answered = operation.run(self, &mut chain, request).await;
        answered
            .map(|response| response.map(Body::wrap).into())
            .map_err(reqwest_middleware::Error::middleware)
    }
}

struct Chain<'a, 'e> {
    next: Next<'a>,
    extensions: &'e mut Extensions,
    sees_redirects: bool,
    method: Method,
    under_a_key: bool,
    redirected: bool,
}

impl Wire for Chain<'_, '_> {
    type Request = Request;
    type Body = Body;

    fn again(request: &Request) -> Option<Request> {
        request.try_clone()
    }

    async fn send(&mut self, request: Request) -> Result<http::Response<Body>, Failure> {
        let hops = Arc::new(Hops {
            method: self.method.clone(),
            under_a_key: self.under_a_key,
            followed: AtomicBool::new(false),
        });
        let asked = request.url().clone();
        let sending = self.next.clone().run(request, self.extensions);
        let answered = CURRENT.scope(Arc::clone(&hops), sending).await;
        self.redirected = hops.followed.load(Ordering::Relaxed);
        match answered {
            Ok(response) => {
                // A client that was not built here follows redirects unseen.
                self.redirected |= *response.url() != asked;
                Ok(with_url(response))
            }
            Err(error) => {
                let attempt = judge(&error, self.sees_redirects && !self.redirected);
                Err(Failure::new(attempt, error))
            }
        }
    }

    fn was_redirected(&self) -> bool {
        self.redirected
    }
}

/// A response's address is lost on its way to `http::Response` and back, unless it is put there.
fn with_url(response: Response) -> http::Response<Body> {
    let url = response.url().clone();
    let mut response = http::Response::from(response);
    if let Ok(mut carrier) = Builder::new().url(url).body(()) {
        response
            .extensions_mut()
            .extend(std::mem::take(carrier.extensions_mut()));
    }
    response
}

fn judge(error: &reqwest_middleware::Error, is_first_hop: bool) -> Attempt {
    let reqwest_middleware::Error::Reqwest(error) = error else {
        // Another middleware's, which may fail before or after it sent.
        return Attempt::Failed {
            may_have_arrived: true,
        };
    };
    if error.is_builder() {
        // After a redirect, it is of the address that the server sent.
        return Attempt::Failed {
            may_have_arrived: !is_first_hop,
        };
    }
    if error.is_redirect() {
        return Attempt::Failed {
            may_have_arrived: true,
        };
    }
    if error.is_connect() && is_first_hop {
        return Attempt::NotConnected;
    }
    Attempt::Lost
}

//! The service behind a socket, for `benches/load`: `load_server axum memory 3000`.
//!
//! It is served by one thread, so that CPU time is that of requests and not of threads that look
//! for work.

#![forbid(unsafe_code)]

use std::{env, error::Error};

use actix_web::{App, HttpServer, rt::System};
use idem_actix::IdempotencyMiddleware;
use idem_axum::IdempotencyLayer;
use idem_benches::{
    orders::{Handler, actix::configure, axum::router},
    records::unbounded,
};
use idem_core::{Idempotency, Policy};
use idem_momento::MomentoStore;
use momento::CredentialProvider;
use tokio::{net::TcpListener, runtime::Builder};

const USAGE: &str = "usage: load_server axum|actix bare|memory|momento PORT";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [framework, store, port] = arguments.as_slice() else {
        return Err(USAGE.into());
    };
    let address = ("127.0.0.1", port.parse()?);
    match framework.as_str() {
        "axum" => Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(serve_axum(address, store)),
        "actix" => System::new().block_on(serve_actix(address, store)),
        _ => Err(USAGE.into()),
    }
}

async fn serve_axum(address: (&str, u16), store: &str) -> Result<(), Box<dyn Error>> {
    let layer = idempotency(store)?.map(IdempotencyLayer::from);
    let listener = TcpListener::bind(address).await?;
    axum::serve(listener, router(Handler::Answers, layer)).await?;
    Ok(())
}

async fn serve_actix(address: (&str, u16), store: &str) -> Result<(), Box<dyn Error>> {
    let middleware = idempotency(store)?.map(IdempotencyMiddleware::from);
    let app = move || {
        let middleware = middleware.clone();
        App::new().configure(|config| configure(config, Handler::Answers, middleware))
    };
    HttpServer::new(app).workers(1).bind(address)?.run().await?;
    Ok(())
}

fn idempotency(store: &str) -> Result<Option<Idempotency>, Box<dyn Error>> {
    let policy = Policy::reference();
    Ok(match store {
        "bare" => None,
        "memory" => Some(Idempotency::new(unbounded(), policy)),
        "momento" => Some(Idempotency::new(stand_in()?, policy)),
        _ => return Err(USAGE.into()),
    })
}

/// The stand-in that `MOMENTO_ENDPOINT` and `MOMENTO_API_KEY` name.
fn stand_in() -> Result<MomentoStore, Box<dyn Error>> {
    let endpoint = env::var("MOMENTO_ENDPOINT")?;
    let credentials = CredentialProvider::from_default_env_var_v2()?;
    let credentials = credentials.insecure_endpoint_override(&endpoint);
    Ok(MomentoStore::with_credentials(credentials, "requests")?)
}

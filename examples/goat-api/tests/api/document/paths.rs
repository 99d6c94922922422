//! The document's routes are the server's, neither fewer nor more.

use std::collections::BTreeSet;
use std::time::Duration;

use idem_core::Policy;
use reqwest::Method;
use reqwest::header::ALLOW;

use super::contract::Contract;
use crate::routes;
use crate::support::{Answer, Server};

const GOAT: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// A path without the names of its parameters, which differ from framework to framework.
fn shape(path: &str) -> String {
    let segment = |part: &str| {
        if part.starts_with('{') {
            "{}".to_owned()
        } else {
            part.to_owned()
        }
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

async fn served(server: &Server) -> BTreeSet<String> {
    let (shown, marker) = routes::shown(
        server.market().clone(),
        server.idempotency().clone(),
        server.operations(),
    )
    .await;
    let paths = shown.split(marker).skip(1);
    let paths = paths.filter_map(|rest| rest.split('"').next());
    let paths: BTreeSet<_> = paths
        .filter(|path| path.starts_with('/'))
        .map(shape)
        .collect();
    assert!(
        paths.contains("/orders/{}"),
        "no paths are to be seen in {shown}"
    );
    paths
}

/// What a person or a browser fetches, and no program.
async fn is_page(server: &Server, path: &str) -> bool {
    let answer = server.get(path).await;
    let media_type = answer.headers.get("content-type");
    let media_type = media_type.map_or("", |value| value.to_str().unwrap());
    let of_pages = [
        "text/html",
        "text/css",
        "text/javascript",
        "image/",
        "font/",
    ];
    answer.status == 200 && of_pages.iter().any(|start| media_type.starts_with(start))
}

#[tokio::test]
async fn every_route_is_documented_and_every_documented_route_is_served() {
    let server = Server::whole(Policy::reference(), Duration::ZERO).await;
    let contract = Contract::of(&server).await;
    let operations = contract.operations();
    let documented: BTreeSet<_> = operations.iter().map(|(_, path, _)| shape(path)).collect();
    let mut undocumented = Vec::new();
    let served = served(&server).await;
    for path in served.difference(&documented) {
        if !is_page(&server, path).await {
            undocumented.push(path);
        }
    }
    assert!(
        undocumented.is_empty(),
        "not in the document: {undocumented:?}"
    );
    let missing: Vec<_> = documented.difference(&served).collect();
    assert!(missing.is_empty(), "not on the server: {missing:?}");
}

#[tokio::test]
async fn the_methods_of_a_path_are_the_documented_ones() {
    let server = Server::whole(Policy::reference(), Duration::ZERO).await;
    let contract = Contract::of(&server).await;
    for (path, _) in contract.document["paths"].as_object().unwrap() {
        let mut documented: BTreeSet<_> = contract
            .operations()
            .into_iter()
            .filter(|(_, of, _)| of == path)
            .map(|(method, _, _)| method)
            .collect();
        if documented.contains("GET") {
            documented.insert("HEAD".to_owned());
        }
        let url = path.replace("{goatId}", GOAT).replace("{orderId}", GOAT);
        let refused = Answer::to(server.request(Method::PUT, &url)).await;
        contract.is("MethodNotAllowed", &refused);
        let allowed = refused.headers[ALLOW].to_str().unwrap().split(',');
        assert_eq!(
            allowed.map(str::to_owned).collect::<BTreeSet<_>>(),
            documented,
            "{path}"
        );
    }
}

#[tokio::test]
async fn operations_have_names_of_their_own_and_links_lead_to_them() {
    for policy in [Policy::reference(), Policy::ietf(), Policy::stripe()] {
        let server = Server::whole(policy, Duration::ZERO).await;
        let contract = Contract::of(&server).await;
        assert_eq!(contract.document["openapi"], "3.1.0");
        let operations = contract.operations();
        let names: BTreeSet<_> = operations
            .iter()
            .map(|(_, _, it)| it["operationId"].as_str().unwrap())
            .collect();
        assert_eq!(names.len(), operations.len());
        for (_, _, operation) in &operations {
            for response in operation["responses"].as_object().unwrap().values() {
                let links = response["links"].as_object();
                for link in links.into_iter().flat_map(|links| links.values()) {
                    assert!(
                        names.contains(link["operationId"].as_str().unwrap()),
                        "{link}"
                    );
                }
            }
        }
    }
}

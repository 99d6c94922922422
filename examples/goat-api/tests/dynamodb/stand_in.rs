//! Calls of AWS's services, past the program, at the stand-in.

use serde_json::Value;
use test_servers::DynamoDbProxy;

/// Where it listens.
pub(crate) fn endpoint() -> String {
    std::env::var("AWS_ENDPOINT_URL").expect("moto runs: run .ci/serverless")
}

/// A proxy in front of it, for one program.
pub(crate) fn proxy() -> DynamoDbProxy {
    let port = endpoint()
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok());
    DynamoDbProxy::to(port.expect("the stand-in's URL ends with its port")).unwrap()
}

/// Calls an operation, such as `DynamoDB_20120810.Query`; a stand-in asks for no signature.
pub(crate) async fn call(service: &str, operation: &str, body: &Value) -> Value {
    let credential = format!("Credential=testing/20260101/us-east-1/{service}/aws4_request");
    let authorization = format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0");
    let request = reqwest::Client::new().post(endpoint());
    let request = request
        .header("authorization", authorization)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", operation);
    let answer = request.body(body.to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{operation}");
    answer.json().await.unwrap()
}

//! The example of an order does what its first lines say.

#![forbid(unsafe_code)]
#![cfg(unix)]

#[tokio::test]
async fn an_order_that_is_sent_twice_is_placed_once() {
    idem_http_tests::an_order_that_is_sent_twice_is_placed_once("actix_orders").await;
}

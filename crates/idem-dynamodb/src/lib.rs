#![forbid(unsafe_code)]
//! Idempotency records in **Amazon DynamoDB**, over the AWS SDK: in a table of their own or beside your data. A
//! handler that writes through a transaction of the store takes effect exactly once: its writes and the record
//! of its response are one `TransactWriteItems`.
//!
//! ```no_run
//! use axum::{Extension, Router, extract::State, http::StatusCode, routing::post};
//! use idem_axum::IdempotencyLayer;
//! use idem_core::CurrentExecution;
//! use idem_dynamodb::{
//!     DynamoDbStore, Table, TransactionError,
//!     aws_sdk_dynamodb::{Client, types::{AttributeValue, Put}},
//! };
//! # struct AppError(Box<dyn std::error::Error>);
//! # impl<E: std::error::Error + 'static> From<E> for AppError { fn from(error: E) -> Self { Self(error.into()) } }
//! # impl axum::response::IntoResponse for AppError {
//! #     fn into_response(self) -> axum::response::Response {
//! #         (StatusCode::INTERNAL_SERVER_ERROR, self.0.to_string()).into_response()
//! #     }
//! # }
//!
//! async fn order(
//!     State(store): State<DynamoDbStore>,
//!     current: Option<Extension<CurrentExecution>>,
//!     id: String,
//! ) -> Result<(StatusCode, String), AppError> {
//!     let put = Put::builder().table_name("market");
//!     let put = put.item("pk", AttributeValue::S(format!("ORDER#{id}"))).build()?;
//!     let mut transaction = store.begin(current.as_deref())?;
//!     transaction.put(put)?;
//!     transaction.commit_with_response().await?; // Under a key: handed over. Without a key: committed now.
//!     Ok((StatusCode::CREATED, id))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let settings = idem_dynamodb::aws_sdk_dynamodb::Config::builder().build();
//! let client = Client::from_conf(settings); // or Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await)
//! // Looks at the table's keys and its time to live, and says what is wrong.
//! let store = DynamoDbStore::builder(&client, Table::new("market")).check().await?;
//! let app: Router = Router::new()
//!     .route("/orders", post(order))
//!     .layer(IdempotencyLayer::new(store.clone()))
//!     .with_state(store);
//! # Ok(())
//! # }
//! ```
//!
//! The crate needs Rust 1.94.1, because the SDK does. It was tested on a stand-in for DynamoDB, moto 5.2, and
//! never on the service itself.
//!
//! # The table
//! [`Table`] names it and its attributes. A record is one item: its partition key is a prefix and 64
//! hexadecimal digits, and its sort key, if the table has one, is always the same. Its other attributes begin
//! with `idem_`. A response of more than 1 KB is in items of its own beside it, of 384 KiB each.
//!
//! [`prepare`](DynamoDbBuilder::prepare) creates the table and enables its time to live,
//! [`check`](DynamoDbBuilder::check) only looks, and [`build`](DynamoDbBuilder::build) asks nothing, for a
//! function that starts often.
//!
//! The role needs `dynamodb:GetItem`, `PutItem`, `UpdateItem` and `DeleteItem` on the table.
//! `TransactWriteItems` needs no action of its own: it needs those of its writes, and `ConditionCheckItem` for
//! checks. `check` needs `DescribeTable` and `DescribeTimeToLive` as well, and `prepare` also `CreateTable` and
//! `UpdateTimeToLive`.
//!
//! **Global tables** take the last write of any region, so conditions hold in one region alone: let one region
//! write the records.
//!
//! # What it costs
//! | | requests | write units | read units |
//! |---|---|---|---|
//! | a fresh request: claim, complete | 2 | 2 | – |
//! | … in a transaction: claim, commit | 2 | 1, and 2 for each KB of each item in the transaction | – |
//! | … with a response of more than 1 KB | 1 more for each 384 KiB | 1 more for each KB | – |
//! | a failed request: claim, release | 2 | 2 | – |
//! | a duplicate that finds a lease or a short response | 1 | 1 | – |
//! | a duplicate that finds a response of more than 1 KB | 1, and 1 for each 384 KiB | 1 | 1 for each 4 KB |
//! | taking over a lease that ran out, or a key whose result did | 2 | 2 | – |
//! | a renewal | 1 | 1 | – |
//!
//! Parts are written and read at the same time, so a long response takes one round trip more. DynamoDB bills a
//! conditional write that fails by the item that it finds, which is why long responses are elsewhere. The units
//! are counted from the sizes of the items by DynamoDB's documented rules, and no bill was compared. An item
//! whose state and response come to more than 1 KB together takes 2 units where the table says 1. Deletions by
//! the time to live cost nothing.
//!
//! # Exactly once
//! [`begin`](DynamoDbStore::begin) takes the request's [`CurrentExecution`](idem_core::CurrentExecution).
//! [`put`](DynamoDbTransaction::put), [`update`](DynamoDbTransaction::update),
//! [`delete`](DynamoDbTransaction::delete) and [`check`](DynamoDbTransaction::check) collect what the SDK's
//! builders make, and [`commit_with_response`](DynamoDbTransaction::commit_with_response) hands it over. Once
//! the response is known, and before its first byte leaves, one `TransactWriteItems` has the record, behind the
//! owner's fence, and these writes.
//!
//! | what happened | the writes | the client gets | the key |
//! |---|---|---|---|
//! | the response is kept | committed with the record | the response | completed |
//! | the handler fails or panics | never sent | its error | freed |
//! | somebody else has the key by now | not written | what a duplicate gets | untouched |
//! | an operator freed it | not written | 503 with `Retry-After` | untouched |
//! | a write's condition fails | not written | [the answer that was given with it](Collected::or_answer), else 500 | freed |
//! | conflicts or throttling, six times in a row | not written | 503 with `Retry-After` | freed |
//! | DynamoDB refuses: permissions, an expression, an item above 400 KB | not written | 500 | freed |
//! | the answer is lost | sent again under the same token, so it is done once | the response | completed |
//! | … six times | found out by a conditional delete of the lease | the response or 503 | completed or freed |
//! | … and nobody could be asked | unknown | 503 | left to its lease |
//!
//! A transaction has at most 100 actions, of which 99 are the handler's, and one action an item. What cannot be
//! is refused where it is begun or collected ([`TransactionError`]). Reads are the handler's own: to write only
//! if what was read still holds, give the write a condition, and an answer for when it fails.
//!
//! Without a key, `current` is `None` and `commit_with_response` commits at once. A condition that fails is
//! [`TransactionError::ConditionFailed`] then, with the same answer in it.
//!
//! # The clock
//! DynamoDB's conditions cannot ask what time it is, so the store sends the time. It takes the host's clock,
//! and corrects it by the `Date` of each answer. Two servers agree to about 2 s in this way, which has two
//! consequences:
//!
//! - A lease is over for its holder at its end, and free for others **2 s later**. So is a result after its
//!   retention.
//! - A function that was frozen may wake with an old idea of the time. When an answer shows that a write's time
//!   was off by more than 2 s, the store writes its end again, in 1 request. Nothing is taken over before an
//!   answer has told the time, so a host whose clock is ahead takes nothing that still runs. For the same reason it
//!   loses no lease of its own: the store sends a renewal or a release again that failed by the time alone. A host
//!   whose clock is behind shortens no lease, so a renewal takes 2 requests if it makes the lease end sooner.
//!
//! Make leases long beside 2 s: 10 s or more. DynamoDB deletes expired items within days. Each condition looks
//! at the time itself, so an expired item that is still there counts as absent.
//!
//! # When DynamoDB fails
//! | what happens | the call gets |
//! |---|---|
//! | nobody listens | `Unavailable`, nothing written |
//! | the connection breaks, or the service answers 5xx | `Unavailable`, may have landed |
//! | no answer within the call timeout | `Timeout`, may have landed |
//! | throttling | `Full`, nothing written; a read, and a part of a long response, is sent again within the call timeout first |
//! | it refuses the credentials, the permissions or the table | `Rejected`, nothing written |
//! | a transaction is at work on the item | it is sent again within the call timeout; then `Unavailable`, nothing written |
//!
//! The SDK retries none of the store's calls, since a retry that it makes unseen could make a call of the store
//! say the wrong thing. The library itself asks again where that is right. Your own client keeps its retries.

mod actions;
mod builder;
mod call;
mod clock;
mod ending;
mod failure;
mod item;
mod parts;
mod prepare;
mod prepare_error;
mod sending;
mod store;
mod table;
mod transaction;
mod transaction_error;

pub use aws_sdk_dynamodb;

pub use crate::{
    builder::DynamoDbBuilder,
    prepare_error::PrepareError,
    store::DynamoDbStore,
    table::Table,
    transaction::{Collected, DynamoDbTransaction},
    transaction_error::TransactionError,
};

#![forbid(unsafe_code)]
//! Idempotency records in **Amazon DynamoDB**, over the AWS SDK.

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

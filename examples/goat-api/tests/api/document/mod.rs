//! `/openapi.json` and `/docs`: they say what the server does, and all of it.

mod answers;
mod contract;
mod examples;
mod pages;
mod paths;

//! The document that a server serves, as what its answers are held against.

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use crate::support::{Answer, Server};

/// The served document.
pub(super) struct Contract {
    pub(super) document: Value,
}

impl Contract {
    pub(super) async fn of(server: &Server) -> Self {
        let document = server.get("/openapi.json").await.json();
        Self { document }
    }

    /// Method, path and description of each operation.
    pub(super) fn operations(&self) -> Vec<(String, String, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().iter();
                methods.map(|(method, it)| (method.to_uppercase(), path.clone(), it))
            })
            .collect()
    }

    /// What the document calls a schema, with the components that it may refer to.
    pub(super) fn validator(&self, schema: &Value) -> Validator {
        let schema = json!({"allOf": [schema], "components": self.document["components"]});
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema)
            .unwrap()
    }

    /// Fails unless the operation is documented to answer like this.
    #[track_caller]
    pub(super) fn holds(&self, method: &str, path: &str, answer: &Answer) {
        let responses = &self.document["paths"][path][method]["responses"];
        self.matches(&responses[answer.status.to_string()], answer);
    }

    /// Fails unless the answer is the one that the document has under this name.
    #[track_caller]
    pub(super) fn is(&self, name: &str, answer: &Answer) {
        self.matches(&self.document["components"]["responses"][name], answer);
    }

    #[track_caller]
    fn matches(&self, response: &Value, answer: &Answer) {
        assert!(response.is_object(), "not in the document: {answer:?}");
        match answer.headers.get("content-type") {
            None => assert!(response["content"].is_null() && answer.body.is_empty()),
            Some(media_type) => {
                let schema = &response["content"][media_type.to_str().unwrap()]["schema"];
                assert!(schema.is_object(), "{media_type:?} is not in the document");
                let is_text = media_type.as_bytes().starts_with(b"text/");
                let body = if is_text {
                    answer.body.as_str().into()
                } else {
                    serde_json::from_str(&answer.body).unwrap()
                };
                self.is_valid(schema, &body);
            }
        }
        let documented = response["headers"].as_object();
        let empty = serde_json::Map::new();
        let documented = documented.unwrap_or(&empty);
        for (name, value) in &answer.headers {
            if ["content-type", "content-length", "date", "connection"].contains(&name.as_str()) {
                continue;
            }
            let header = documented
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name.as_str()));
            let (_, header) = header.unwrap_or_else(|| panic!("{name} is not in the document"));
            let text = value.to_str().unwrap();
            let value = match header["schema"]["type"].as_str() {
                Some("integer") => text.parse::<u64>().unwrap().into(),
                _ => Value::from(text),
            };
            self.is_valid(&header["schema"], &value);
        }
    }

    #[track_caller]
    pub(super) fn is_valid(&self, schema: &Value, value: &Value) {
        if let Err(error) = self.validator(schema).validate(value) {
            panic!("{error} in {value}");
        }
    }
}

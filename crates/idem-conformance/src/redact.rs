//! Secrets, blotted out before an exchange is kept for a report.

use crate::{
    profile::{Callers, Profile},
    wire::{Answer, Request},
};

const BLOT: &[u8] = b"<redacted>";

/// Shorter values stand for nothing in particular, and would blot out half of every text.
const SHORTEST_SECRET: usize = 8;

/// What must not be shown: headers by name, and their configured values wherever they turn up.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    names: Vec<String>,
    values: Vec<Vec<u8>>,
}

impl Secrets {
    /// Takes every configured header for a secret, besides those that always are one.
    pub(crate) fn of(profile: &Profile, headers: &[(String, Vec<u8>)]) -> Self {
        let mut secrets = Self {
            names: [
                "authorization",
                "proxy-authorization",
                "cookie",
                "set-cookie",
            ]
            .map(str::to_owned)
            .to_vec(),
            values: Vec::new(),
        };
        for (name, value) in headers {
            secrets.add(name, value);
        }
        let api = &profile.api;
        let sets = api.callers().flat_map(Callers::sets).chain([&api.headers]);
        for (name, value) in sets.flatten() {
            secrets.add(name, value.as_bytes());
        }
        secrets
    }

    fn add(&mut self, name: &str, value: &[u8]) {
        self.names.push(name.to_ascii_lowercase());
        let words = value.split(|byte| *byte == b' ');
        let values = words.filter(|word| word.len() >= SHORTEST_SECRET);
        self.values.extend(values.map(<[u8]>::to_vec));
    }

    pub(crate) fn hide_in_request(&self, request: &Request) -> Request {
        let mut request = request.clone();
        self.hide_in_lines(&mut request.headers);
        request.body = self.hide(&request.body);
        request
    }

    pub(crate) fn hide_in_answer(&self, answer: &Answer) -> Answer {
        let mut answer = answer.clone();
        self.hide_in_lines(&mut answer.headers);
        answer.body = self.hide(&answer.body).into();
        answer
    }

    fn hide_in_lines(&self, lines: &mut [(String, Vec<u8>)]) {
        for (name, value) in lines {
            *value = if self
                .names
                .iter()
                .any(|secret| secret.eq_ignore_ascii_case(name))
            {
                BLOT.to_vec()
            } else {
                self.hide(value)
            };
        }
    }

    fn hide(&self, bytes: &[u8]) -> Vec<u8> {
        let mut shown = bytes.to_vec();
        for secret in &self.values {
            let mut from = 0;
            while let Some(at) = find(&shown[from..], secret) {
                let start = from + at;
                shown.splice(start..start + secret.len(), BLOT.iter().copied());
                from = start + BLOT.len();
            }
        }
        shown
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_by_its_name_and_wherever_it_is_echoed() {
        let profile = Profile::builtin("reference").unwrap();
        let headers = [("x-api-key".to_owned(), b"Key 0123456789".to_vec())];
        let secrets = Secrets::of(&profile, &headers);
        let request = Request::new("GET", "/")
            .header("X-Api-Key", "Key 0123456789")
            .header("Cookie", "a=b")
            .header("accept", "text/plain")
            .body("key=0123456789;0123456789.");
        let hidden = secrets.hide_in_request(&request);
        let values: Vec<_> = hidden
            .headers
            .iter()
            .map(|(_, value)| value.as_slice())
            .collect();
        assert_eq!(values, [BLOT, BLOT, b"text/plain"]);
        assert_eq!(hidden.body, b"key=<redacted>;<redacted>.");
    }
}

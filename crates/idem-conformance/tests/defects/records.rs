//! The toy server's records.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Instant,
};

use axum::http::{HeaderMap, header};
use idem_core::store::Fingerprint;

use crate::{defect::Defect, refusal::Refusal, stored::Stored};

pub(crate) type Name = (String, String);
pub(crate) type Asked = (Fingerprint, String);

/// Who asks, and under which name a record is kept.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) name: Name,
    caller: String,
}

impl Identity {
    pub(crate) fn of(headers: &HeaderMap, key: String, defect: Defect) -> Self {
        let text = |name: header::HeaderName| {
            let value = headers.get(name);
            value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let tenant = text(header::HeaderName::from_static("x-tenant"));
        let api_key = header::HeaderName::from_static("x-api-key");
        let api_key = text(api_key).filter(|_| defect != Defect::IgnoresApiKeys);
        let cookies = cookies(headers, defect);
        let credentials = format!("{:?}", (text(header::AUTHORIZATION), cookies, api_key));
        let caller = match (&tenant, defect) {
            (_, Defect::RefreshedTokenIsAnother) => credentials,
            (_, Defect::ReplaysToOtherCallers) | (Some(_), _) => String::new(),
            (None, _) => credentials,
        };
        let tenant = match defect {
            Defect::TenantsShareKeys => String::new(),
            _ => tenant.unwrap_or_default(),
        };
        Self {
            name: (tenant, key),
            caller,
        }
    }
}

/// The cookies, whether they come in one line or in several.
fn cookies(headers: &HeaderMap, defect: Defect) -> String {
    let lines = headers.get_all(header::COOKIE).iter();
    let lines = lines.map(|line| String::from_utf8_lossy(line.as_bytes()));
    let joined = lines.collect::<Vec<_>>().join(match defect {
        Defect::CookieLinesMatter => "\n",
        _ => "; ",
    });
    match (defect, joined.split_once(';')) {
        (Defect::OnlyTheFirstCookieCounts, Some((first, _))) => first.to_owned(),
        _ => joined,
    }
}

#[derive(Debug)]
struct Entry {
    caller: String,
    asked: Option<Asked>,
    /// How many duplicates have been told that the original runs.
    told: u64,
    /// `None` while the original runs.
    done: Option<(Stored, Option<Instant>)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Records(Arc<Mutex<HashMap<Name, Entry>>>);

/// What a request finds under its key.
pub(crate) enum Found {
    Nothing,
    Stored(Stored),
    Refused(Refusal),
}

impl Records {
    /// Looks a key up, and takes it if it is free and `take` says so.
    pub(crate) fn find(
        &self,
        identity: &Identity,
        asked: &Asked,
        take: bool,
        defect: Defect,
    ) -> Found {
        let mut records = self.0.lock().unwrap();
        if defect == Defect::LocksEverything {
            let is_other =
                |(name, entry): (&Name, &Entry)| *name != identity.name && entry.done.is_none();
            if records.iter().any(is_other) {
                return Found::Refused(Refusal::InProgress { told: 0 });
            }
        }
        let is_over =
            |entry: &Entry| matches!(&entry.done, Some((_, Some(end))) if *end <= Instant::now());
        if records.get(&identity.name).is_some_and(is_over) {
            records.remove(&identity.name);
        }
        let Some(entry) = records.get_mut(&identity.name) else {
            if take {
                records.insert(
                    identity.name.clone(),
                    Entry::running(identity, Some(asked.clone())),
                );
            }
            return Found::Nothing;
        };
        if defect == Defect::InProgressBeforeMismatch && entry.done.is_none() {
            return Found::Refused(Refusal::InProgress { told: 0 });
        }
        if entry.caller != identity.caller
            || entry.asked.as_ref().is_some_and(|first| first != asked)
        {
            if defect == Defect::MismatchReplacesTheRecord {
                entry.asked = Some(asked.clone());
            }
            return Found::Refused(Refusal::Mismatch);
        }
        match &entry.done {
            None => {
                entry.told += 1;
                let told = entry.told - 1;
                Found::Refused(Refusal::InProgress { told })
            }
            Some((stored, _)) => Found::Stored(stored.clone()),
        }
    }

    /// Takes a key, whoever has it.
    pub(crate) fn take(&self, identity: &Identity, asked: Option<Asked>) {
        let entry = Entry::running(identity, asked);
        self.0.lock().unwrap().insert(identity.name.clone(), entry);
    }

    pub(crate) fn free(&self, name: &Name) {
        self.0.lock().unwrap().remove(name);
    }

    pub(crate) fn complete(&self, name: &Name, stored: Stored, end: Option<Instant>) {
        if let Some(entry) = self.0.lock().unwrap().get_mut(name) {
            entry.done = Some((stored, end));
        }
    }

    /// What is kept under a name, for the defect that tells it.
    pub(crate) fn body(&self, name: &Name) -> Option<String> {
        match &self.0.lock().unwrap().get(name)?.done {
            Some((Stored::Answer { body, .. }, _)) => {
                Some(String::from_utf8_lossy(body).into_owned())
            }
            _ => None,
        }
    }
}

impl Entry {
    fn running(identity: &Identity, asked: Option<Asked>) -> Self {
        Self {
            caller: identity.caller.clone(),
            asked,
            told: 0,
            done: None,
        }
    }
}

/// A key that is taken; dropped unfinished, by a panic or a cancellation, it is free again.
pub(crate) struct Taken {
    records: Records,
    name: Name,
    stays: bool,
}

impl Taken {
    pub(crate) fn new(records: Records, name: Name, stays: bool) -> Self {
        Self {
            records,
            name,
            stays,
        }
    }

    /// Keeps what is under the name.
    pub(crate) fn keep(mut self) {
        self.stays = true;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !self.stays {
            self.records.free(&self.name);
        }
    }
}

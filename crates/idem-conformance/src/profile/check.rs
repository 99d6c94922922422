//! What no single member shows: a profile by which nothing could be told.

use super::{Callers, Effects, InvalidProfile, Operation, Profile};
use crate::template::Template;

pub(super) fn check(profile: &Profile) -> Result<(), InvalidProfile> {
    let api = &profile.api;
    let operations = [
        ("operation", Some(&api.operation)),
        ("elsewhere", api.elsewhere.as_ref()),
        ("slow", api.slow.as_ref()),
        ("failing", api.failing.as_ref()),
    ];
    for (name, operation) in operations {
        if let Some(operation) = operation {
            places(name, operation, &["unique"])?;
        }
    }
    for (name, probe) in api.probes.named() {
        places(
            &format!("probes.{name}"),
            probe,
            &["unique", "status", "other"],
        )?;
    }
    if let Some(effects) = &api.effects {
        known("effects.path", &effects.path, &["unique"])?;
        known("effects.needle", &effects.needle, &["unique"])?;
    }
    differs("operation", &api.operation)?;
    if let Some(slow) = &api.slow {
        differs("slow", slow)?;
    }
    if !profile.marks_replays() && profile.effects_of(&api.operation).is_none() {
        return Err(InvalidProfile::new(
            "nothing tells a replay from a second execution: name a `replay.marker`, or say in \
             [effects] how effects are counted",
        ));
    }
    if api.cookies.as_ref().is_some_and(has_one_cookie) {
        return Err(InvalidProfile::new(
            "cookies.one: it must be a Cookie header with two cookies or more, such as \
             \"theme=dark; session=one\"",
        ));
    }
    tells_success_from_refusal(profile)?;
    headers(profile)
}

/// Then there is nothing to send in two lines.
fn has_one_cookie(callers: &Callers) -> bool {
    let mut headers = callers.one.iter();
    let cookie = headers.find(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    cookie.is_none_or(|(_, value)| !value.contains(';'))
}

/// Where the status alone says what a refusal is, it says nothing else.
fn tells_success_from_refusal(profile: &Profile) -> Result<(), InvalidProfile> {
    let refusals = &profile.conventions.refusals;
    let in_progress = refusals.in_progress;
    let operations = [Some(&profile.api.operation), profile.api.slow.as_ref()];
    let mut operations = operations.into_iter().flatten();
    if refusals.code_header.is_empty()
        && operations.any(|operation| operation.success.contains(in_progress))
    {
        return Err(InvalidProfile::new(format!(
            "operation.success: {in_progress} also says that the original is running \
             (refusals.in_progress); name the operation's own status, such as [201], or a \
             refusals.code_header"
        )));
    }
    Ok(())
}

/// Every place of an operation's templates has a value.
fn places(name: &str, operation: &Operation, given: &[&str]) -> Result<(), InvalidProfile> {
    let mut names = given.to_vec();
    for (number, step) in operation.setup.iter().enumerate() {
        known(&format!("{name}.setup[{number}].path"), &step.path, &names)?;
        known(&format!("{name}.setup[{number}].body"), &step.body, &names)?;
        names.extend(step.capture.keys().map(String::as_str));
    }
    known(&format!("{name}.path"), &operation.path, &names)?;
    known(&format!("{name}.body"), &operation.body, &names)?;
    if let Some(Effects { path, needle }) = &operation.effects {
        known(&format!("{name}.effects.path"), path, &names)?;
        known(&format!("{name}.effects.needle"), needle, &names)?;
    }
    Ok(())
}

fn known(name: &str, template: &Template, names: &[&str]) -> Result<(), InvalidProfile> {
    match template.places().find(|place| !names.contains(place)) {
        None => Ok(()),
        Some(place) => Err(InvalidProfile::new(format!(
            "{name}: nothing gives {{{place}}} a value; there are {}",
            names
                .iter()
                .map(|name| format!("{{{name}}}"))
                .collect::<Vec<_>>()
                .join(", ")
        ))),
    }
}

/// Two uses of the operation send two payloads.
fn differs(name: &str, operation: &Operation) -> Result<(), InvalidProfile> {
    if operation.body.places().next().is_some() {
        return Ok(());
    }
    Err(InvalidProfile::new(format!(
        "{name}.body: it must hold {{unique}} or a captured value, so that two uses send two payloads"
    )))
}

/// Header names and values can be sent.
fn headers(profile: &Profile) -> Result<(), InvalidProfile> {
    let api = &profile.api;
    let sets = api.callers().flat_map(Callers::sets);
    let sets = sets.chain([&api.headers, &api.operation.headers]);
    for (name, value) in sets.flatten() {
        let valid =
            http::HeaderName::try_from(name).is_ok() && http::HeaderValue::try_from(value).is_ok();
        if !valid {
            return Err(InvalidProfile::new(format!(
                "headers: {name:?} and its value cannot be sent as a header"
            )));
        }
    }
    if http::HeaderName::try_from(&*profile.conventions.key.header).is_err() {
        return Err(InvalidProfile::new(
            "key.header: it is no header name, such as Idempotency-Key",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(text: &str) -> String {
        let text = format!("extends = \"reference\"\n{text}");
        Profile::from_toml(&text).unwrap_err().to_string()
    }

    #[test]
    fn a_place_without_a_value_is_named_with_those_that_have_one() {
        let complaint = complaint("[operation]\npath = \"/{goat}\"\nbody = \"{unique}\"");
        assert_eq!(
            complaint,
            "operation.path: nothing gives {goat} a value; there are {unique}"
        );
    }

    #[test]
    fn a_capture_is_known_after_its_step() {
        let text = "[slow]\npath = \"/o\"\nbody = \"{goat}\"\n[[slow.setup]]\npath = \"/{goat}\"\n\
                    capture = { goat = \"/id\" }";
        assert!(complaint(text).starts_with("slow.setup[0].path: nothing gives {goat}"));
    }

    #[test]
    fn a_payload_that_is_always_the_same_is_refused() {
        let complaint = complaint("[operation]\npath = \"/o\"\nbody = \"{}\"");
        assert!(
            complaint.starts_with("operation.body: it must hold {unique}"),
            "{complaint}"
        );
    }

    #[test]
    fn a_server_that_marks_nothing_must_be_countable() {
        let complaint =
            complaint("[replay]\nmarker = \"\"\n[operation]\npath = \"/o\"\nbody = \"{unique}\"");
        assert!(complaint.contains("nothing tells a replay"), "{complaint}");
    }

    #[test]
    fn a_status_that_says_two_things_is_refused() {
        let text =
            "[refusals]\ncode_header = \"\"\n[operation]\npath = \"/o\"\nbody = \"{unique}\"";
        assert!(complaint(text).starts_with("operation.success: 202 also says"));
        let text = format!("extends = \"reference\"\n{text}\nsuccess = [201]");
        assert!(Profile::from_toml(&text).is_ok());
    }

    #[test]
    fn a_cookie_that_cannot_be_sent_in_two_lines_is_refused() {
        for one in ["Cookie = \"session=one\"", "Authorization = \"a; b\""] {
            let complaint = complaint(&format!("[cookies]\none = {{ {one} }}\nother = {{}}"));
            assert!(complaint.starts_with("cookies.one: "), "{complaint}");
        }
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_refused_without_its_value() {
        let complaint = complaint("[headers]\nauthorization = \"secret\\n\"");
        assert!(
            complaint.contains("\"authorization\"") && !complaint.contains("secret"),
            "{complaint}"
        );
    }
}

//! Whether a `SetIf` writes: decided from what stands there, and nothing else.

use momento_protos::cache_client::set_if_request::Condition;

/// `standing` is the live value of the item, if there is one.
pub(crate) fn holds(condition: &Condition, standing: Option<&[u8]>) -> bool {
    match condition {
        Condition::Present(_) => standing.is_some(),
        Condition::Absent(_) => standing.is_none(),
        Condition::Equal(it) => standing == Some(&it.value_to_check),
        Condition::NotEqual(it) => standing != Some(&it.value_to_check),
        Condition::PresentAndNotEqual(it) => standing.is_some_and(|v| v != it.value_to_check),
        Condition::AbsentOrEqual(it) => standing.is_none_or(|v| v == it.value_to_check),
    }
}

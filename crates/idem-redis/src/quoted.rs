//! Errors without what the server repeats of a command.

use redis::RedisError;

/// With which a server begins to repeat a command that it does not know.
const ARGUMENTS: &str = "with args beginning with";

/// Leaves out a command's arguments. Those of `HELLO` are the user and the password.
pub(crate) fn without_arguments(error: RedisError) -> RedisError {
    let detail = error.detail().unwrap_or_default();
    let Some((said, _)) = detail.split_once(ARGUMENTS) else {
        return error;
    };
    let said = said.trim_end_matches([',', ' ']).to_owned();
    (error.kind(), "the server refused a command", said).into()
}

#[cfg(test)]
mod tests {
    use redis::{ErrorKind, ServerErrorKind};

    use super::*;

    #[test]
    fn arguments_are_left_out_and_the_kind_stays() {
        let kind = ErrorKind::Server(ServerErrorKind::ResponseError);
        let said = "unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'u' 's3cret'";
        let error = without_arguments((kind, "refused", said.to_owned()).into());
        assert_eq!(error.kind(), kind);
        assert_eq!(error.detail(), Some("unknown command 'HELLO'"));
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

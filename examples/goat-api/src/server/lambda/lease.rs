//! How long a request holds its key, by when Lambda kills it.

use std::time::Duration;

use axum::http::request::Parts;
use idem_core::LeaseTerm;
use lambda_http::RequestExt;

/// Until the function's deadline and over a margin, in which it is certainly dead.
///
/// `None` without a deadline to come: emulators send one that is long past.
pub(super) fn until_the_deadline(head: &Parts, margin: Duration) -> Option<LeaseTerm> {
    LeaseTerm::until(head.lambda_context_ref()?.deadline(), margin)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use lambda_http::Context;
    use lambda_http::http::Request;

    use super::*;

    const MARGIN: Duration = Duration::from_secs(5);

    fn term(deadline: SystemTime) -> Option<LeaseTerm> {
        let since = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let mut context = Context::default();
        context.deadline = u64::try_from(since.as_millis()).unwrap();
        let request = Request::new(()).with_lambda_context(context);
        until_the_deadline(&request.into_parts().0, MARGIN)
    }

    #[test]
    fn it_is_what_remains_and_the_margin() {
        let minute = Duration::from_secs(60);
        let term = term(SystemTime::now() + minute).unwrap();
        assert!(!term.is_renewed());
        // A millisecond is the deadline's own grain.
        let longest = minute + MARGIN;
        assert!(term.duration() <= longest && term.duration() > MARGIN);
    }

    #[test]
    fn without_lambda_there_is_no_deadline() {
        let head = Request::new(()).into_parts().0;
        assert_eq!(until_the_deadline(&head, MARGIN), None);
    }
}

//! From the SDK's errors to [`StoreError`]: by S3 error code where there is one, else by HTTP status.

use std::error::Error;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::store::{StoreError, Trouble};

/// Words for a failed `call` on `on`, with the store's own code and message.
pub(super) fn explain<E>(call: &str, on: &str, error: &SdkError<E>) -> StoreError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (trouble, words) = match error {
        SdkError::ServiceError(answer) => {
            let code = answer.err().code().unwrap_or_default();
            let status = answer.raw().status().as_u16();
            let words = match (code, answer.err().message()) {
                ("", None) => format!("HTTP {status}"),
                ("", Some(message)) => format!("HTTP {status}: {message}"),
                (code, None) => code.to_owned(),
                (code, Some(message)) => format!("{code}: {message}"),
            };
            (classify(code, status), words)
        }
        SdkError::TimeoutError(_) => (Trouble::StoreUnreachable, "no answer in time".to_owned()),
        SdkError::DispatchFailure(_) => (Trouble::StoreUnreachable, root(error)),
        // The answer was no S3 answer: a proxy, or a server on its way up.
        SdkError::ResponseError(_) => (Trouble::StoreBusy, root(error)),
        _ => (Trouble::StoreRefused, root(error)),
    };
    StoreError::new(trouble, format!("{call} {on}: {words}"))
}

/// The S3 error code, or the status where the answer has no body.
pub(super) fn classify(code: &str, status: u16) -> Trouble {
    match (code, status) {
        ("BucketAlreadyOwnedByYou" | "BucketAlreadyExists", _) => Trouble::Exists,
        ("NoSuchBucket", _) | ("", 404) => Trouble::NoSuchBucket,
        ("BucketNotEmpty", _) => Trouble::NotEmpty,
        ("AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken", _)
        | (_, 401 | 403) => Trouble::StoreDenied,
        ("OperationAborted" | "SlowDown" | "RequestTimeout", _) | (_, 408 | 409 | 429 | 500..) => Trouble::StoreBusy,
        _ => Trouble::StoreRefused,
    }
}

/// The innermost cause: "connection refused" says more than "dispatch failure".
fn root(error: &(dyn Error + 'static)) -> String {
    let mut at = error;
    while let Some(next) = at.source() {
        at = next;
    }
    at.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_before_status() {
        for (code, status, want) in [
            ("BucketNotEmpty", 409, Trouble::NotEmpty),
            ("BucketAlreadyOwnedByYou", 409, Trouble::Exists),
            ("OperationAborted", 409, Trouble::StoreBusy),
            ("AccessDenied", 403, Trouble::StoreDenied),
            ("", 404, Trouble::NoSuchBucket),
            ("XMinioServerNotInitialized", 503, Trouble::StoreBusy),
            ("MalformedPolicy", 400, Trouble::StoreRefused),
        ] {
            assert_eq!(classify(code, status), want, "{code} {status}");
        }
    }
}

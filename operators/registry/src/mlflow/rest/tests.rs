use reqwest::StatusCode;

use super::{classify, encode};
use crate::mlflow::MlflowError;

#[test]
fn answers_are_told_apart() {
    let json = |code: &str| format!(r#"{{"error_code": "{code}", "message": "words"}}"#);
    let words = || "words".to_owned();
    assert_eq!(classify(StatusCode::NOT_FOUND, &json("RESOURCE_DOES_NOT_EXIST")), MlflowError::Missing(words()));
    assert_eq!(classify(StatusCode::BAD_REQUEST, &json("RESOURCE_ALREADY_EXISTS")), MlflowError::Exists(words()));
    assert_eq!(classify(StatusCode::BAD_REQUEST, &json("INVALID_PARAMETER_VALUE")), MlflowError::Refused(words()));
    assert_eq!(classify(StatusCode::UNAUTHORIZED, "who"), MlflowError::Denied("who".into()));
    assert!(matches!(classify(StatusCode::INTERNAL_SERVER_ERROR, &json("INTERNAL_ERROR")), MlflowError::Broken(_)));
    let away = r#"{"error_code": "TEMPORARILY_UNAVAILABLE", "message": "db:\n\tConnection refused\n\n(Background on this error at: x)"}"#;
    assert_eq!(
        classify(StatusCode::SERVICE_UNAVAILABLE, away),
        MlflowError::Broken("503: db: Connection refused".into())
    );
    assert!(matches!(classify(StatusCode::TOO_MANY_REQUESTS, ""), MlflowError::Broken(_)));
    // A 404 without MLflow's code is another server, not a missing version.
    assert!(matches!(classify(StatusCode::NOT_FOUND, "<html>"), MlflowError::Refused(_)));
}

#[test]
fn queries_are_encoded() {
    assert_eq!(encode(&[("filter", "tag.`a/b` LIKE '%'")]), "filter=tag.%60a%2Fb%60+LIKE+%27%25%27");
}

//! The REST adapter against a real MLflow server with a login, on PostgreSQL; see `MILLRACE_MLFLOW_URL`, `_GIVEN`, `_USER`,
//! `_PASSWORD`, and `real-mlflow.sh`, which changes what the server was given once it serves. Models are named after the time, so that a database can be used again.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a name for each run")]

use std::collections::BTreeMap;

use millrace_kit::sim::patience;
use millrace_registry::mlflow::{Change, Mlflow, MlflowError, NewVersion, Server, TAG_UID, What, rest::Rest};

fn server() -> Server {
    let text = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("set {name}"));
    Server {
        url: text("MILLRACE_MLFLOW_URL").trim_end_matches('/').to_owned(),
        given: std::env::var("MILLRACE_MLFLOW_GIVEN").ok(),
        username: text("MILLRACE_MLFLOW_USER"),
        password: text("MILLRACE_MLFLOW_PASSWORD"),
    }
}

fn unique(word: &str) -> String {
    format!("{word}-{}", jiff::Timestamp::now().as_nanosecond())
}

fn new(model: &str, uid: &str) -> NewVersion {
    NewVersion {
        model: model.to_owned(),
        source: "s3://store-models/flights/1".to_owned(),
        description: "from a test".to_owned(),
        run_link: "millrace:ml/run/step".to_owned(),
        tags: BTreeMap::from([(TAG_UID.to_owned(), uid.to_owned()), ("auc".to_owned(), "0.7".to_owned())]),
    }
}

#[tokio::test]
async fn a_version_is_made_found_changed_and_proved_gone() {
    let (rest, server) = (Rest::new().unwrap(), server());
    let (model, uid) = (unique("model"), unique("uid"));
    let new = new(&model, &uid);
    assert!(matches!(rest.create_version(&server, &new).await, Err(MlflowError::Missing(_))));
    rest.create_model(&server, &model).await.unwrap();
    assert!(matches!(rest.create_model(&server, &model).await, Err(MlflowError::Exists(_))));
    assert_eq!(rest.find(&server, &uid).await.unwrap(), Vec::new());

    let made = rest.create_version(&server, &new).await.unwrap();
    assert_eq!((made.version, made.source.as_str(), made.uid()), (1, new.source.as_str(), uid.as_str()));
    assert_eq!(rest.find(&server, &uid).await.unwrap(), vec![made.clone()]);
    assert_eq!(rest.version(&server, &model, 1).await.unwrap(), Some(made));

    let change = |what| Change { model: model.clone(), version: 1, what };
    for what in [
        What::SetTag("auc".into(), "0.8".into()),
        What::SetTag("odd key".into(), "ü \"quoted\"".into()),
        What::DropTag("odd key".into()),
        What::Describe("changed".into()),
        What::SetAlias("champion".into()),
        What::SetAlias("candidate".into()),
        What::DropAlias("candidate".into()),
    ] {
        // Twice: a change is idempotent. MLflow refuses only to drop a tag that is not there.
        rest.change(&server, &change(what.clone())).await.unwrap();
        let again = rest.change(&server, &change(what.clone())).await;
        assert!(again.is_ok() || matches!(what, What::DropTag(_)), "{what:?}: {again:?}");
    }
    let seen = rest.look(&server).await.unwrap();
    assert!(seen.server_version.starts_with('3'), "{}", seen.server_version);
    let ours: Vec<_> = seen.versions[&uid].iter().filter(|v| v.model == model).collect();
    assert_eq!(ours.len(), 1);
    assert_eq!((ours[0].tags["auc"].as_str(), ours[0].description.as_str()), ("0.8", "changed"));
    assert_eq!(seen.aliases[&model], BTreeMap::from([("champion".to_owned(), 1)]));

    // An alias that is given back before stays; the others go with the version.
    rest.delete_version(&server, &model, 1).await.unwrap();
    assert!(matches!(rest.delete_version(&server, &model, 1).await, Err(MlflowError::Missing(_))));
    assert_eq!(rest.version(&server, &model, 1).await.unwrap(), None);
    assert_eq!(rest.find(&server, &uid).await.unwrap(), Vec::new());
    assert_eq!(rest.look(&server).await.unwrap().aliases[&model], BTreeMap::new());
    // A number is never given twice.
    assert_eq!(rest.create_version(&server, &new).await.unwrap().version, 2);
}

#[tokio::test]
async fn what_was_taken_is_given_back() {
    let (rest, server) = (Rest::new().unwrap(), server());
    let (model, first, second) = (unique("model"), unique("uid"), unique("uid"));
    rest.create_model(&server, &model).await.unwrap();
    for uid in [&first, &second] {
        let made = rest.create_version(&server, &new(&model, uid)).await.unwrap();
        let what = What::SetAlias("champion".into());
        rest.change(&server, &Change { model: model.clone(), version: made.version, what }).await.unwrap();
    }
    let back = Change { model: model.clone(), version: 1, what: What::SetAlias("champion".into()) };
    rest.change(&server, &back).await.unwrap();
    rest.delete_version(&server, &model, 2).await.unwrap();
    assert_eq!(rest.look(&server).await.unwrap().aliases[&model], BTreeMap::from([("champion".to_owned(), 1)]));
    assert_eq!(rest.find(&server, &second).await.unwrap(), Vec::new());
}

/// The answer, once it is as wanted.
async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let end = std::time::Instant::now() + patience(std::time::Duration::from_secs(300));
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(std::time::Instant::now() < end, "{what} never comes");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn a_changed_secret_is_seen_and_a_changed_password_counts_without_a_restart() {
    let (rest, server) = (Rest::new().unwrap(), server());
    let team = |password: &str| Server { username: "team".into(), password: password.into(), ..server.clone() };
    let (first, second) = (team("first-password-1"), team("second-password-2"));
    until("the new password", async || rest.look(&second).await.ok()).await;
    until("the end of the old one", async || rest.look(&first).await.err()).await;
    // The server says what it works with a moment after it does.
    let given = until("the news of the database and of the login", async || {
        let given = rest.look(&server).await.unwrap().given?;
        (given.uri.mounted != given.uri.used && given.admin.used == given.admin.mounted).then_some(given)
    });
    let given = given.await;
    assert_eq!(given.secret, "database/uri");
    assert!(given.admin.used.is_some());
    assert!(given.uri.mounted.is_some() && given.uri.used.is_some());
    let told = serde_json::to_string(&given).unwrap();
    assert!(!told.contains("password") && !told.contains("postgresql"), "{told}");
}

#[tokio::test]
async fn an_open_door_a_wrong_password_and_nobody_are_told_apart() {
    let (rest, server) = (Rest::new().unwrap(), server());
    let wrong = Server { password: "not the password".into(), ..server.clone() };
    assert!(matches!(rest.look(&wrong).await, Err(MlflowError::Denied(_))));
    let nobody = Server { url: "http://127.0.0.1:9".into(), ..server.clone() };
    assert!(matches!(rest.look(&nobody).await, Err(MlflowError::Unreachable(_))));
    let bad = Change { model: unique("none"), version: 1, what: What::SetAlias("champion".into()) };
    assert!(matches!(rest.change(&server, &bad).await, Err(MlflowError::Missing(_))));
    let reserved = Change { model: "x/y".into(), version: 1, what: What::SetAlias("latest".into()) };
    assert!(matches!(rest.change(&server, &reserved).await, Err(MlflowError::Refused(_) | MlflowError::Missing(_))));
}

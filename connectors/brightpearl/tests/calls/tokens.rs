//! The refresh of tokens (BP §b.3).

use std::time::Duration;

use crate::support::{Answer, Server, http, impatient_http};
use orderbridge_brightpearl::oauth::{Tokens, needs_authorisation, refresh};
use orderbridge_http_client::{CallError, HttpClient};
use orderbridge_schema::ids::AccountCode;
use secrecy::ExposeSecret;

async fn refreshed(http: &HttpClient, server: &Server) -> Result<Tokens, CallError> {
    let account = AccountCode::new("acme").unwrap();
    refresh(http, &server.url, &account, "acme-app", Some(&"s3cret".to_owned().into()), &"Zp9+/=".to_owned().into()).await
}

async fn answer(status: u16, body: &'static str) -> Result<Tokens, CallError> {
    refreshed(&http(), &Server::start(move |_| Answer::json(status, body)).await).await
}

#[tokio::test]
async fn new_tokens_are_asked_for_with_a_form() {
    let body = r#"{"access_token":"a1=","refresh_token":"r2=","api_domain":"use1.brightpearlconnect.com","token_type":"Bearer","expires_in":537227}"#;
    let server = Server::start(move |_| Answer::json(200, body)).await;
    let tokens = refreshed(&http(), &server).await.unwrap();
    assert_eq!((tokens.access.expose_secret(), tokens.refresh.as_ref().map(ExposeSecret::expose_secret)), ("a1=", Some("r2=")));
    assert_eq!((tokens.expires_in, tokens.api_domain.as_deref()), (Duration::from_secs(537_227), Some("use1.brightpearlconnect.com")));
    assert!(!format!("{tokens:?}").contains("a1="));
    let seen = server.seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/token/acme"));
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen.body, "grant_type=refresh_token&refresh_token=Zp9%2B%2F%3D&client_id=acme-app&client_secret=s3cret");
}

#[tokio::test]
async fn what_is_left_out_is_not_made_up() {
    let tokens = answer(200, r#"{"access_token":"a1","expires_in":"60"}"#).await.unwrap();
    assert!(tokens.refresh.is_none() && tokens.api_domain.is_none());
    assert_eq!(tokens.expires_in, Duration::from_secs(60));
    assert_eq!(answer(200, r#"{"access_token":"a1"}"#).await.unwrap().expires_in, Duration::from_secs(3600));
}

#[tokio::test]
async fn a_refusal_is_told_apart_from_an_outage() {
    let dead =
        answer(400, r#"{"error":"invalid_grant","error_description":"The auth token has either expired or does not exist"}"#).await.unwrap_err();
    assert_eq!(dead, CallError::refused(400, "invalid_grant", "The auth token has either expired or does not exist"));
    assert!(needs_authorisation(&dead));
    assert!(needs_authorisation(&answer(401, "{}").await.unwrap_err()));
    for (status, body) in [(200, "{}"), (200, ""), (200, r#"{"access_token":""}"#), (502, "<html>"), (400, "<html>"), (503, "{}")] {
        let error = answer(status, body).await.unwrap_err();
        assert!(!error.is_definite_no() && !needs_authorisation(&error), "{status} {body}");
    }
    let cut = refreshed(&http(), &Server::start(|_| Answer::Cut).await).await.unwrap_err();
    let stalled = refreshed(&impatient_http(), &Server::start(|_| Answer::Stall).await).await.unwrap_err();
    assert!(!cut.is_definite_no() && !stalled.is_definite_no());
}

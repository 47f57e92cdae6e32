//! Sign-in on a host of its own (BP §b.2, §l.3).

use std::net::{Ipv4Addr, SocketAddr};

use platforms::Settings;
use serde_json::{Value, json};

#[tokio::test]
async fn tokens_are_given_at_the_sign_in_host_alone_and_name_the_apis_host() {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let running = platforms::start(Settings { brightpearl_oauth: Some(free), ..Settings::default() }).await.unwrap();
    let (api, oauth) = (&running.brightpearl_url, &running.brightpearl_oauth_url);
    assert_ne!(api, oauth);
    assert_eq!(running.bigcommerce_url, running.bigcommerce_login_url, "one port unless another is asked for");
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let account: Value = http.post(format!("{api}/_sim/accounts")).json(&json!({"code": "acme"})).send().await.unwrap().json().await.unwrap();
    let field = |name: &str| account["installations"][0][name].as_str().unwrap().to_owned();
    let page = async |base: &str| {
        let url =
            format!("{base}/authorize/acme?response_type=code&client_id={}&redirect_uri=https%3A%2F%2Fus.example%2Fback&state=s", field("app_ref"));
        http.get(url).send().await.unwrap().status().as_u16()
    };
    assert_eq!((page(api).await, page(oauth).await), (404, 302));
    let form = [
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", field("refresh_token")),
        ("client_id", field("app_ref")),
        ("client_secret", field("client_secret")),
    ];
    for path in ["token/acme", "acme/oauth/token"] {
        assert_eq!(http.post(format!("{api}/{path}")).form(&form).send().await.unwrap().status().as_u16(), 404, "{path}");
    }
    let granted = http.post(format!("{oauth}/token/acme")).form(&form).send().await.unwrap();
    assert_eq!(granted.status().as_u16(), 200);
    let granted: Value = granted.json().await.unwrap();
    assert_eq!(format!("http://{}", granted["api_domain"].as_str().unwrap()), *api);
    let call = async |base: &str| {
        let request = http.get(format!("{base}/public-api/acme/integration-service/integration/instance"));
        let request = request.bearer_auth(granted["access_token"].as_str().unwrap());
        let request = request.header("brightpearl-app-ref", field("app_ref")).header("brightpearl-dev-ref", field("dev_ref"));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((call(api).await, call(oauth).await), (200, 404));
    running.stop().await;
}

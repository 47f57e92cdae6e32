//! Sign-in on a host of its own (BC §a; BP §l 3).

use std::net::{Ipv4Addr, SocketAddr};

use platforms::Settings;
use serde_json::{Value, json};

async fn post(client: &reqwest::Client, url: String, body: &Value) -> (u16, Value) {
    let answer = client.post(url).json(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
}

#[tokio::test]
async fn tokens_are_given_at_the_login_host_alone() {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let running = platforms::start(Settings { bigcommerce_login: Some(free), ..Settings::default() }).await.unwrap();
    let (api, login) = (&running.bigcommerce_url, &running.bigcommerce_login_url);
    assert_ne!(api, login);
    assert_eq!(running.brightpearl_url, running.brightpearl_oauth_url, "one port unless another is asked for");
    let client = reqwest::Client::new();
    let (_, store) = post(&client, format!("{api}/_sim/stores"), &json!({ "hash": "abc123" })).await;
    let wish = json!({ "scope": "store_v2_information" });
    let (_, code) = post(&client, format!("{login}/_sim/stores/abc123/oauth_codes"), &wish).await;
    let exchange = json!({ "client_id": code["client_id"], "client_secret": store["client_secret"], "code": code["code"], "context": code["context"],
        "scope": code["scope"], "grant_type": "authorization_code", "redirect_uri": code["redirect_uri"] });
    assert_eq!(post(&client, format!("{api}/oauth2/token"), &exchange).await.0, 404);
    let (status, granted) = post(&client, format!("{login}/oauth2/token"), &exchange).await;
    assert_eq!(status, 200, "{granted}");
    let time = async |base: &str| {
        let request = client.get(format!("{base}/stores/abc123/v2/time")).header("X-Auth-Token", granted["access_token"].as_str().unwrap());
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((time(api).await, time(login).await), (200, 404));
    running.stop().await;
}

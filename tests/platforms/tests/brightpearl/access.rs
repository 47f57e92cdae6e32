//! Tokens, access and the quota.

use serde_json::{Value, json};

use crate::support::{Reply, Sim};

async fn token(sim: &Sim, form: &[(&str, &str)]) -> Reply {
    Sim::send(sim.http.post(sim.url("/token/acme")).form(form)).await
}

#[tokio::test]
async fn a_code_from_the_authorize_page_becomes_a_token_pair() {
    let sim = Sim::start().await;
    let (app, secret) = (sim.installation("app_ref"), sim.installation("client_secret"));
    let url = sim.url(&format!("/authorize/acme?response_type=code&client_id={app}&redirect_uri=https%3A%2F%2Fus.example%2Fback&state=s1"));
    let page = sim.http.get(url).send().await.unwrap();
    assert_eq!(page.status(), 302);
    let target = reqwest::Url::parse(page.headers()["location"].to_str().unwrap()).unwrap();
    let query: std::collections::BTreeMap<_, _> = target.query_pairs().into_owned().collect();
    assert_eq!(query["state"], "s1");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &query["code"]),
        ("client_id", &app),
        ("client_secret", &secret),
        ("redirect_uri", "https://us.example/back"),
    ];

    let mut wrong = form;
    wrong[4].1 = "https://us.example/other";
    let refused = token(&sim, &wrong).await;
    assert_eq!((refused.status, &refused.body["error_description"]), (400, &json!("Redirect uri does not match that used to request auth token")));

    let granted = token(&sim, &form).await;
    assert_eq!(granted.status, 200);
    assert_eq!(granted.body["expires_in"], 604_800);
    assert_eq!(granted.body["installation_instance_id"], sim.instance().to_string());
    assert_eq!(granted.body["api_domain"], sim.server.addr.to_string());
    let again = token(&sim, &form).await;
    assert_eq!(again.body["error_description"], "The auth token has either expired or does not exist");
    let mut foreign = form;
    foreign[3].1 = "wrong";
    assert_eq!(token(&sim, &foreign).await.body, json!({"error": "invalid_client"}));
    let as_json = Sim::send(sim.http.post(sim.url("/token/acme")).json(&json!({"grant_type": "refresh_token"}))).await;
    assert_eq!(as_json.status, 400);
}

#[tokio::test]
async fn an_early_refresh_hands_back_the_same_token_and_a_late_one_rotates_both() {
    let sim = Sim::start().await;
    let (app, secret, old) = (sim.installation("app_ref"), sim.installation("client_secret"), sim.installation("refresh_token"));
    let form = [("grant_type", "refresh_token"), ("refresh_token", old.as_str()), ("client_id", app.as_str()), ("client_secret", secret.as_str())];
    let early = token(&sim, &form).await;
    assert_eq!(early.body["access_token"], sim.installation("access_token"));
    assert!(early.body["expires_in"].as_i64().unwrap() < 604_800 && early.body.get("installation_instance_id").is_none());

    sim.advance(604_800_000).await;
    let expired = sim.get("/integration-service/integration/instance").await;
    assert_eq!((expired.status, &expired.body), (401, &json!({"response": "Authorization token expired"})));
    assert!(expired.headers.get("www-authenticate").is_none());
    let late = token(&sim, &form).await;
    assert_eq!(late.body["expires_in"], 604_800);
    assert_ne!(late.body["refresh_token"], old.as_str());
    assert_eq!(token(&sim, &form).await.body["error"], "invalid_grant", "the old refresh token is dead by default");
}

#[tokio::test]
async fn the_refresh_switches_change_who_rotates() {
    let sim = Sim::start().await;
    let (app, secret, old) = (sim.installation("app_ref"), sim.installation("client_secret"), sim.installation("refresh_token"));
    let form = [("grant_type", "refresh_token"), ("refresh_token", old.as_str()), ("client_id", app.as_str()), ("client_secret", secret.as_str())];
    sim.switch(json!({"early_refresh": "new", "refresh_rotation": "keep"})).await;
    let kept = token(&sim, &form).await;
    assert_ne!(kept.body["access_token"], sim.installation("access_token"));
    assert_eq!(kept.body["refresh_token"], old.as_str());
    sim.switch(json!({"refresh_rotation": "rotate"})).await;
    assert_ne!(token(&sim, &form).await.body["refresh_token"], old.as_str());
    assert_eq!(token(&sim, &form).await.status, 200, "the old refresh token still works");
}

#[tokio::test]
async fn wrong_tokens_and_missing_references_are_401_with_a_string_body() {
    let sim = Sim::start().await;
    let path = "/integration-service/integration/instance";
    let wrong = Sim::send(sim.request("GET", path).bearer_auth("nonsense")).await;
    assert_eq!((wrong.status, &wrong.body), (401, &json!({"response": "Invalid instance token: nonsense"})));
    let bare = sim.http.get(sim.url(&format!("/public-api/acme{path}"))).bearer_auth(sim.installation("access_token"));
    let bare = Sim::send(bare).await;
    assert_eq!(bare.status, 401);
    assert!(bare.body["response"].is_string());
    sim.act("/tokens", json!({"action": "revoke"})).await;
    assert_eq!(sim.get(path).await.status, 401);
    sim.act("/tokens", json!({"action": "restore"})).await;
    let mine = sim.get(path).await;
    assert_eq!(mine.data()["installedIntegrationInstanceId"], sim.instance());
    assert_eq!(mine.header("brightpearl-installed-integration-instance-id"), sim.instance());
}

#[tokio::test]
async fn the_201st_request_of_a_wall_clock_minute_is_a_503_and_401s_count() {
    let sim = Sim::start().await;
    sim.switch(json!({"requests_per_minute": 200})).await;
    // Land early in a minute so that all calls fall into one window.
    let now = sim.clock.now().as_millisecond();
    sim.clock.set_offset_ms(60_000 - now.rem_euclid(60_000) + 1_000).unwrap();
    let path = "/accounting-service/tax-code";
    for used in 1..=200 {
        let reply = if used % 50 == 0 { Sim::send(sim.request("GET", path).bearer_auth("wrong")).await } else { sim.get(path).await };
        assert_eq!(reply.header("brightpearl-requests-remaining"), 200 - used);
        let until = reply.header("brightpearl-next-throttle-period") + sim.clock.now().as_millisecond().rem_euclid(60_000);
        assert!((59_000..=61_000).contains(&until), "{until}");
    }
    let over = sim.get(path).await;
    assert_eq!(over.status, 503);
    assert_eq!(over.body, json!({"response": "You have sent too many requests. Please wait before sending another request"}));
    assert_eq!(over.header("brightpearl-requests-remaining"), 0);
    sim.advance(60_000).await;
    assert_eq!(sim.get(path).await.header("brightpearl-requests-remaining"), 199);
    sim.act("/quota", json!({"developer": sim.installation("dev_ref"), "requests": 150})).await;
    assert_eq!(sim.get(path).await.header("brightpearl-requests-remaining"), 48);
}

#[tokio::test]
async fn a_made_up_developer_reference_opens_no_pool_of_its_own() {
    let sim = Sim::start().await;
    sim.switch(json!({"requests_per_minute": 200})).await;
    let now = sim.clock.now().as_millisecond();
    sim.clock.set_offset_ms(60_000 - now.rem_euclid(60_000) + 1_000).unwrap();
    let path = "/accounting-service/tax-code";
    assert_eq!(sim.get(path).await.header("brightpearl-requests-remaining"), 199);
    let request = sim.http.get(sim.url(&format!("/public-api/acme{path}"))).bearer_auth(sim.installation("access_token"));
    let wrong = Sim::send(request.header("brightpearl-app-ref", sim.installation("app_ref")).header("brightpearl-dev-ref", "made-up")).await;
    assert_eq!((wrong.status, wrong.header("brightpearl-requests-remaining")), (401, 198), "the token's own developer pays");
    let used = sim.view("/quota").await["used"].clone();
    assert!(used.get("made-up").is_none(), "{used}");
}

#[tokio::test]
async fn unknown_paths_long_uris_and_broken_bodies_are_refused() {
    let sim = Sim::start().await;
    assert_eq!(sim.get("/order-service/nonsense").await.refusal(), (404, "CMNC-404"));
    assert_eq!(sim.call("DELETE", "/order-service/order/70001", None).await.status, 404);
    assert_eq!(sim.get("/other-service/order/1").await.status, 404);
    assert_eq!(Sim::send(sim.http.get(sim.url("/elsewhere"))).await.status, 404);
    let long = "1".repeat(8300);
    assert_eq!(sim.get(&format!("/order-service/order/{long}")).await.status, 414);
    let broken = sim.request("POST", "/order-service/sales-order").bearer_auth(sim.installation("access_token"));
    let broken = Sim::send(broken.header("content-type", "application/json").body("{")).await;
    assert_eq!(broken.refusal(), (500, "CMNU-003"));
    assert_eq!(sim.call("POST", "/order-service/sales-order", None).await.refusal(), (400, "CMNC-010"));
    let mut typed = sim.order_body("x");
    typed["warehouseId"] = json!({"id": 2});
    assert_eq!(sim.post("/order-service/sales-order", typed).await.refusal(), (500, "CMNU-003"));
    assert_eq!(sim.view("/orders").await["orders"], json!([]));
}

#[tokio::test]
async fn installations_have_their_own_tokens_but_share_the_pool_of_their_developer() {
    let sim = Sim::with(json!({"code": "acme", "installations": [
        {"app_ref": "app", "dev_ref": "dev"}, {"app_ref": "app", "dev_ref": "dev"}, {"app_ref": "other", "dev_ref": "else", "public": true}]}))
    .await;
    sim.switch(json!({"requests_per_minute": 200})).await;
    let call = async |place: usize| {
        let one = &sim.account["installations"][place];
        let text = |field: &str| one[field].as_str().unwrap().to_owned();
        let request = sim.http.get(sim.url("/public-api/acme/accounting-service/tax-code")).bearer_auth(text("access_token"));
        Sim::send(request.header("brightpearl-app-ref", text("app_ref")).header("brightpearl-dev-ref", text("dev_ref"))).await
    };
    let now = sim.clock.now().as_millisecond();
    sim.clock.set_offset_ms(60_000 - now.rem_euclid(60_000) + 1_000).unwrap();
    assert_eq!(call(0).await.header("brightpearl-requests-remaining"), 199);
    assert_eq!(call(1).await.header("brightpearl-requests-remaining"), 198);
    assert_eq!(call(2).await.header("brightpearl-requests-remaining"), 199);
    assert_eq!(sim.account["installations"][2]["client_secret"], Value::Null);
}

#[tokio::test]
async fn a_multi_message_runs_its_parts_in_order_and_stops_at_the_first_failure() {
    let sim = Sim::start().await;
    let order = sim.order("m-1").await;
    let status = |label: &str, order: i64, status: i64| json!({"label": label, "uri": format!("/order-service/order/{order}/status"), "httpMethod": "PUT", "body": {"orderStatusId": status}});
    let body =
        json!({"processingMode": "SEQUENTIAL", "onFail": "STOP", "messages": [status("a", order, 21), status("b", 1, 21), status("c", order, 18)]});
    let reply = sim.post("/multi-message", body).await;
    assert_eq!(reply.status, 207);
    let done = &reply.data()["processedMessages"];
    assert_eq!((&done[0]["statusCode"], &done[0]["body"]["content"]), (&json!(200), &json!("{}")));
    assert_eq!(done[1]["statusCode"], 400);
    assert_eq!(reply.data()["unprocessedMessages"], json!(["c"]));
    assert_eq!(sim.read(order).await["orderStatus"]["orderStatusId"], 21);
    let many: Vec<Value> = (0..11).map(|number| status(&number.to_string(), order, 18)).collect();
    let refused = sim.post("/multi-message", json!({"processingMode": "SEQUENTIAL", "onFail": "STOP", "messages": many})).await;
    assert_eq!(refused.status, 400);
    let parallel = sim.post("/multi-message", json!({"processingMode": "PARALLEL", "onFail": "STOP", "messages": [status("a", order, 18)]})).await;
    assert_eq!(parallel.status, 400);
}

#[tokio::test]
async fn what_a_multi_message_costs_is_a_switch() {
    let sim = Sim::start().await;
    let order = sim.order("m-2").await;
    let part = |label: &str| json!({"label": label, "uri": format!("/order-service/order/{order}/status"), "httpMethod": "PUT", "body": {"orderStatusId": 21}});
    let body = json!({"processingMode": "SEQUENTIAL", "onFail": "CONTINUE", "messages": [part("a"), part("b"), part("c")]});
    for (switch, cost) in [("one", 1), ("each", 3)] {
        sim.switch(json!({"multi_message_cost": switch})).await;
        let before = sim.get("/order-service/order-status").await.header("brightpearl-requests-remaining");
        sim.post("/multi-message", body.clone()).await;
        let after = sim.get("/order-service/order-status").await.header("brightpearl-requests-remaining");
        // The last look costs one call itself. A new minute in between would make the difference negative.
        assert!(before < after || before - after == cost + 1, "{switch}: {before} {after}");
    }
}

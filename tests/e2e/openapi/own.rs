//! The checker itself, tried with small files of our own: these tests run everywhere.

use std::path::Path;

use serde_json::{Value, json};

use super::check::{Part, Specification};
use super::exceptions::{BIGCOMMERCE, Exception, fits};
use super::exchange::Exchange;
use super::folder;

fn tiny() -> Specification {
    Specification::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/openapi/tiny"))).unwrap()
}

/// A line of a ledger.
fn line(method: &str, path: &str, request: Value, status: u16, response: Value) -> Exchange {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query: Vec<Vec<&str>> = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.splitn(2, '=').collect()).collect();
    Exchange::of_ledger(&json!({ "method": method, "path": format!("/stores/abc{path}"), "query": query, "status": status,
        "request_body": request, "response_body": response, "fault": null }))
}

fn get(path: &str, response: Value) -> Exchange {
    line("GET", path, Value::Null, 200, response)
}

/// What is found: part, place and words.
fn found(exchange: Exchange) -> Vec<(Part, String, String)> {
    let judgement = tiny().judge(&[exchange], &[]);
    assert_eq!(judgement.checked, 1);
    judgement.violations.into_keys().map(|violation| (violation.part, violation.at, violation.what)).collect()
}

/// Part and place of the only thing that is found.
fn only(exchange: Exchange) -> (Part, String) {
    let found = found(exchange);
    assert_eq!(found.len(), 1, "{found:?}");
    (found[0].0, found[0].1.clone())
}

fn clean(exchange: Exchange) {
    assert_eq!(found(exchange), []);
}

fn book(more: Value) -> Value {
    let mut book = json!({ "id": 7, "title": "Dune" });
    book.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    book
}

fn shown(more: Value) -> Exchange {
    get("/v3/books", json!({ "data": [book(json!({})), book(more)] }))
}

#[test]
fn what_is_described_passes() {
    clean(shown(json!({ "subtitle": null, "binding": null, "price": 0.01, "weight": 5, "bought_at": "2026-03-01T09:30:00Z", "extent": 412,
        "owner": null, "place": { "shelf": "A1" }, "codes": { "isbn": "9780441013593" }, "sequel": book(json!({ "binding": "no" })) })));
    clean(shown(json!({ "owner": { "name": "Ada", "since": "2026-03-01" }, "place": { "room": 3 }, "subtitle": "A novel" })));
    clean(get("/v3/books?page=2&tag:in=new,old&id:in=1,2&lent=true&sort=title", json!({ "data": [], "meta": { "anything": 1 } })));
    clean(get("/v3/books/7?edition=2", book(json!({}))));
    clean(line("POST", "/v3/books", json!({ "title": "Dune", "donor_note": "torn" }), 201, book(json!({}))));
    clean(line("DELETE", "/v3/books/7", Value::Null, 204, Value::Null));
}

#[test]
fn a_wrong_value_is_found_where_it_stands_and_told_once_for_all_rows() {
    for (wrong, at) in [
        (json!({ "title": "" }), "title"),
        (json!({ "title": null }), "title"),
        (json!({ "subtitle": 5 }), "subtitle"),
        (json!({ "binding": "leather" }), "binding"),
        (json!({ "binding": false }), "binding"),
        (json!({ "price": 0 }), "price"),
        (json!({ "bought_at": "Sun, 01 Mar 2026 09:30:00 +0000" }), "bought_at"),
        (json!({ "extent": 411 }), "extent"),
        (json!({ "sequel": { "id": 8 } }), "sequel"),
        (json!({ "sequel": { "id": 8, "title": "Messiah", "sequel": { "id": "9", "title": "Children" } } }), "sequel/sequel/id"),
        (json!({ "owner": { "name": 5 } }), "owner"),
        (json!({ "owner": { "since": "yesterday" } }), "owner"),
        (json!({ "codes": { "isbn": 5 } }), "codes/isbn"),
        (json!({ "place": { "shelf": 5 } }), "place"),
    ] {
        if wrong.get("binding") != Some(&json!(false)) {
            assert_eq!(only(shown(wrong.clone())), (Part::Answer, format!("/data/*/{at}")), "{wrong}");
        } else {
            assert!(found(shown(wrong)).iter().all(|(_, place, _)| place == "/data/*/binding"), "a text, as YAML 1.2 has it");
        }
    }
    let many: Vec<Value> = (0..9).map(|_| book(json!({ "subtitle": 5 }))).collect();
    only(get("/v3/books", json!({ "data": many })));
}

#[test]
fn what_is_missing_or_not_listed_is_found() {
    assert_eq!(only(get("/v3/books", json!({}))), (Part::Answer, String::new()));
    assert_eq!(only(shown(json!({ "colour": "red" }))), (Part::Answer, "/data/*/colour".into()));
    assert_eq!(only(shown(json!({ "owner": { "nmae": "Ada" } }))).0, Part::Answer);
    assert_eq!(only(shown(json!({ "place": { "shelf": "A1", "row": 2 } }))).0, Part::Answer);
    let twice = found(shown(json!({ "colour": "red", "smell": "old" })));
    assert_eq!(twice.iter().map(|(_, at, _)| at.as_str()).collect::<Vec<_>>(), ["/data/*/colour", "/data/*/smell"]);
}

#[test]
fn each_side_sends_only_what_is_its_own() {
    let post = |body: Value| line("POST", "/v3/books", body, 201, book(json!({})));
    assert_eq!(only(post(book(json!({})))), (Part::Request, "/id".into()));
    assert_eq!(only(post(json!({}))), (Part::Request, String::new()));
    assert_eq!(only(post(json!({ "title": "Dune", "titel": "Dune" }))), (Part::Request, "/titel".into()));
    assert_eq!(only(shown(json!({ "donor_note": "torn" }))), (Part::Answer, "/data/*/donor_note".into()));
    assert_eq!(only(post(Value::Null)), (Part::Request, String::new()));
    assert_eq!(only(line("DELETE", "/v3/books/7", json!({ "why": "torn" }), 204, Value::Null)), (Part::Request, String::new()));
}

#[test]
fn query_parameters_are_known_by_name_and_type() {
    let ask = |query: &str| get(&format!("/v3/books?{query}"), json!({ "data": [] }));
    for (query, at) in
        [("pgae=2", "pgae"), ("page=two", "page"), ("id:in=1,x", "id:in"), ("lent=maybe", "lent"), ("sort=id:asc", "sort"), ("x-trace=1", "x-trace")]
    {
        assert_eq!(only(ask(query)), (Part::Query, at.into()), "{query}");
    }
    assert_eq!(only(get("/v3/books/7", book(json!({})))), (Part::Query, "edition".into()), "required");
    assert_eq!(only(get("/v3/books/7?edition=0", book(json!({})))), (Part::Query, "edition".into()));
}

#[test]
fn paths_and_statuses_that_nobody_describes_are_found() {
    for (method, path) in [("GET", "/v3/shelves"), ("PATCH", "/v3/books/7"), ("GET", "/v3/books/7/8"), ("GET", "/v2/books"), ("GET", "/v3/books/")] {
        assert_eq!(only(line(method, path, Value::Null, 200, json!({}))), (Part::Path, String::new()), "{method} {path}");
    }
    clean(get("/v3/books/count", json!({ "count": 3 })));
    assert_eq!(only(get("/v3/books/count", json!({ "count": "3" }))), (Part::Answer, "/count".into()), "literal before placeholder");
    assert_eq!(only(line("GET", "/v3/books", Value::Null, 202, json!({}))), (Part::Status, "202".into()));
    assert_eq!(only(line("GET", "/v3/books", Value::Null, 204, Value::Null)), (Part::Status, "204".into()));
    assert_eq!(only(get("/v3/books", Value::Null)), (Part::Answer, String::new()), "a body is described");
    assert_eq!(only(line("DELETE", "/v3/books/7", Value::Null, 204, json!({}))), (Part::Answer, String::new()), "none is");
}

#[test]
fn an_error_is_of_the_described_form_or_else_of_its_generation_s() {
    let refused = |method: &str, path: &str, body: Value| {
        line(method, path, if method == "POST" { json!({ "title": "Dune", "name": "x" }) } else { Value::Null }, 422, body)
    };
    let described = |body: Value| line("POST", "/v3/books", json!({ "title": "Dune" }), 422, body);
    clean(described(json!({ "why": "no room" })));
    assert_eq!(only(described(json!({ "status": 422, "title": "No room" }))).0, Part::Answer);
    clean(refused("GET", "/v3/books", json!({ "status": 422, "title": "No." })));
    assert_eq!(only(refused("GET", "/v3/books", json!([{ "status": 422, "message": "No." }]))).0, Part::Answer);
    assert_eq!(only(refused("GET", "/v3/books", json!("<html>No</html>"))).0, Part::Answer);
    clean(refused("GET", "/v2/readers?name=a", json!(["a default is described"])));
    let reader = |body: Value| line("POST", "/v2/readers", json!({ "name": "Ada" }), 400, body);
    clean(reader(json!([{ "status": 400, "message": "No." }])));
    assert_eq!(only(reader(json!({ "status": 400, "title": "No." }))).0, Part::Answer);
}

#[test]
fn the_older_openapi_is_understood_too() {
    clean(get("/v2/readers?name=a&limit=250", json!([{ "name": "Ada", "phone": null, "joined": "Sun, 01 Mar 2026 09:30:00 +0000" }])));
    clean(line("POST", "/v2/readers", json!({ "name": "Ada" }), 200, json!({ "name": "Ada" })));
    assert_eq!(only(get("/v2/readers?name=a&limit=251", json!([]))), (Part::Query, "limit".into()));
    assert_eq!(only(get("/v2/readers", json!([]))), (Part::Query, "name".into()));
    assert_eq!(only(get("/v2/readers?name=a", json!([{ "name": "Ada", "joined": "yesterday" }]))), (Part::Answer, "/*/joined".into()));
    assert_eq!(only(line("POST", "/v2/readers", json!({ "name": 5 }), 200, json!({ "name": "Ada" }))), (Part::Request, "/name".into()));
}

#[test]
fn a_call_that_was_cut_or_answered_by_a_fault_is_judged_by_its_request_alone() {
    let spoilt = |status: Value, fault: &str, path: &str| {
        Exchange::of_ledger(&json!({ "method": "GET", "path": path, "query": [], "status": status, "request_body": null,
            "response_body": "<html>Bad gateway</html>", "fault": fault }))
    };
    clean(spoilt(json!(502), "status", "/stores/abc/v3/books"));
    clean(spoilt(Value::Null, "cut_before", "/stores/abc/v3/books"));
    assert_eq!(only(spoilt(json!(502), "status", "/stores/abc/v3/shelves")).0, Part::Path);
}

#[test]
fn an_exception_excuses_what_it_names_and_is_seen_to_be_used() {
    let exception = |call, at| Exception { call, part: Part::Answer, at, says: "is not listed", why: "a test" };
    let exceptions = [exception("GET /v3/books", "/data/*/smell"), exception("* /v3/books*", "*/colour")];
    let exchanges = [shown(json!({ "colour": "red" })), shown(json!({ "colour": "red", "size": 5, "subtitle": 5 }))];
    let judgement = tiny().judge(&exchanges, &exceptions);
    let left: Vec<String> = judgement.violations.keys().map(ToString::to_string).collect();
    assert_eq!(left, ["GET /v3/books | Answer /data/*/subtitle | value is not of types \"null\", \"string\" (number)"]);
    assert_eq!(judgement.used.into_iter().collect::<Vec<_>>(), [1]);
}

#[test]
#[should_panic(expected = "/data/*/colour | is not listed")]
fn a_difference_fails_the_test_that_meets_it() {
    tiny().judge(&[shown(json!({ "colour": "red" }))], &[]).assert_clean("the library");
}

#[test]
#[should_panic(expected = "nothing was checked")]
fn an_empty_ledger_proves_nothing() {
    tiny().judge(&[], &[]).assert_clean("the library");
}

#[test]
fn every_exception_gives_its_reason() {
    for exception in BIGCOMMERCE {
        assert!(exception.why.contains('§') || exception.why.contains("the file's own words"), "{exception:?}");
    }
}

#[test]
fn patterns_stand_for_any_text() {
    for (pattern, text) in [("a", "a"), ("*", ""), ("a*", "abc"), ("*c", "abc"), ("a*b*c", "a-b-b-c"), ("*", "é")] {
        assert!(fits(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [("a", "b"), ("a*", "b"), ("*c", "cd"), ("a*b*c", "acb"), ("", "a")] {
        assert!(!fits(pattern, text), "{pattern} {text}");
    }
}

#[test]
fn the_files_are_where_the_environment_says_or_beside_the_checkout_or_nowhere() {
    let here = tempfile::tempdir().unwrap();
    let there = here.path().join("there");
    assert_eq!(folder(None, &there), Ok(None));
    assert_eq!(folder(Some("".into()), here.path()), Ok(Some(here.path().to_owned())));
    assert_eq!(folder(Some(here.path().into()), &there), Ok(Some(here.path().to_owned())));
    assert!(folder(Some(there.into()), here.path()).unwrap_err().contains("which is no folder"), "a slip is no absence");
    assert!(Specification::load(here.path()).unwrap_err().contains("no OpenAPI file"));
    std::fs::write(here.path().join("a.yml"), "openapi: 3.0.3\npaths: [").unwrap();
    assert!(Specification::load(here.path()).unwrap_err().contains("a.yml"));
}

#[test]
fn a_reference_to_nothing_is_told_when_the_files_are_read() {
    let here = tempfile::tempdir().unwrap();
    std::fs::write(here.path().join("a.yml"), "openapi: 3.0.3\npaths: { /a: { $ref: 'b.yml#/nowhere' } }").unwrap();
    assert_eq!(Specification::load(here.path()).unwrap_err(), "nothing is called b.yml#/nowhere in b.yml");
    std::fs::write(here.path().join("a.yml"), "openapi: 3.0.3\npaths: { /a: { $ref: '#/b' } }\nb: { $ref: '#/paths/~1a' }").unwrap();
    assert_eq!(Specification::load(here.path()).unwrap_err(), "a.yml: references go in a circle");
}

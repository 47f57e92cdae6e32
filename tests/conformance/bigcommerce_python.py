"""BigCommerce's own Python client (package `bigcommerce`) against the simulated store."""

import base64
import hashlib
import hmac
import json
import time

import bigcommerce.api
from bigcommerce.connection import OAuthConnection
from bigcommerce.exception import ClientRequestException, EmptyResponseWarning, RateLimitingException, ServerException

from simulator import BIGCOMMERCE, check, check_that, control, done, raised


def make_store(**settings) -> dict:
    return control(BIGCOMMERCE, "POST", "stores", settings)


def of_store(store: dict, method: str, path: str, body: dict | None = None):
    return control(BIGCOMMERCE, method, f"stores/{store['hash']}/{path}", body)


def client(store: dict, **options) -> bigcommerce.api.BigcommerceApi:
    return bigcommerce.api.BigcommerceApi(
        client_id=store["client_id"], store_hash=store["hash"], access_token=store["access_token"], **options
    )


def v3(store: dict) -> OAuthConnection:
    return OAuthConnection(store["client_id"], store["hash"], store["access_token"], api_path="/stores/{}/v3/{}")


def store_and_time(store: dict) -> None:
    api = client(store)
    check("the store tells its currency", api.Store.all()["currency"], "GBP")
    check_that("its time is ours", abs(int(api.Time.all()["time"]) - time.time()) < 60)
    check_that("order statuses are listed", [row["id"] for row in api.OrderStatuses.all()][:3] == [0, 1, 2])


def orders_and_lines(store: dict) -> None:
    api = client(store)
    lines = [{"sku": f"SKU-{number}", "quantity": 2} for number in range(1, 61)]
    placed = of_store(store, "POST", "orders", {"lines": lines, "email": "ann@example.com", "coupons": [{"code": "TEN", "type": 1, "amount": 10}]})
    order = api.Orders.get(placed["id"])
    check("an order has its id", order.id, placed["id"])
    check_that("totals are text with four decimals", order.total_inc_tax.split(".")[1] == "0000" or len(order.total_inc_tax.split(".")[1]) == 4, order.total_inc_tax)
    check_that("dates are RFC 2822", order.date_created.endswith("+0000"), order.date_created)
    check("the shopper's address is in it", order.billing_address["email"], "ann@example.com")
    pages = [OrderLines(api, order.id, page) for page in (1, 2, 3)]
    check("lines come in pages", [len(page) for page in pages], [50, 10, 0])
    check("one line can be read", order.products(pages[0][0].id).sku, "SKU-1")
    check("delivery goes to one address", len(order.shipping_addresses()), 1)
    check("the coupon is there", [coupon.code for coupon in order.coupons()], ["TEN"])
    check_that("there are taxes", len(order.taxes()) > 0)
    check("nothing is shipped: 204 is an empty result", dict_of(order.shipments()), {})
    check("nobody wrote: 204 is an empty result", dict_of(order.messages()), {})
    updated = order.update(status_id=9, staff_notes="Ring twice")
    check("a status can be changed", (updated.status_id, updated.status, updated.staff_notes), (9, "Awaiting Shipment", "Ring twice"))


def OrderLines(api, order: int, page: int) -> list:
    found = api.OrderProducts.all(order, page=page)
    return found if isinstance(found, list) else []


def dict_of(found) -> dict:
    """What an answer held, without the client's own private field."""
    return {key: value for key, value in found.items() if not key.startswith("_")}


def many_orders(store: dict) -> None:
    api = client(store)
    before = api.Orders.count()
    of_store(store, "POST", "orders/random", {"count": 260, "lines_max": 2})
    check("orders are counted", api.Orders.count(), before + 260)
    ids = [order.id for order in api.Orders.iterall() if "id" in order]
    check("all pages of 250 are walked until one is empty", (len(ids), len(set(ids))), (before + 260, before + 260))
    check("a page has 50 without a limit", len(api.Orders.all()), 50)
    window = api.Orders.all(min_id=ids[0], max_id=ids[0] + 4, limit=250)
    check("a range of ids is one call", [order.id for order in window], list(range(ids[0], ids[0] + 5)))
    empty = raised(EmptyResponseWarning, strict, store, "orders", {"min_id": 10_000_000})
    check("an empty list is 204", empty.status_code, 204)


def strict(store: dict, path: str, query: dict):
    """A call that reports 204 instead of turning it into an empty result."""
    connection = client(store).connection
    response = connection._run_method("GET", path, query=query)
    return connection._handle_response(path, response, suppress_empty=False)


def shipments(store: dict) -> None:
    api = client(store)
    placed = of_store(store, "POST", "orders", {"lines": [{"sku": "SKU-1", "quantity": 3}]})
    order = api.Orders.get(placed["id"])
    line, address = order.products()[0], order.shipping_addresses()[0]
    made = api.OrderShipments.create(
        order.id, order_address_id=address.id, tracking_number="RM1", comments="GON-1", items=[{"order_product_id": line.id, "quantity": 2}]
    )
    check("a shipment has its number", made.tracking_number, "RM1")
    # The client's objects hide what is called like a method of theirs, as `items` is.
    raw = api.connection.get(f"orders/{order.id}/shipments", made.id)
    check("and its pieces", [item["quantity"] for item in raw["items"]], [2])
    check("the order is shipped in part", api.Orders.get(order.id).status_id, 3)
    check("the shipment is listed", [row.id for row in order.shipments()], [made.id])
    changed = order.shipments()[0].update(tracking_number="RM2")
    check("its number can be changed", changed.tracking_number, "RM2")
    too_many = raised(
        ClientRequestException, api.OrderShipments.create, order.id, order_address_id=address.id, items=[{"order_product_id": line.id, "quantity": 2}]
    )
    check("more than was ordered is refused", too_many.status_code, 400)
    api.OrderShipments.create(order.id, order_address_id=address.id, items=[{"order_product_id": line.id, "quantity": 1}])
    check("the rest makes it shipped", api.Orders.get(order.id).status_id, 2)
    order.shipments()[0].delete()
    check("a shipment can be deleted", len(order.shipments()), 1)


def created_orders(store: dict) -> None:
    api = client(store)
    address = {"first_name": "Ann", "last_name": "Lee", "street_1": "1 Quay", "city": "York", "state": "York", "zip": "YO1", "country": "United Kingdom", "email": "a@example.com"}
    made = api.Orders.create(
        billing_address=address, shipping_addresses=[address], status_id=11,
        products=[{"name": "Odd thing", "quantity": 2, "price_inc_tax": 12, "price_ex_tax": 10}],
    )
    check("an order can be created", api.Orders.get(made.id).total_inc_tax, "24.0000")
    refused = raised(ClientRequestException, api.Orders.create, billing_address=address)
    check("without products it is refused", refused.status_code, 400)
    check_that("with a list of errors", isinstance(json.loads(refused.content), list), refused.content)


def products_and_hooks(store: dict) -> None:
    connection = v3(store)
    page = connection.get("catalog/products", limit=50, page=2)
    check("products come in pages with their number", (len(page["data"]), page["meta"]["pagination"]["total"]), (20, 70))
    found = connection.get("catalog/variants", sku="SKU-7")
    check("a variant is found by SKU", [row["sku"] for row in found["data"]], ["SKU-7"])
    hook = {"scope": "store/order/*", "destination": "https://hooks.example.com/x", "is_active": True, "headers": {"X-Secret": "s"}}
    made = connection.create("hooks", hook)["data"]
    check("a hook is made", (made["scope"], made["destination"], made["is_active"]), ("store/order/*", "https://hooks.example.com/x", True))
    check("hooks are listed", [row["id"] for row in connection.get("hooks")["data"]], [made["id"]])
    check("a hook can be switched off", connection.update("hooks", made["id"], {"is_active": False})["data"]["is_active"], False)
    refused = raised(ClientRequestException, connection.create, "hooks", {"scope": "store/nonsense", "destination": "https://hooks.example.com/y"})
    check_that("an unknown scope is refused", refused.status_code in (400, 422), refused.status_code)
    connection.delete("hooks", made["id"])
    check("a hook can be deleted", connection.get("hooks")["data"], [])


def limits() -> None:
    store = make_store(quota=4)
    connection = client(store).connection
    connection.get("time")
    seen = connection.rate_limit
    check("quota and rest are told", (seen["requests_quota"], seen["requests_remaining"], seen["window_size_ms"]), (4, 3, 30_000))
    check_that("and when it begins anew", 0 < seen["ms_until_reset"] <= 30_000, seen)
    for _ in range(3):
        connection.get("time")
    refused = raised(RateLimitingException, connection.get, "time")
    check("one too many is 429", refused.status_code, 429)
    check_that("with the time to wait", 0 < int(refused.retry_after) <= 30_000, refused.retry_after)
    short = make_store(quota=2, window_ms=600)
    waited = []
    managed = client(short, rate_limiting_management={"min_requests_remaining": 0, "wait": True, "callback_function": lambda: waited.append(1)})
    for _ in range(5):
        managed.Time.all()
    check_that("a client that waits is never refused", len(waited) >= 2, waited)


def errors_and_tokens(store: dict) -> None:
    api = client(store)
    check("no such order is 404", raised(ClientRequestException, api.Orders.get, 10_000_000).status_code, 404)
    wrong = bigcommerce.api.BigcommerceApi(client_id=store["client_id"], store_hash=store["hash"], access_token="wrong")
    check("a wrong token is 401", raised(ClientRequestException, wrong.Orders.all).status_code, 401)
    of_store(store, "POST", "settings", {"down": True})
    check("a store in maintenance is 503", raised(ServerException, api.Orders.all).status_code, 503)
    of_store(store, "POST", "settings", {"down": False})
    code = of_store(store, "POST", "oauth_codes", {"client_id": "newapp", "client_secret": "newsecret", "scope": "store_v2_orders", "redirect_uri": "https://app.example.com/auth"})
    app = bigcommerce.api.BigcommerceApi(client_id="newapp", store_hash=store["hash"])
    token = app.oauth_fetch_token("newsecret", code["code"], code["context"], code["scope"], code["redirect_uri"])
    check("a code is exchanged for a token", (token["scope"], token["context"]), (code["scope"], code["context"]))
    check_that("which works at once", len(app.Orders.all(limit=3)) == 3)
    again = raised(ClientRequestException, app.oauth_fetch_token, "newsecret", code["code"], code["context"], code["scope"], code["redirect_uri"])
    check_that("a code works once", again.status_code in (400, 401), again.status_code)


def signed_payloads() -> None:
    """The client's own check of a signed payload, to be sure that our reading of the scheme is the platform's."""
    secret, payload = "raw-client-secret", json.dumps({"store_hash": "abc"}).encode()
    signature = hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest().encode()
    signed = base64.b64encode(payload).decode() + "." + base64.b64encode(signature).decode()
    check("a signed payload is accepted", OAuthConnection.verify_payload(signed, secret), {"store_hash": "abc"})


def main() -> None:
    store = make_store(quota=100_000)
    of_store(store, "POST", "products", {"count": 70, "price": "10"})
    store_and_time(store)
    orders_and_lines(store)
    many_orders(store)
    shipments(store)
    created_orders(store)
    products_and_hooks(store)
    limits()
    errors_and_tokens(store)
    signed_payloads()
    done("bigcommerce (Python)")


main()

"""A Python client (package `brightpearlapi`) against the simulated Brightpearl account.

It is a private app's client: app reference and account token. It turns every failure into a plain Exception that holds the
platform's answer, and it prints each address, which is kept from the output here.
"""

import contextlib
import datetime
import io

from brightpearlapi import BrightpearlAPI

from simulator import BRIGHTPEARL, check, check_that, control, done, raised


def make_account(code: str) -> dict:
    installation = {"app_ref": "conformance", "dev_ref": "dev", "private_token": f"token-{code}"}
    products = [{"sku": f"SKU-{number}", "stock": 100} for number in range(1, 8)]
    return control(BRIGHTPEARL, "POST", "accounts", {"code": code, "installations": [installation], "products": products, "contacts": [{"email": "ann@example.com"}]})


def client(account: dict, token: str | None = None) -> BrightpearlAPI:
    return BrightpearlAPI(account_id=account["code"], datacenter="ws-eu1", app_ref="conformance", access_token=token or f"token-{account['code']}")


def contacts(api: BrightpearlAPI) -> int:
    found = api.Contacts.Contact.search("primaryEmail=ann@example.com")
    columns = [column["name"] for column in found["metaData"]["columns"]]
    check("a search tells its columns and the number of results", (found["metaData"]["resultsReturned"], len(found["results"])), (1, 1))
    row = dict(zip(columns, found["results"][0], strict=True))
    check("a contact is found by e-mail", (row["primaryEmail"], row["isStaff"]), ("ann@example.com", False))
    contact = api.Contacts.Contact.get_contact(row["contactId"])[0]
    check("a contact is read", (contact["contactId"], contact["communication"]["emails"]["PRI"]["email"]), (row["contactId"], "ann@example.com"))
    return row["contactId"]


def products(api: BrightpearlAPI, account: dict) -> None:
    first = account["products"][0]["id"]
    two = api.Products.Product.get(f"{first}-{first + 1}")
    check("an id set is a range", [one["identity"]["sku"] for one in two], ["SKU-1", "SKU-2"])
    page = api.Products.Product.search("pageSize=3&firstResult=4")
    check("results come in pages", (page["metaData"]["resultsAvailable"], page["metaData"]["firstResult"], len(page["results"])), (7, 4, 3))
    check_that("and say whether there are more", page["metaData"]["morePagesAvailable"] is True, page["metaData"])
    none = api.Products.Product.search("SKU=nothing")
    check("an empty search has no results", none["results"], [])
    check("channels are listed", [channel["id"] for channel in api.Products.Channel.get()], [1, 5, 6])
    check("price lists are listed", [entry["code"] for entry in api.Products.PriceList.get()], ["COST", "RETAIL", "RETAILINC"])


def sales_orders(api: BrightpearlAPI, account: dict, contact: int) -> int:
    order = {
        "customer": {"id": contact}, "ref": "1001", "externalRef": "key-1", "channelId": 5, "warehouseId": 2,
        "rows": [{"productId": account["products"][0]["id"], "quantity": "3", "taxCode": "T20", "net": "30.00", "tax": "6.00"}],
    }
    connection = api.Orders.SalesOrder.connection
    bare = raised(Exception, api.Orders.SalesOrder.post, order)
    check_that("a body without a content type is no JSON body", "CMNC-010" in str(bare), bare)
    # This client sends one only if it is told to; from then on it does.
    made = connection.make_request("order-service/sales-order", "POST", order, headers={"Content-Type": "application/json"})["response"]
    made_id = made if isinstance(made, int) else made["id"]
    [read] = api.Orders.SalesOrder.get_set(made_id)
    check("a sales order is read back", (read.id, read.ref, read.external_ref, read.rows[0].sku), (made_id, "1001", "key-1", "SKU-1"))
    check("money is text with its decimals", (read.rows[0].net, read.rows[0].tax), ("30.0000", "6.00"))
    refused = raised(Exception, api.Orders.SalesOrder.post, {**order, "externalRef": "key-2", "customer": {"id": 1}})
    check_that("a wrong contact is refused with a code", "ORDC-" in str(refused), refused)
    # The specialised search is not simulated: nothing of ours asks for it.
    return made_id


def notes(api: BrightpearlAPI, account: dict, order: int) -> None:
    check("nothing is shipped", api.Warehouse.GoodsOutNotes.get_by_order_id(order), [])
    shipped = control(BRIGHTPEARL, "POST", f"accounts/{account['code']}/orders/{order}/ship", {"reference": "RM1"})
    found = api.Warehouse.GoodsOutNotes.get(shipped["id"])
    check("notes come as a map by id", list(found), [str(shipped["id"])])
    note = found[str(shipped["id"])]
    check("a shipped note says so", (note["orderId"], note["status"]["shipped"], note["shipping"]["reference"]), (order, True, "RM1"))
    [[row, parts]] = note["orderRows"].items()
    check_that("its rows are lists by row id", row.isdigit() and [part["quantity"] for part in parts] == [3], note["orderRows"])
    check_that("warehouses are listed", {warehouse["id"] for warehouse in api.Warehouse.Warehouse.get()} == {2, 3})


def refusals(account: dict) -> None:
    wrong = client(account, "wrong")
    check_that("a wrong token is 401, which this client calls expired", "Token expired" in str(raised(Exception, wrong.Products.Channel.get)))
    # The quota is per minute of the clock: a new one has just begun.
    now = control(BRIGHTPEARL, "GET", "clock")["now"]
    seconds = datetime.datetime.fromisoformat(now[:19]).second
    control(BRIGHTPEARL, "POST", "clock", {"advance_ms": (61 - seconds) * 1000})
    limited = make_account("limited")
    api = client(limited)
    used = control(BRIGHTPEARL, "GET", "accounts/limited/quota")
    check("nobody has called yet", used["used"], {})
    waited = []
    # Its own rule: when little of the minute's calls is left, call back.
    api.Products.Channel.connection.rate_limit_management = {"min_requests_remaining": 1000, "wait": False, "callback_function": lambda: waited.append(1)}
    api.Products.Channel.get()
    check("the headers tell what is left", waited, [1])
    for _ in range(199):
        api.Products.Channel.get()
    throttled = raised(Exception, api.Products.Channel.get)
    check_that("the 201st call of a minute is refused in the platform's words", "too many requests" in str(throttled).lower(), throttled)


def main() -> None:
    account = make_account("acme")
    api = client(account)
    contact = contacts(api)
    products(api, account)
    order = sales_orders(api, account, contact)
    notes(api, account, order)
    refusals(account)


printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    main()
check_that("the client used the address that it prints", "https://ws-eu1.brightpearl.com/2.0.0/acme/" in printed.getvalue())
done("brightpearlapi (Python)")

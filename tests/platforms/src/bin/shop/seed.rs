//! Makes two merchants on fresh simulators: stores, accounts, one catalogue, customers and contacts.

use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use serde_json::{Value, json};

use crate::catalogue;
use crate::sim::{Sim, Trouble, items, say, text, wanted};
use crate::state::{State, Tenant};
use crate::tenant_file::{self, Values};

/// What to make.
#[derive(Debug)]
pub struct Plan<'a> {
    /// Base URL of the simulated BigCommerce.
    pub bigcommerce: &'a str,
    /// Base URL of the simulated Brightpearl.
    pub brightpearl: &'a str,
    /// Folder with a template per tenant; its rules name the numbers that are made here.
    pub templates: &'a Path,
    /// Folder for the filled templates and `state.json`.
    pub out: &'a Path,
    /// Calls that each store allows in 30 seconds.
    pub quota: u32,
}

/// One made-up merchant.
#[derive(Debug)]
pub struct Merchant {
    /// Tenant id.
    pub id: &'static str,
    /// Store hash.
    pub store: &'static str,
    /// Account code.
    pub account: &'static str,
    /// Currency of store and account.
    pub currency: &'static str,
    /// Country name and ISO code.
    pub country: (&'static str, &'static str),
    /// Whether prices include tax.
    pub inclusive: bool,
    /// Standard and reduced rate in per cent, each with the account's tax code.
    pub rates: [(&'static str, &'static str); 2],
    /// Cities with postcodes.
    pub places: [(&'static str, &'static str); 4],
    /// The warehouse that its template names.
    pub warehouse: i64,
    /// Delivery text and price.
    pub deliveries: [(&'static str, &'static str); 3],
    /// The account's shipping method and the beginning of its tracking numbers.
    pub carriers: [(i64, &'static str); 2],
}

const MERCHANTS: [Merchant; 2] = [
    Merchant {
        id: "acme-uk",
        store: "acmeuk1",
        account: "acmeuk",
        currency: "GBP",
        country: ("United Kingdom", "GB"),
        inclusive: false,
        rates: [("20", "T20"), ("0", "T0")],
        places: [("Bristol", "BS1 4XX"), ("Leeds", "LS1 1BA"), ("York", "YO1 7HH"), ("Truro", "TR1 2AA")],
        warehouse: 2,
        deliveries: [("Royal Mail Tracked 48", "3.95"), ("DPD Next Day", "6.95"), ("Free collection", "0")],
        carriers: [(6, "RM"), (7, "DPD")],
    },
    Merchant {
        id: "borealis",
        store: "borea1",
        account: "borealis",
        currency: "EUR",
        country: ("Finland", "FI"),
        inclusive: true,
        rates: [("24", "T24"), ("10", "T10")],
        places: [("Helsinki", "00100"), ("Turku", "20100"), ("Oulu", "90100"), ("Vaasa", "65100")],
        warehouse: 3,
        deliveries: [("Parcel locker", "4.90"), ("Express", "9.50"), ("Pick up in Helsinki", "0")],
        carriers: [(6, "GLS"), (7, "DHL")],
    },
];

/// Enough for any demo.
const STOCK: i64 = 1_000_000;

const NAMES: [(&str, &str); 12] = [
    ("Aino", "Laine"),
    ("Brendan", "Moss"),
    ("Clara", "Webb"),
    ("Dilip", "Rao"),
    ("Elsa", "Niemi"),
    ("Farid", "Aziz"),
    ("Greta", "Holm"),
    ("Hamish", "Reid"),
    ("Ines", "Costa"),
    ("Jonas", "Berg"),
    ("Kirsi", "Salo"),
    ("Liam", "Doyle"),
];

/// Seeds both platforms and writes one file per tenant and `state.json`.
pub async fn run(plan: &Plan<'_>) -> Result<(), Trouble> {
    std::fs::create_dir_all(plan.out).map_err(|source| Trouble::File { what: plan.out.display().to_string(), source })?;
    let (stores, accounts) = (Sim::new(plan.bigcommerce), Sim::new(plan.brightpearl));
    stores.post("switches", &json!({ "allow_loopback_http": true })).await?;
    accounts.post("switches", &json!({ "webhook_http": true })).await?;
    let mut tenants = Vec::new();
    for merchant in &MERCHANTS {
        let account = make_account(&accounts, merchant).await?;
        let store = make_store(&stores, merchant, plan.quota).await?;
        let customers = make_customers(&stores, merchant).await?;
        let name = format!("{}.toml", merchant.id);
        write(&plan.out.join(&name), &tenant_file::fill(&read(&plan.templates.join(&name))?, &values(merchant, plan, &store, &account))?)?;
        tenants.push(tenant(merchant, customers));
        say(&format!("seeded {}: store {}, account {}, {} SKUs", merchant.id, merchant.store, merchant.account, catalogue::skus().len()));
    }
    let state = State { bigcommerce: plan.bigcommerce.to_owned(), brightpearl: plan.brightpearl.to_owned(), tenants };
    let text = serde_json::to_string_pretty(&state).map_err(|error| Trouble::Shape(error.to_string()))?;
    write(&plan.out.join("state.json"), &text)
}

/// What a template asks for, under the tenant's name in capitals.
fn values(merchant: &Merchant, plan: &Plan<'_>, store: &Value, account: &Value) -> Values {
    let own = merchant.id.to_uppercase().replace('-', "_");
    let installation = "/installations/0";
    let named = [
        ("STORE_HASH", merchant.store),
        ("BIGCOMMERCE_CLIENT_ID", text(store, "/client_id")),
        ("BIGCOMMERCE_CLIENT_SECRET", text(store, "/client_secret")),
        ("BIGCOMMERCE_ACCESS_TOKEN", text(store, "/access_token")),
        ("BRIGHTPEARL_ACCOUNT", merchant.account),
        ("BRIGHTPEARL_APP_REF", text(account, &format!("{installation}/app_ref"))),
        ("BRIGHTPEARL_DEV_REF", text(account, &format!("{installation}/dev_ref"))),
        ("BRIGHTPEARL_ACCESS_TOKEN", text(account, &format!("{installation}/access_token"))),
        ("BRIGHTPEARL_REFRESH_TOKEN", text(account, &format!("{installation}/refresh_token"))),
    ];
    let mut values: Values = named.iter().map(|(name, value)| (format!("{own}_{name}"), (*value).to_owned())).collect();
    values.insert("DEMO_BIGCOMMERCE_URL".to_owned(), plan.bigcommerce.to_owned());
    values.insert("DEMO_BRIGHTPEARL_URL".to_owned(), plan.brightpearl.to_owned());
    values
}

fn tenant(merchant: &Merchant, customers: Vec<i64>) -> Tenant {
    let pair = |(one, other): (&str, &str)| (one.to_owned(), other.to_owned());
    Tenant {
        id: merchant.id.to_owned(),
        store: merchant.store.to_owned(),
        account: merchant.account.to_owned(),
        currency: merchant.currency.to_owned(),
        skus: catalogue::skus(),
        customers,
        places: merchant.places.map(pair).to_vec(),
        deliveries: merchant.deliveries.map(pair).to_vec(),
        carriers: merchant.carriers.map(|(id, prefix)| (id, prefix.to_owned())).to_vec(),
    }
}

fn email(merchant: &Merchant, first: &str, last: &str) -> String {
    format!("{}.{}@{}.example.com", first.to_lowercase(), last.to_lowercase(), merchant.account)
}

/// Every second customer of the store is a contact already.
async fn make_account(accounts: &Sim, merchant: &Merchant) -> Result<Value, Trouble> {
    let contacts =
        NAMES.iter().step_by(2).map(|(first, last)| json!({ "email": email(merchant, first, last), "first_name": first, "last_name": last }));
    let mut tax_codes = vec![json!({ "id": 5, "code": "-", "description": "Not taxable" })];
    for ((rate, code), id) in merchant.rates.iter().zip(2_i64..) {
        let rate = rate.parse::<u32>().unwrap_or(0);
        tax_codes.push(match rate {
            // A rate of zero is left out by the platform.
            0 => json!({ "id": id, "code": code, "description": "Zero rated" }),
            _ => json!({ "id": id, "code": code, "description": format!("VAT {rate} %"), "rate": rate }),
        });
    }
    let [(_, standard), _] = merchant.rates;
    let products = catalogue::for_account().into_iter().map(|mut product| {
        if let Some(fields) = product.as_object_mut() {
            fields.insert("tax_code".to_owned(), json!(standard));
            fields.insert("stock".to_owned(), json!({ merchant.warehouse.to_string(): STOCK }));
        }
        product
    });
    let body = json!({
        "code": merchant.account, "base_currency": merchant.currency, "tax_codes": tax_codes,
        "installations": [{ "app_ref": "orderbridge-demo", "dev_ref": "orderbridge", "public": true }],
        "products": products.collect::<Vec<_>>(), "contacts": contacts.collect::<Vec<_>>(),
    });
    accounts.post("accounts", &body).await
}

async fn make_store(stores: &Sim, merchant: &Merchant, quota: u32) -> Result<Value, Trouble> {
    let [(standard, _), (reduced, _)] = merchant.rates;
    let (country, iso2) = merchant.country;
    let made = stores
        .post(
            "stores",
            &json!({ "hash": merchant.store, "name": merchant.id, "currency": merchant.currency, "tax_inclusive": merchant.inclusive,
                "tax_rate": standard, "country": country, "country_iso2": iso2, "quota": quota, "next_order_id": 1001 }),
        )
        .await?;
    stores.post(&format!("stores/{}/products", merchant.store), &catalogue::for_store(reduced)).await?;
    Ok(made)
}

async fn make_customers(stores: &Sim, merchant: &Merchant) -> Result<Vec<i64>, Trouble> {
    let rows = NAMES.iter().map(|(first, last)| json!({ "email": email(merchant, first, last), "first_name": first, "last_name": last }));
    let body = json!({ "customers": rows.collect::<Vec<_>>() });
    let made = stores.post(&format!("stores/{}/customers", merchant.store), &body).await?;
    items(&made, "/customers").iter().map(|row| wanted(row, "/id")).collect()
}

fn read(path: &Path) -> Result<String, Trouble> {
    std::fs::read_to_string(path).map_err(|source| Trouble::File { what: path.display().to_string(), source })
}

/// Others may not read it: it holds tokens.
fn write(path: &Path, text: &str) -> Result<(), Trouble> {
    let failed = |source| Trouble::File { what: path.display().to_string(), source };
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).map_err(failed)?;
    // An older file keeps its mode when it is opened.
    file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)
}

'use strict';
// A Node client (package `node-bigcommerce`) against the simulated store. Its hosts are fixed, but it takes an https agent: ours
// opens the connection to the proxy instead, and everything else is the client's own.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const https = require('node:https');
const tls = require('node:tls');
const BigCommerce = require('node-bigcommerce');

const simulator = process.env.SIMULATED_BIGCOMMERCE;
const ca = fs.readFileSync(process.env.CERTIFICATE);
let checks = 0;

class Agent extends https.Agent {
  createConnection(options, connected) {
    return tls.connect({ ...options, host: '127.0.0.1', port: Number(process.env.TLS_PORT), ca }, connected);
  }
}
const agent = new Agent({ keepAlive: true });

async function control(path, body) {
  const answer = await fetch(`${simulator}/_sim/${path}`, { method: 'POST', body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}

function check(what, found, expected) {
  checks += 1;
  assert.deepEqual(found, expected, what);
}

async function fails(what, promise, expected) {
  checks += 1;
  await assert.rejects(promise, error => {
    for (const [name, value] of Object.entries(expected)) assert.deepEqual(error[name], value, `${what}: ${error}`);
    return true;
  });
}

function client(store, more = {}) {
  return new BigCommerce({ clientId: store.client_id, accessToken: store.access_token, storeHash: store.hash, responseType: 'json', agent, ...more });
}

async function orders(store) {
  const api = client(store);
  const placed = await control(`stores/${store.hash}/orders`, { lines: [{ sku: 'SKU-1', quantity: 3 }, { sku: 'SKU-2' }] });
  const order = await api.get(`/orders/${placed.id}`);
  check('an order is read', [order.id, order.status_id, order.items_total], [placed.id, 11, 4]);
  const lines = await api.get(`/orders/${placed.id}/products?limit=1&page=2`);
  check('lines come in pages', lines.map(line => line.sku), ['SKU-2']);
  check('an empty list is 204 without a body', await api.get(`/orders/${placed.id}/shipments`), '');
  check('an empty list of orders too', await api.get('/orders?min_id=10000000'), '');
  const [first] = await api.get(`/orders/${placed.id}/products`);
  const [address] = await api.get(`/orders/${placed.id}/shipping_addresses`);
  const shipment = await api.post(`/orders/${placed.id}/shipments`, {
    order_address_id: address.id, tracking_number: 'RM1', comments: 'GON-1', items: [{ order_product_id: first.id, quantity: 3 }],
  });
  check('a shipment is made', [shipment.tracking_number, shipment.items[0].quantity], ['RM1', 3]);
  check('the line is shipped', (await api.get(`/orders/${placed.id}/products/${first.id}`)).quantity_shipped, 3);
  const updated = await api.put(`/orders/${placed.id}`, { external_order_id: 'BP-1' });
  check('a reference is written', updated.external_order_id, 'BP-1');
  await api.delete(`/orders/${placed.id}/shipments/${shipment.id}`);
  check('and deleted', await api.get(`/orders/${placed.id}/shipments`), '');
}

async function catalogueAndHooks(store) {
  const api = client(store, { apiVersion: 'v3' });
  const page = await api.get('/catalog/products?limit=3&page=2&include=variants');
  check('products come in pages', [page.data.length, page.meta.pagination.current_page, page.meta.pagination.total], [3, 2, 7]);
  check('with their variants', page.data.every(product => product.variants.length === 1), true);
  const hook = await api.post('/hooks', { scope: 'store/order/created', destination: 'https://hooks.example.com/n', is_active: true });
  check('a hook is made', hook.data.scope, 'store/order/created');
  const changed = await api.put(`/hooks/${hook.data.id}`, { is_active: false });
  check('changed', changed.data.is_active, false);
  await api.delete(`/hooks/${hook.data.id}`);
  check('and deleted', (await api.get('/hooks')).data, []);
  await fails('an unknown hook is 404', api.get('/hooks/999'), { code: 404 });
}

async function limits() {
  const strict = await control('stores', { quota: 1, throttle_style: 'retry_after' });
  const api = client(strict, { failOnLimitReached: true });
  await api.get('/time');
  checks += 1;
  await assert.rejects(api.get('/time'), error => error.retryAfter > 0 && error.retryAfter <= 30);
  const short = await control('stores', { quota: 1, window_ms: 700, throttle_style: 'retry_after' });
  const patient = client(short);
  for (let call = 0; call < 3; call += 1) check('a client that waits gets its answer', typeof (await patient.get('/time')).time, 'number');
}

async function main() {
  const store = await control('stores', { quota: 100000 });
  await control(`stores/${store.hash}/products`, { count: 7, price: '10' });
  await orders(store);
  await catalogueAndHooks(store);
  await limits();
  await fails('no such order is 404', client(store).get('/orders/10000000'), { code: 404 });
  await fails('a wrong token is 401', client(store, { accessToken: 'wrong' }).get('/orders'), { code: 401 });
  agent.destroy();
  console.log(`node-bigcommerce: ${checks} checks passed`);
}

main().catch(error => {
  console.error(`FAILED: ${error.stack}`);
  process.exitCode = 1;
  agent.destroy();
});

//! What is decided about orders: tables of single cases, properties of arbitrary orders, and whole lives of orders on a model of both
//! platforms.

#[cfg(test)]
mod adoption;
#[cfg(test)]
mod allocation;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod case;
#[cfg(test)]
mod choices;
#[cfg(test)]
mod creation;
#[cfg(test)]
mod currency;
#[cfg(test)]
mod customers;
#[cfg(test)]
mod edited_stock;
#[cfg(test)]
mod edits;
#[cfg(test)]
mod edits_held;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod gate;
mod gone;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod life;
#[cfg(test)]
mod model;
#[cfg(test)]
mod money;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod payment_holds;
#[cfg(test)]
mod payments;
#[cfg(test)]
mod payments_over_time;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod refund_histories;
#[cfg(test)]
mod refund_properties;
#[cfg(test)]
mod refunded;
#[cfg(test)]
mod refunds;
#[cfg(test)]
mod restock;
#[cfg(test)]
mod rounds;
#[cfg(test)]
mod row_texts;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod shipment_contents;
#[cfg(test)]
mod shipments;
#[cfg(test)]
mod shoppers;
#[cfg(test)]
mod status;
#[cfg(test)]
mod texts;
#[cfg(test)]
mod unknown_products;
#[cfg(test)]
mod verification;

//! PayPal's JSON.

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::disputes::{self, DisputeOutcome};
use super::payers::TestPayer;
use super::state::{
    AuthorizationStatus, Capture, CaptureStatus, Intent, Order, OrderStatus, RefundStatus, State,
};
use super::{PayPalSimulatorConfig, money};

/// The state, seen from outside.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) state: &'a State,
    pub(super) config: &'a PayPalSimulatorConfig,
}

/// A moment in Internet date and time format.
pub(super) fn time(unix_seconds: i64) -> String {
    let moment = DateTime::from_timestamp(unix_seconds, 0).unwrap_or_default();
    moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An object without the members that have nothing to say.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let said = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(said.map(|(name, value)| (name.to_owned(), value)).collect())
}

/// What a caller gets who does not ask for more: the id, the status and the links.
pub(super) fn short(whole: &Value) -> Value {
    let Some(members) = whole.as_object() else { return whole.clone() };
    let kept = ["id", "status", "links"]
        .into_iter()
        .filter_map(|name| members.get(name).map(|value| (name.to_owned(), value.clone())));
    Value::Object(kept.collect::<Map<_, _>>())
}

impl View<'_> {
    /// A link to an address of the simulator.
    pub(super) fn link(&self, rel: &str, method: &str, path: &str) -> Value {
        json!({ "href": self.config.address(path), "rel": rel, "method": method })
    }

    /// Any object by its id.
    pub(super) fn any(&self, id: &str) -> Option<Value> {
        self.order(id)
            .or_else(|| self.authorization(id))
            .or_else(|| self.capture(id))
            .or_else(|| self.refund(id))
            .or_else(|| self.dispute(id))
            .or_else(|| self.seller(id))
    }

    pub(super) fn order(&self, id: &str) -> Option<Value> {
        let order = self.state.orders.get(id)?;
        let path = format!("v2/checkout/orders/{id}");
        let page = format!("checkoutnow?token={id}");
        let mut links = vec![self.link("self", "GET", &path)];
        match (order.status, order.intent) {
            (OrderStatus::PayerActionRequired, _) => links.push(self.link("payer-action", "GET", &page)),
            (OrderStatus::Created, _) => links.push(self.link("approve", "GET", &page)),
            (OrderStatus::Completed, _) => {}
            (OrderStatus::Approved, Intent::Capture) => {
                links.push(self.link("capture", "POST", &format!("{path}/capture")));
            }
            (OrderStatus::Approved, Intent::Authorize) => {
                links.push(self.link("authorize", "POST", &format!("{path}/authorize")));
            }
        }
        let payer = order.payer.as_deref().and_then(TestPayer::named);
        let name = payer.map(|payer| json!({ "given_name": payer.name, "surname": "Payer" }));
        Some(object([
            ("id", json!(id)),
            ("intent", json!(order.intent)),
            ("status", json!(order.status.name())),
            (
                "payment_source",
                match payer {
                    None if !order.with_source => Value::Null,
                    None => json!({ "paypal": {} }),
                    Some(payer) => json!({ "paypal": {
                        "email_address": payer.email(),
                        "account_id": payer.payer_id,
                        "account_status": "VERIFIED",
                        "name": name,
                    } }),
                },
            ),
            (
                "payer",
                payer.map_or(Value::Null, |payer| {
                    json!({ "email_address": payer.email(), "payer_id": payer.payer_id, "name": name })
                }),
            ),
            ("purchase_units", json!([self.purchase_unit(order)])),
            ("create_time", json!(time(order.created))),
            ("update_time", json!(time(order.updated))),
            ("links", Value::Array(links)),
        ]))
    }

    fn purchase_unit(&self, order: &Order) -> Value {
        let fee = order.platform_fee.map(|fee| json!([self.platform_fee(fee, &order.currency)]));
        object([
            ("reference_id", json!(order.reference_id)),
            ("description", json!(order.description)),
            ("custom_id", json!(order.custom_id)),
            ("invoice_id", json!(order.invoice_id)),
            ("soft_descriptor", json!(order.soft_descriptor)),
            ("amount", money::json(order.amount, &order.currency)),
            ("payee", self.payee(&order.payee)),
            (
                "payment_instruction",
                object([("disbursement_mode", json!("INSTANT")), ("platform_fees", json!(fee))]),
            ),
            ("payments", self.payments(&order.id)),
        ])
    }

    /// What was made of an order.
    fn payments(&self, order: &str) -> Value {
        let state = self.state;
        let list = |found: Vec<Value>| if found.is_empty() { Value::Null } else { Value::Array(found) };
        let authorizations = state.authorizations.iter().filter(|row| row.order == order);
        let captures: Vec<&Capture> = state.captures.iter().filter(|row| row.order == order).collect();
        let refunds =
            state.refunds.iter().filter(|row| captures.iter().any(|capture| capture.id == row.capture));
        let payments = object([
            ("authorizations", list(authorizations.filter_map(|row| self.authorization(&row.id)).collect())),
            ("captures", list(captures.iter().filter_map(|row| self.capture(&row.id)).collect())),
            ("refunds", list(refunds.filter_map(|row| self.refund(&row.id)).collect())),
        ]);
        if payments.as_object().is_some_and(Map::is_empty) { Value::Null } else { payments }
    }

    fn platform_fee(&self, fee: i64, currency: &str) -> Value {
        json!({ "amount": money::json(fee, currency), "payee": { "merchant_id": self.config.partner_id } })
    }

    fn payee(&self, id: &str) -> Value {
        let email = self.state.sellers.get(id).map(|seller| seller.email.as_str());
        object([("email_address", json!(email)), ("merchant_id", json!(id))])
    }

    pub(super) fn authorization(&self, id: &str) -> Option<Value> {
        let row = self.state.authorizations.get(id)?;
        let order = self.state.orders.get(&row.order)?;
        let path = format!("v2/payments/authorizations/{id}");
        let mut links = vec![self.link("self", "GET", &path)];
        let open = [AuthorizationStatus::Created, AuthorizationStatus::PartiallyCaptured];
        if open.contains(&row.status) {
            for action in ["capture", "void", "reauthorize"] {
                links.push(self.link(action, "POST", &format!("{path}/{action}")));
            }
        }
        links.push(self.link("up", "GET", &format!("v2/checkout/orders/{}", order.id)));
        Some(object([
            ("id", json!(id)),
            ("status", json!(row.status.name())),
            ("amount", money::json(row.amount, &order.currency)),
            ("custom_id", json!(order.custom_id)),
            ("invoice_id", json!(order.invoice_id)),
            ("payee", self.payee(&order.payee)),
            ("seller_protection", json!({ "status": "NOT_ELIGIBLE" })),
            ("supplementary_data", json!({ "related_ids": { "order_id": order.id } })),
            ("expiration_time", json!(time(row.expires_at))),
            ("create_time", json!(time(row.created))),
            ("update_time", json!(time(row.updated))),
            ("links", Value::Array(links)),
        ]))
    }

    pub(super) fn capture(&self, id: &str) -> Option<Value> {
        let row = self.state.captures.get(id)?;
        let order = self.state.orders.get(&row.order)?;
        let money = |amount: i64| money::json(amount, &order.currency);
        let path = format!("v2/payments/captures/{id}");
        let up = match &row.authorization {
            Some(authorization) => format!("v2/payments/authorizations/{authorization}"),
            None => format!("v2/checkout/orders/{}", order.id),
        };
        let breakdown = match row.status {
            // Nothing was received.
            CaptureStatus::Pending | CaptureStatus::Declined => Value::Null,
            _ => object([
                ("gross_amount", money(row.amount)),
                ("paypal_fee", money(row.paypal_fee)),
                (
                    "platform_fees",
                    match row.platform_fee {
                        0 => Value::Null,
                        fee => json!([self.platform_fee(fee, &order.currency)]),
                    },
                ),
                ("net_amount", money(row.amount - row.paypal_fee - row.platform_fee)),
            ]),
        };
        let details = match row.status {
            CaptureStatus::Pending => json!({ "reason": "ECHECK" }),
            _ => Value::Null,
        };
        let related = object([
            ("order_id", json!(order.id)),
            ("authorization_id", json!(row.authorization)),
            ("capture_id", json!(id)),
        ]);
        Some(object([
            ("id", json!(id)),
            ("status", json!(row.status.name())),
            ("status_details", details),
            ("amount", money(row.amount)),
            ("final_capture", json!(row.final_capture)),
            ("disbursement_mode", json!("INSTANT")),
            ("custom_id", json!(order.custom_id)),
            ("invoice_id", json!(row.invoice_id)),
            ("payee", self.payee(&order.payee)),
            ("seller_protection", json!({ "status": "NOT_ELIGIBLE" })),
            ("seller_receivable_breakdown", breakdown),
            ("supplementary_data", json!({ "related_ids": related })),
            ("create_time", json!(time(row.created))),
            ("update_time", json!(time(row.updated))),
            (
                "links",
                json!([
                    self.link("self", "GET", &path),
                    self.link("refund", "POST", &format!("{path}/refund")),
                    self.link("up", "GET", &up),
                ]),
            ),
        ]))
    }

    pub(super) fn refund(&self, id: &str) -> Option<Value> {
        let row = self.state.refunds.get(id)?;
        let capture = self.state.captures.get(&row.capture)?;
        let order = self.state.orders.get(&capture.order)?;
        let money = |amount: i64| money::json(amount, &order.currency);
        let details = match row.status {
            RefundStatus::Pending | RefundStatus::Failed => json!({ "reason": "ECHECK" }),
            RefundStatus::Completed => Value::Null,
        };
        let breakdown = object([
            ("gross_amount", money(row.amount)),
            ("paypal_fee", money(0)),
            (
                "platform_fees",
                match row.platform_fee {
                    0 => Value::Null,
                    fee => json!([{ "amount": money(fee) }]),
                },
            ),
            ("net_amount", money(row.amount - row.platform_fee)),
            ("total_refunded_amount", money(row.total_refunded)),
        ]);
        Some(object([
            ("id", json!(id)),
            ("status", json!(row.status.name())),
            ("status_details", details),
            ("amount", money(row.amount)),
            ("custom_id", json!(row.custom_id)),
            ("invoice_id", json!(row.invoice_id)),
            ("note_to_payer", json!(row.note_to_payer)),
            // Who pays a refund is who was paid.
            ("payer", self.payee(&order.payee)),
            ("seller_payable_breakdown", breakdown),
            ("create_time", json!(time(row.created))),
            ("update_time", json!(time(row.updated))),
            (
                "links",
                json!([
                    self.link("self", "GET", &format!("v2/payments/refunds/{id}")),
                    self.link("up", "GET", &format!("v2/payments/captures/{}", capture.id)),
                ]),
            ),
        ]))
    }

    pub(super) fn dispute(&self, id: &str) -> Option<Value> {
        let row = self.state.disputes.get(id)?;
        let capture = self.state.captures.get(&row.capture)?;
        let order = self.state.orders.get(&capture.order)?;
        let transaction = object([
            ("seller_transaction_id", json!(capture.id)),
            ("create_time", json!(time(capture.created))),
            ("transaction_status", json!(capture.status.name())),
            ("gross_amount", money::json(capture.amount, &order.currency)),
            ("invoice_number", json!(capture.invoice_id)),
            ("custom", json!(order.custom_id)),
            ("seller", json!({ "merchant_id": order.payee })),
        ]);
        let amount = disputes::amount(row, &order.currency);
        let outcome = row.outcome.map_or(Value::Null, |outcome| {
            let refunded = match outcome {
                DisputeOutcome::BuyerFavour => amount.clone(),
                DisputeOutcome::SellerFavour => money::json(0, &order.currency),
            };
            json!({ "outcome_code": outcome, "amount_refunded": refunded })
        });
        let resolved = row.outcome.is_some();
        Some(object([
            ("dispute_id", json!(id)),
            ("create_time", json!(time(row.created))),
            ("update_time", json!(time(row.updated))),
            ("disputed_transactions", json!([transaction])),
            ("reason", json!(row.reason)),
            ("status", json!(if resolved { "RESOLVED" } else { "UNDER_REVIEW" })),
            ("dispute_state", json!(if resolved { "RESOLVED" } else { "UNDER_PAYPAL_REVIEW" })),
            ("dispute_amount", amount),
            ("dispute_outcome", outcome),
            ("dispute_life_cycle_stage", json!("CHARGEBACK")),
            ("dispute_channel", json!("INTERNAL")),
            ("links", json!([self.link("self", "GET", &format!("v1/customer/disputes/{id}"))])),
        ]))
    }

    /// The seller's two ids, and where to learn more.
    pub(super) fn onboarded(&self, merchant_id: &str) -> Option<Value> {
        let seller = self.state.sellers.get(merchant_id)?;
        let path =
            format!("v1/customer/partners/{}/merchant-integrations/{merchant_id}", self.config.partner_id);
        Some(json!({
            "merchant_id": seller.id,
            "tracking_id": seller.tracking_id,
            "links": [self.link("self", "GET", &path)],
        }))
    }

    /// What the platform may know about a seller.
    pub(super) fn seller(&self, id: &str) -> Option<Value> {
        let seller = self.state.sellers.get(id)?;
        let products: Vec<_> =
            seller.products.iter().map(|name| json!({ "name": name, "status": "ACTIVE" })).collect();
        let scope = |feature: &String| {
            let words = feature.to_ascii_lowercase().replace('_', "-");
            format!("https://uri.paypal.com/services/{words}")
        };
        let granted = match seller.features.as_slice() {
            [] => json!([]),
            features => json!([{
                "integration_type": "OAUTH_THIRD_PARTY",
                "integration_method": "PAYPAL",
                "oauth_third_party": [{
                    "partner_client_id": self.config.client_id,
                    "merchant_client_id": format!("A{id}"),
                    "scopes": features.iter().map(scope).collect::<Vec<_>>(),
                }],
            }]),
        };
        Some(json!({
            "merchant_id": id,
            "tracking_id": seller.tracking_id,
            "products": products,
            "payments_receivable": seller.payments_receivable,
            "primary_email_confirmed": seller.primary_email_confirmed,
            "primary_email": seller.email,
            "date_created": time(seller.created),
            "oauth_integrations": granted,
        }))
    }
}

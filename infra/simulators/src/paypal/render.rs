//! The state as PayPal's JSON.

use chrono::DateTime;

use super::PayPalSimulatorConfig;
use super::disputes::DisputeOutcome;
use super::prelude::*;

/// The state as the API shows it.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) state: &'a State,
    pub(super) config: &'a PayPalSimulatorConfig,
}

/// A moment in RFC 3339.
pub(super) fn time(unix_seconds: i64) -> String {
    let moment = DateTime::from_timestamp(unix_seconds, 0).unwrap_or_default();
    moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The value without members that are null, at any depth.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            members.map(|(name, value)| (name, without_nulls(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// The short form of an object, for callers who do not ask for all of it: its id, status and links.
pub(super) fn short(whole: &Value) -> Value {
    without_nulls(json!({ "id": whole["id"], "status": whole["status"], "links": whole["links"] }))
}

fn disbursement_mode(is_delayed: bool) -> &'static str {
    if is_delayed { "DELAYED" } else { "INSTANT" }
}

impl View<'_> {
    /// A link to an address of the simulator.
    pub(super) fn link(&self, rel: &str, method: &str, path: &str) -> Value {
        json!({ "href": self.config.address(path), "rel": rel, "method": method })
    }

    /// Any object by its id.
    pub(super) fn any(&self, id: &str) -> Option<Value> {
        let object = self
            .order(id)
            .or_else(|| self.authorization(id))
            .or_else(|| self.capture(id))
            .or_else(|| self.refund(id))
            .or_else(|| self.payout(id))
            .or_else(|| self.dispute(id))
            .or_else(|| self.seller(id));
        object.map(without_nulls)
    }

    fn order(&self, id: &str) -> Option<Value> {
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
        let wallet = payer.map(|payer| {
            json!({
                "email_address": payer.email(),
                "account_id": payer.payer_id,
                "account_status": "VERIFIED",
                "name": name,
            })
        });
        let wallet = wallet.or(order.with_source.then(|| json!({})));
        Some(json!({
            "id": id,
            "intent": order.intent,
            "status": order.status,
            "payment_source": wallet.map(|wallet| json!({ "paypal": wallet })),
            "payer": payer.map(|payer| {
                json!({ "email_address": payer.email(), "payer_id": payer.payer_id, "name": name })
            }),
            "purchase_units": [self.purchase_unit(order)],
            "create_time": time(order.created),
            "update_time": time(order.updated),
            "links": links,
        }))
    }

    fn purchase_unit(&self, order: &Order) -> Value {
        json!({
            "reference_id": "default",
            "description": order.description,
            "custom_id": order.custom_id,
            "invoice_id": order.invoice_id,
            "amount": money::json(order.amount, &order.currency),
            "payee": self.payee(&order.payee),
            "payment_instruction": {
                "disbursement_mode": disbursement_mode(order.is_delayed),
                "platform_fees": order.platform_fee.map(|fee| [self.platform_fee(fee, &order.currency)]),
            },
            "payments": self.payments(&order.id),
        })
    }

    /// The authorizations, captures and refunds of an order; null when there are none.
    fn payments(&self, order: &str) -> Value {
        let state = self.state;
        let list = |found: Vec<Value>| (!found.is_empty()).then_some(found);
        let authorizations = state.authorizations.iter().filter(|row| row.order == order);
        let authorizations = list(authorizations.filter_map(|row| self.authorization(&row.id)).collect());
        let captures = state.captures.iter().filter(|row| row.order == order);
        let captures = list(captures.filter_map(|row| self.capture(&row.id)).collect());
        let refunds = state.refunds.iter().filter(|row| row.order == order);
        let refunds = list(refunds.filter_map(|row| self.refund(&row.id)).collect());
        if authorizations.is_none() && captures.is_none() {
            return Value::Null;
        }
        json!({ "authorizations": authorizations, "captures": captures, "refunds": refunds })
    }

    fn platform_fee(&self, fee: i64, currency: &str) -> Value {
        json!({ "amount": money::json(fee, currency), "payee": { "merchant_id": self.config.partner_id } })
    }

    fn payee(&self, id: &str) -> Value {
        let email = self.state.sellers.get(id).map(|seller| seller.email.as_str());
        json!({ "email_address": email, "merchant_id": id })
    }

    fn authorization(&self, id: &str) -> Option<Value> {
        let row = self.state.authorizations.get(id)?;
        let order = self.state.orders.get(&row.order)?;
        let path = format!("v2/payments/authorizations/{id}");
        let mut links = vec![self.link("self", "GET", &path)];
        if matches!(row.status, AuthorizationStatus::Created | AuthorizationStatus::PartiallyCaptured) {
            let actions = ["capture", "void", "reauthorize"];
            links.extend(actions.map(|action| self.link(action, "POST", &format!("{path}/{action}"))));
        }
        links.push(self.link("up", "GET", &format!("v2/checkout/orders/{}", order.id)));
        Some(json!({
            "id": id,
            "status": row.status,
            "amount": money::json(row.amount, &order.currency),
            "custom_id": order.custom_id,
            "invoice_id": order.invoice_id,
            "payee": self.payee(&order.payee),
            "seller_protection": { "status": "NOT_ELIGIBLE" },
            "supplementary_data": { "related_ids": { "order_id": order.id } },
            "expiration_time": time(row.expires_at),
            "create_time": time(row.created),
            "update_time": time(row.updated),
            "links": links,
        }))
    }

    fn capture(&self, id: &str) -> Option<Value> {
        let row = self.state.captures.get(id)?;
        let order = self.state.orders.get(&row.order)?;
        let money = |amount: i64| money::json(amount, &order.currency);
        let path = format!("v2/payments/captures/{id}");
        let up = match &row.authorization {
            Some(authorization) => format!("v2/payments/authorizations/{authorization}"),
            None => format!("v2/checkout/orders/{}", order.id),
        };
        let received = !matches!(row.status, CaptureStatus::Pending | CaptureStatus::Declined);
        let breakdown = received.then(|| {
            let fee = (row.platform_fee > 0).then(|| [self.platform_fee(row.platform_fee, &order.currency)]);
            json!({
                "gross_amount": money(row.amount),
                "paypal_fee": money(row.paypal_fee),
                "platform_fees": fee,
                "net_amount": money(row.amount - row.paypal_fee - row.platform_fee),
            })
        });
        let pending = (row.status == CaptureStatus::Pending).then_some(order);
        let reason = pending.and_then(Order::test_payer).and_then(TestPayer::pending_reason);
        Some(json!({
            "id": id,
            "status": row.status,
            "status_details": reason.map(|reason| json!({ "reason": reason })),
            "amount": money(row.amount),
            "final_capture": row.final_capture,
            "disbursement_mode": disbursement_mode(row.is_delayed),
            "custom_id": order.custom_id,
            "invoice_id": order.invoice_id,
            "payee": self.payee(&order.payee),
            "seller_protection": { "status": "NOT_ELIGIBLE" },
            "seller_receivable_breakdown": breakdown,
            "supplementary_data": { "related_ids": {
                "order_id": order.id,
                "authorization_id": row.authorization,
                "capture_id": id,
            } },
            "create_time": time(row.created),
            "update_time": time(row.updated),
            "links": [
                self.link("self", "GET", &path),
                self.link("refund", "POST", &format!("{path}/refund")),
                self.link("up", "GET", &up),
            ],
        }))
    }

    fn payout(&self, id: &str) -> Option<Value> {
        let row = self.state.payouts.get(id)?;
        Some(json!({
            "item_id": id,
            "processing_state": { "status": "SUCCESS" },
            "reference_id": row.capture,
            "reference_type": "TRANSACTION_ID",
            "payout_amount": money::json(row.amount, &row.currency),
            "time_created": time(row.created),
            "links": [self.link("self", "GET", &format!("v1/payments/referenced-payouts-items/{id}"))],
        }))
    }

    fn refund(&self, id: &str) -> Option<Value> {
        let row = self.state.refunds.get(id)?;
        let order = self.state.orders.get(&row.order)?;
        let money = |amount: i64| money::json(amount, &order.currency);
        let incomplete = row.status != RefundStatus::Completed;
        Some(json!({
            "id": id,
            "status": row.status,
            "status_details": incomplete.then(|| json!({ "reason": "ECHECK" })),
            "amount": money(row.amount),
            "custom_id": row.custom_id,
            "invoice_id": row.invoice_id,
            "note_to_payer": row.note_to_payer,
            // The seller pays a refund.
            "payer": self.payee(&order.payee),
            "seller_payable_breakdown": {
                "gross_amount": money(row.amount),
                "paypal_fee": money(0),
                "platform_fees": (row.platform_fee > 0).then(|| [json!({ "amount": money(row.platform_fee) })]),
                "net_amount": money(row.amount - row.platform_fee),
                "total_refunded_amount": money(row.total_refunded),
            },
            "create_time": time(row.created),
            "update_time": time(row.updated),
            "links": [
                self.link("self", "GET", &format!("v2/payments/refunds/{id}")),
                self.link("up", "GET", &format!("v2/payments/captures/{}", row.capture)),
            ],
        }))
    }

    pub(super) fn dispute(&self, id: &str) -> Option<Value> {
        let row = self.state.disputes.get(id)?;
        let capture = self.state.captures.get(&row.capture)?;
        let order = self.state.orders.get(&capture.order)?;
        let money = |amount: i64| money::json(amount, &order.currency);
        let outcome = row.outcome.map(|outcome| {
            let refunded = if outcome == DisputeOutcome::BuyerFavour { row.amount } else { 0 };
            json!({ "outcome_code": outcome, "amount_refunded": money(refunded) })
        });
        let resolved = row.outcome.is_some();
        Some(without_nulls(json!({
            "dispute_id": id,
            "create_time": time(row.created),
            "update_time": time(row.updated),
            "disputed_transactions": [{
                "seller_transaction_id": capture.id,
                "create_time": time(capture.created),
                "transaction_status": capture.status,
                "gross_amount": money(capture.amount),
                "invoice_number": order.invoice_id,
                "custom": order.custom_id,
                "seller": { "merchant_id": order.payee },
            }],
            "reason": row.reason,
            "status": if resolved { "RESOLVED" } else { "UNDER_REVIEW" },
            "dispute_state": if resolved { "RESOLVED" } else { "UNDER_PAYPAL_REVIEW" },
            "dispute_amount": money(row.amount),
            "dispute_outcome": outcome,
            "dispute_life_cycle_stage": "CHARGEBACK",
            "dispute_channel": "INTERNAL",
            "links": [self.link("self", "GET", &format!("v1/customer/disputes/{id}"))],
        })))
    }

    /// A seller's two ids, and the address of what the platform may know of the seller.
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

    /// What the platform may know of a seller.
    fn seller(&self, id: &str) -> Option<Value> {
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

//! Reads the objects of a payment.

use domain::payments::payment::Payment;

use super::client::Request;
use super::errors::Failure;
use super::snapshot::PaymentObjects;
use super::{PayPal, wire};

impl PayPal {
    /// The order of a payment. `None` if it no longer exists: PayPal deletes an order that was not approved or captured within
    /// six hours.
    pub(super) async fn order(&self, payment: &Payment) -> Result<Option<wire::Order>, Failure> {
        let Some(id) = &payment.references.intent else { return Ok(None) };
        match self.get(format!("/v2/checkout/orders/{id}")).await {
            Ok(order) => Ok(Some(order)),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The order of a payment with its disputes.
    ///
    /// Takes one request; one more once money was captured, and one more for each dispute.
    pub(super) async fn payment_objects(&self, payment: &Payment) -> Result<Option<PaymentObjects>, Failure> {
        let Some(order) = self.order(payment).await? else { return Ok(None) };
        let disputes = match order.received() {
            Some(capture) => self.disputes(&payment.destination, &capture.id).await?,
            None => Vec::new(),
        };
        Ok(Some(PaymentObjects { order, disputes }))
    }

    async fn disputes(&self, seller: &str, capture: &str) -> Result<Vec<wire::Dispute>, Failure> {
        let list = Request::get("/v1/customer/disputes".to_owned()).with("disputed_transaction_id", capture);
        let listed: wire::Disputes = self.client.send(&list.acting_for(seller)).await?;
        let mut disputes = Vec::new();
        for wire::DisputeSummary { dispute_id } in listed.items {
            let dispute = Request::get(format!("/v1/customer/disputes/{dispute_id}")).acting_for(seller);
            disputes.push(self.client.send(&dispute).await?);
        }
        Ok(disputes)
    }
}

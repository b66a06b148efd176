//! Customers. Source: <https://docs.stripe.com/api/customers>.

use super::prelude::*;

/// `POST /v1/customers`.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&["email expand[] metadata metadata[*] name"])?;
    let customer = Customer {
        id: format!("cus_{}", random::letters(14)),
        name: form.owned("name"),
        email: validate::email(form, "email")?,
        metadata: validate::metadata(form)?,
        created: work.now,
    };
    let object = render::customer(&customer);
    work.state.customers.add(customer);
    emit(work, "customer.created", object.clone(), None);
    Ok(object)
}

/// The customer that the form names, if any.
pub(super) fn named(work: &Work, form: &Form) -> Result<Option<String>, ApiError> {
    let Some(id) = form.filled("customer") else { return Ok(None) };
    let customer =
        work.state.customers.get(id).ok_or_else(|| ApiError::missing("customer", id, "customer"))?;
    Ok(Some(customer.id.clone()))
}

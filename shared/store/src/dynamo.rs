//! The table port for DynamoDB, with the AWS SDK.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, CancellationReason, ConditionCheck, ConsumedCapacity,
    Delete, GlobalSecondaryIndex, KeySchemaElement, KeyType, KeysAndAttributes, Projection, ProjectionType,
    Put, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure, ScalarAttributeType,
    TransactWriteItem,
};

use crate::keys::{GSI1, GSI2, Key, PK, SK, VERSION};
use crate::table::{
    Action, COUNT, Condition, Conflict, Consistency, Item, Query, Table, TableError, Write, WriteError,
    causes,
};

/// The maximum number of rows of one `BatchGetItem`.
const MAX_KEYS: usize = 100;

/// Records the capacity that requests consume.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Vec<Cost>>);

/// The capacity that one request consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// The name of the operation, such as `TransactWriteItems`.
    pub operation: &'static str,
    /// Tenths of capacity units: read units for a read, write units for a write.
    pub tenths: u64,
}

impl Meter {
    /// Returns the costs of the requests since the last call, in the order of their responses.
    pub fn take(&self) -> Vec<Cost> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A DynamoDB table.
pub struct DynamoTable {
    client: Client,
    name: String,
    meter: Option<Arc<Meter>>,
}

impl DynamoTable {
    /// The table with this name. It must exist.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into(), meter: None }
    }

    /// Records the costs of all requests in `meter`.
    #[must_use]
    pub fn metered(self, meter: Arc<Meter>) -> Self {
        Self { meter: Some(meter), ..self }
    }

    fn capacity(&self) -> Option<ReturnConsumedCapacity> {
        self.meter.as_ref().map(|_| ReturnConsumedCapacity::Total)
    }

    fn meter<'a>(&self, operation: &'static str, consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        let Some(meter) = &self.meter else { return };
        let tenths = consumed
            .into_iter()
            .filter_map(|capacity| capacity.capacity_units)
            // The service reports halves of units, so nothing is lost in tenths.
            .map(|units| format!("{units:.1}").replace('.', "").parse().unwrap_or(0))
            .sum();
        meter.0.lock().unwrap_or_else(PoisonError::into_inner).push(Cost { operation, tenths });
    }
}

fn key_attributes(key: &Key) -> Item {
    Item::from([
        (PK.to_owned(), AttributeValue::S(key.pk.clone())),
        (SK.to_owned(), AttributeValue::S(key.sk.clone())),
    ])
}

/// The condition expression, its attribute names, and the value that it compares with.
fn condition_expression(
    condition: Condition,
) -> (Option<String>, Option<HashMap<String, String>>, Option<AttributeValue>) {
    let named = |name: &str| Some(HashMap::from([("#expected".to_owned(), name.to_owned())]));
    let equals = |version| (Some("#expected = :expected".to_owned()), named(VERSION), Some(version));
    match condition {
        Condition::None => (None, None, None),
        Condition::Absent => (Some("attribute_not_exists(#expected)".to_owned()), named(PK), None),
        Condition::Same(None) => (
            Some("attribute_exists(#row) AND attribute_not_exists(#expected)".to_owned()),
            Some(HashMap::from([
                ("#row".to_owned(), PK.to_owned()),
                ("#expected".to_owned(), VERSION.to_owned()),
            ])),
            None,
        ),
        Condition::Same(Some(version)) => equals(version),
        Condition::Version(version) => equals(AttributeValue::N(version.to_string())),
    }
}

fn table_error<E>(error: SdkError<E>) -> TableError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let code = error.as_service_error().and_then(|service| service.code()).unwrap_or_default();
    let busy = matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TransactionConflictException"
            | "TransactionInProgressException"
    );
    let message = causes(&error);
    if busy { TableError::Busy(message) } else { TableError::Unavailable(message) }
}

fn unbuildable(error: impl std::fmt::Display) -> TableError {
    TableError::Unavailable(format!("the request cannot be built: {error}"))
}

#[async_trait]
impl Table for DynamoTable {
    async fn get(&self, key: &Key, consistency: Consistency) -> Result<Option<Item>, TableError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key_attributes(key)))
            .consistent_read(consistency == Consistency::Strong)
            .set_return_consumed_capacity(self.capacity())
            .send()
            .await
            .map_err(table_error)?;
        self.meter("GetItem", answer.consumed_capacity());
        Ok(answer.item)
    }

    async fn get_many(&self, keys: &[Key], consistency: Consistency) -> Result<Vec<Item>, TableError> {
        let mut items = Vec::with_capacity(keys.len());
        for keys in keys.chunks(MAX_KEYS) {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(keys.iter().map(key_attributes).collect()))
                .consistent_read(consistency == Consistency::Strong)
                .build()
                .map_err(unbuildable)?;
            let mut answer = self
                .client
                .batch_get_item()
                .request_items(&self.name, request)
                .set_return_consumed_capacity(self.capacity())
                .send()
                .await
                .map_err(table_error)?;
            self.meter("BatchGetItem", answer.consumed_capacity());
            if answer.unprocessed_keys.as_ref().is_some_and(|left| !left.is_empty()) {
                return Err(TableError::Busy("some rows were not read".to_owned()));
            }
            items.extend(
                answer.responses.as_mut().and_then(|found| found.remove(&self.name)).unwrap_or_default(),
            );
        }
        Ok(items)
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, TableError> {
        let (pk, sk) = query.index.map_or((PK, SK), |index| (index.pk, index.sk));
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let left =
                query.limit.map(|limit| i32::from(limit) - i32::try_from(items.len()).unwrap_or(i32::MAX));
            let answer = self
                .client
                .query()
                .table_name(&self.name)
                .set_index_name(query.index.map(|index| index.name.to_owned()))
                .key_condition_expression("#pk = :pk AND #sk BETWEEN :from AND :to")
                .expression_attribute_names("#pk", pk)
                .expression_attribute_names("#sk", sk)
                .expression_attribute_values(":pk", AttributeValue::S(query.pk.clone()))
                .expression_attribute_values(":from", AttributeValue::S(query.from.clone()))
                .expression_attribute_values(":to", AttributeValue::S(query.to.clone()))
                .scan_index_forward(!query.descending)
                .set_consistent_read((query.consistency == Consistency::Strong).then_some(true))
                .set_limit(left)
                .set_exclusive_start_key(start)
                .set_return_consumed_capacity(self.capacity())
                .send()
                .await
                .map_err(table_error)?;
            self.meter("Query", answer.consumed_capacity());
            items.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key.filter(|key| !key.is_empty());
            let enough = query.limit.is_some_and(|limit| items.len() >= usize::from(limit));
            if start.is_none() || enough {
                return Ok(items);
            }
        }
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), WriteError> {
        // A transaction costs twice what a single write does.
        match <[Write; 1]>::try_from(writes) {
            Ok([Write { key, condition, action: Action::Put(item) }]) => self.put(key, condition, item).await,
            Ok([Write { key, condition, action: Action::Delete }]) => self.delete(key, condition).await,
            Ok(single) => self.transact(single.into()).await,
            Err(writes) => self.transact(writes).await,
        }
    }

    async fn count(&self, key: &Key, attributes: Item) -> Result<u64, TableError> {
        let mut names = HashMap::from([("#count".to_owned(), COUNT.to_owned())]);
        let mut values = Item::from([(":one".to_owned(), AttributeValue::N("1".to_owned()))]);
        let mut assignments = Vec::new();
        for (place, (name, value)) in attributes.into_iter().enumerate() {
            names.insert(format!("#set{place}"), name);
            values.insert(format!(":set{place}"), value);
            assignments.push(format!("#set{place} = :set{place}"));
        }
        let set =
            if assignments.is_empty() { String::new() } else { format!(" SET {}", assignments.join(", ")) };
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key_attributes(key)))
            .update_expression(format!("ADD #count :one{set}"))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .return_values(ReturnValue::UpdatedNew)
            .set_return_consumed_capacity(self.capacity())
            .send()
            .await
            .map_err(table_error)?;
        self.meter("UpdateItem", answer.consumed_capacity());
        let counted =
            answer.attributes().and_then(|attributes| attributes.get(COUNT)?.as_n().ok()?.parse().ok());
        counted.ok_or_else(|| TableError::Unavailable("the count was not returned".to_owned()))
    }
}

impl DynamoTable {
    async fn put(&self, key: Key, condition: Condition, item: Item) -> Result<(), WriteError> {
        let (expression, names, value) = condition_expression(condition);
        let answer = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item.clone()))
            .set_condition_expression(expression)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(value.map(|value| Item::from([(":expected".to_owned(), value)])))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .set_return_consumed_capacity(self.capacity())
            .send()
            .await;
        match answer {
            Ok(answer) => {
                self.meter("PutItem", answer.consumed_capacity());
                Ok(())
            }
            // The SDK retries a write whose response was lost, and then finds its own row.
            Err(error) => match single_error(key, error) {
                WriteError::VersionConflict(conflicts) if matches!(conflicts.as_slice(), [Conflict { row: Some(row), .. }] if *row == item) => {
                    Ok(())
                }
                error => Err(error),
            },
        }
    }

    async fn delete(&self, key: Key, condition: Condition) -> Result<(), WriteError> {
        let (expression, names, value) = condition_expression(condition);
        let answer = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key_attributes(&key)))
            .set_condition_expression(expression)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(value.map(|value| Item::from([(":expected".to_owned(), value)])))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .set_return_consumed_capacity(self.capacity())
            .send()
            .await
            .map_err(|error| single_error(key, error))?;
        self.meter("DeleteItem", answer.consumed_capacity());
        Ok(())
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<(), WriteError> {
        let keys: Vec<Key> = writes.iter().map(|write| write.key.clone()).collect();
        let items: Result<Vec<_>, _> = writes.into_iter().map(|write| self.transact_item(write)).collect();
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items.map_err(unbuildable)?))
            .set_return_consumed_capacity(self.capacity())
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(transaction_error(&keys, error)),
        };
        self.meter("TransactWriteItems", answer.consumed_capacity());
        Ok(())
    }

    fn transact_item(
        &self,
        Write { key, condition, action }: Write,
    ) -> Result<TransactWriteItem, aws_sdk_dynamodb::error::BuildError> {
        let (expression, names, value) = condition_expression(condition);
        let values = value.map(|value| Item::from([(":expected".to_owned(), value)]));
        let item = TransactWriteItem::builder();
        let item = match action {
            Action::Put(row) => item.put(
                Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(row))
                    .set_condition_expression(expression)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                    .build()?,
            ),
            Action::Delete => item.delete(
                Delete::builder()
                    .table_name(&self.name)
                    .set_key(Some(key_attributes(&key)))
                    .set_condition_expression(expression)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                    .build()?,
            ),
            Action::Check => item.condition_check(
                ConditionCheck::builder()
                    .table_name(&self.name)
                    .set_key(Some(key_attributes(&key)))
                    .set_condition_expression(expression)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                    .build()?,
            ),
        };
        Ok(item.build())
    }
}

/// The error of a single write.
trait SingleError {
    /// The row that made the condition false, if the service returned it.
    fn row(&self) -> Option<&Item>;
}

impl SingleError for PutItemError {
    fn row(&self) -> Option<&Item> {
        match self {
            Self::ConditionalCheckFailedException(failed) => failed.item(),
            _ => None,
        }
    }
}

impl SingleError for DeleteItemError {
    fn row(&self) -> Option<&Item> {
        match self {
            Self::ConditionalCheckFailedException(failed) => failed.item(),
            _ => None,
        }
    }
}

fn single_error<E>(key: Key, error: SdkError<E>) -> WriteError
where
    E: ProvideErrorMetadata + SingleError + std::error::Error + 'static,
{
    let code = error.as_service_error().and_then(|service| service.code());
    if code == Some("TransactionConflictException") {
        return WriteError::InUse(vec![key]);
    }
    if code != Some("ConditionalCheckFailedException") {
        return WriteError::Table(table_error(error));
    }
    let row = error.as_service_error().and_then(SingleError::row).cloned();
    WriteError::VersionConflict(vec![Conflict { key, row }])
}

fn transaction_error(keys: &[Key], error: SdkError<TransactWriteItemsError>) -> WriteError {
    if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() {
        let reasons = cancelled.cancellation_reasons();
        let failed = |code: &'static str| {
            keys.iter().zip(reasons).filter(move |(_, reason)| reason.code() == Some(code))
        };
        let row = |reason: &CancellationReason| reason.item().filter(|row| !row.is_empty()).cloned();
        let changed: Vec<Conflict> = failed("ConditionalCheckFailed")
            .map(|(key, reason)| Conflict { key: key.clone(), row: row(reason) })
            .collect();
        if !changed.is_empty() {
            return WriteError::VersionConflict(changed);
        }
        let in_use: Vec<Key> = failed("TransactionConflict").map(|(key, _)| key.clone()).collect();
        if !in_use.is_empty() {
            return WriteError::InUse(in_use);
        }
        let throttled = ["ThrottlingError", "ProvisionedThroughputExceeded"];
        if reasons.iter().any(|reason| throttled.contains(&reason.code().unwrap_or_default())) {
            return WriteError::Table(TableError::Busy("the transaction was throttled".to_owned()));
        }
    }
    WriteError::Table(table_error(error))
}

/// Creates the table as `template.yaml` describes it, for tests and for the local system. An existing table stays unchanged.
///
/// # Errors
/// If the table cannot be created.
pub async fn create_table(client: &Client, name: &str) -> Result<(), TableError> {
    let attribute = |name: &str| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
    };
    let schema = |pk: &str, sk: &str| -> Result<Vec<_>, _> {
        [(pk, KeyType::Hash), (sk, KeyType::Range)]
            .into_iter()
            .map(|(name, kind)| KeySchemaElement::builder().attribute_name(name).key_type(kind).build())
            .collect()
    };
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(schema(PK, SK).map_err(unbuildable)?));
    for name in [PK, SK, GSI1.pk, GSI1.sk, GSI2.pk, GSI2.sk] {
        request = request.attribute_definitions(attribute(name).map_err(unbuildable)?);
    }
    for index in [GSI1, GSI2] {
        let index = GlobalSecondaryIndex::builder()
            .index_name(index.name)
            .set_key_schema(Some(schema(index.pk, index.sk).map_err(unbuildable)?))
            .projection(Projection::builder().projection_type(ProjectionType::All).build())
            .build()
            .map_err(unbuildable)?;
        request = request.global_secondary_indexes(index);
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception()) => {
            Ok(())
        }
        Err(error) => Err(table_error(error)),
    }
}

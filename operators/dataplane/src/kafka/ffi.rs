//! librdkafka's admin calls, in batches, with the broker's own words in every refusal.
//!
//! The only file of the project with `unsafe`. The safe wrapper lacks IncrementalAlterConfigs and DescribeTopics and
//! drops the broker's messages; its AlterConfigs replaces whole configurations and must never be called. Each function builds owned C objects, makes one blocking call on a queue of its own, copies the answer
//! into Rust values and frees everything, so that no pointer leaves this file.
#![allow(unsafe_code, reason = "calls into librdkafka; see the module's documentation")]

use std::{
    collections::BTreeMap,
    ffi::{CStr, CString, c_char, c_int},
    ptr,
    time::Duration,
};

use rdkafka::{
    ClientConfig,
    client::{Client, DefaultClientContext},
    error::KafkaError,
    types::{RDKafkaAdminOp as Op, RDKafkaErrorCode, RDKafkaRespErr, RDKafkaType},
};
use rdkafka_sys as sys;

use super::Change;

/// A topic that nobody has: asking for it brings the brokers' metadata without that of all topics.
const PING: &str = "millrace.ping";

/// What librdkafka or the broker said instead of doing as told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) code: RDKafkaErrorCode,
    pub(super) message: String,
}

/// One answer per name asked for.
pub(super) type Each<T> = BTreeMap<String, Result<T, Trouble>>;

/// A topic without its configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) id: String,
    pub(super) partitions: i32,
    pub(super) replication_factor: i32,
}

/// A librdkafka client. Its calls block for at most the given time and a second.
pub(super) struct Native(Client<DefaultClientContext>);

/// A C object and the function that frees it.
struct Owned<T> {
    ptr: *mut T,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Takes ownership; a null pointer means that librdkafka refused the arguments.
    fn new(ptr: *mut T, free: unsafe extern "C" fn(*mut T), what: &str) -> Result<Self, Trouble> {
        if ptr.is_null() { Err(refused(format!("{what}: refused by librdkafka"))) } else { Ok(Self { ptr, free }) }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `ptr` is not null, came from the constructor that belongs to `free`, and is freed only here.
        unsafe { (self.free)(self.ptr) }
    }
}

fn refused(message: String) -> Trouble {
    Trouble { code: RDKafkaErrorCode::InvalidArgument, message }
}

fn c(text: &str) -> Result<CString, Trouble> {
    CString::new(text).map_err(|_| refused(format!("{text:?} holds a zero byte")))
}

/// Copies a C string; null is empty.
fn text(raw: *const c_char) -> String {
    // SAFETY: librdkafka's strings are null or zero-terminated, and live as long as the event that is still owned.
    if raw.is_null() { String::new() } else { unsafe { CStr::from_ptr(raw) }.to_string_lossy().into_owned() }
}

/// The elements of a C array of pointers, as librdkafka returns them with a count.
fn list<T>(get: impl FnOnce(*mut usize) -> *mut *const T) -> Vec<*const T> {
    let mut count = 0_usize;
    let first = get(&raw mut count);
    if first.is_null() || count == 0 {
        return Vec::new();
    }
    // SAFETY: librdkafka returned an array of `count` pointers that lives as long as its event.
    unsafe { std::slice::from_raw_parts(first.cast_const(), count) }.to_vec()
}

fn verdict(code: RDKafkaRespErr, message: *const c_char) -> Result<(), Trouble> {
    match code {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(Trouble { code: code.into(), message: text(message) }),
    }
}

type Event = Owned<sys::rd_kafka_event_t>;
type Options = *const sys::rd_kafka_AdminOptions_t;
type Queue = *mut sys::rd_kafka_queue_t;

impl Native {
    pub(super) fn new(config: &ClientConfig) -> Result<Self, KafkaError> {
        let native = config.create_native_config()?;
        Client::new(config, native, RDKafkaType::RD_KAFKA_PRODUCER, DefaultClientContext).map(Self)
    }

    /// Makes one admin call and waits for its answer.
    fn call(
        &self,
        op: Op,
        within: Duration,
        send: impl FnOnce(*mut sys::rd_kafka_t, Options, Queue),
    ) -> Result<Event, Trouble> {
        self.drain();
        let client = self.0.native_ptr();
        let wait = c_int::try_from(within.as_millis()).unwrap_or(c_int::MAX / 2);
        // SAFETY: the client outlives options and queue; both are freed by `Owned`.
        let (options, queue) = unsafe {
            let options = sys::rd_kafka_AdminOptions_new(client, op);
            (
                Owned::new(options, sys::rd_kafka_AdminOptions_destroy, "options")?,
                Owned::new(sys::rd_kafka_queue_new(client), sys::rd_kafka_queue_destroy, "queue")?,
            )
        };
        // SAFETY: `options` is valid; a null error buffer of length 0 is allowed.
        let set = unsafe { sys::rd_kafka_AdminOptions_set_request_timeout(options.ptr, wait, ptr::null_mut(), 0) };
        verdict(set, ptr::null())?;
        send(client, options.ptr, queue.ptr);
        // SAFETY: `queue` is valid; the event is owned by us.
        let event = unsafe { sys::rd_kafka_queue_poll(queue.ptr, wait.saturating_add(1_000)) };
        let late =
            |_| Trouble { code: RDKafkaErrorCode::OperationTimedOut, message: format!("no answer in {within:?}") };
        let event = Owned::new(event, sys::rd_kafka_event_destroy, "event").map_err(late)?;
        // SAFETY: the event is valid; its string lives as long as it.
        verdict(unsafe { sys::rd_kafka_event_error(event.ptr) }, unsafe {
            sys::rd_kafka_event_error_string(event.ptr)
        })?;
        Ok(event)
    }

    /// Empties the client's main queue, where its logs would pile up: nobody else reads it.
    fn drain(&self) {
        // SAFETY: the main queue's handle and each event are owned by us and freed by `Owned`.
        unsafe {
            let main = sys::rd_kafka_queue_get_main(self.0.native_ptr());
            let Ok(main) = Owned::new(main, sys::rd_kafka_queue_destroy, "main queue") else { return };
            while let Ok(event) = Event::new(sys::rd_kafka_queue_poll(main.ptr, 0), sys::rd_kafka_event_destroy, "log")
            {
                let (mut facility, mut line, mut level) = (ptr::null(), ptr::null(), 0);
                if sys::rd_kafka_event_log(event.ptr, &raw mut facility, &raw mut line, &raw mut level) == 0 {
                    tracing::debug!(target: "librdkafka", facility = text(facility), line = text(line));
                }
            }
        }
    }

    /// The cluster's id and its number of brokers. Not by DescribeCluster: librdkafka 2.12.1 aborts the process if a
    /// broker knows of no broker, as one does while it starts, or after it was frozen.
    pub(super) fn cluster(&self, within: Duration) -> Result<(String, i32), Trouble> {
        self.drain();
        let metadata = self.0.fetch_metadata(Some(PING), within).map_err(|error| Trouble {
            code: error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail),
            message: error.to_string(),
        })?;
        let client = self.0.native_ptr();
        // SAFETY: the client is valid; both calls read what the metadata brought.
        let controller = unsafe { sys::rd_kafka_controllerid(client, 0) };
        if metadata.brokers().is_empty() || controller < 0 {
            let message = "the broker knows of no controller: it is starting or stopping".to_owned();
            return Err(Trouble { code: RDKafkaErrorCode::BrokerNotAvailable, message });
        }
        // SAFETY: the string is ours and freed here, once (the safe wrapper leaks it).
        let id = unsafe {
            let id = sys::rd_kafka_clusterid(client, 0);
            let copy = text(id);
            sys::rd_kafka_mem_free(client, id.cast());
            copy
        };
        Ok((id, i32::try_from(metadata.brokers().len()).unwrap_or(i32::MAX)))
    }

    /// Ids and partitions. The names must be distinct and not empty.
    pub(super) fn topics(&self, names: &[String], within: Duration) -> Result<Each<Described>, Trouble> {
        let owned = names.iter().map(|n| c(n)).collect::<Result<Vec<_>, _>>()?;
        let mut raw: Vec<*const c_char> = owned.iter().map(|n| n.as_ptr()).collect();
        // SAFETY: the collection copies the names; it is freed by `Owned`.
        let names = unsafe { sys::rd_kafka_TopicCollection_of_topic_names(raw.as_mut_ptr(), raw.len()) };
        let names = Owned::new(names, sys::rd_kafka_TopicCollection_destroy, "topic names")?;
        let event = self.call(Op::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, within, |client, options, queue| unsafe {
            sys::rd_kafka_DescribeTopics(client, names.ptr, options, queue);
        })?;
        // SAFETY: everything read lives as long as `event`, and is copied.
        let all = unsafe {
            let result = sys::rd_kafka_event_DescribeTopics_result(event.ptr);
            list(|n| sys::rd_kafka_DescribeTopics_result_topics(result, n))
        };
        let one = |topic: *const sys::rd_kafka_TopicDescription_t| unsafe {
            let error = sys::rd_kafka_TopicDescription_error(topic);
            verdict(sys::rd_kafka_error_code(error), sys::rd_kafka_error_string(error))?;
            let partitions = list(|n| sys::rd_kafka_TopicDescription_partitions(topic, n));
            let copies =
                partitions.first().map_or(0, |p| list(|n| sys::rd_kafka_TopicPartitionInfo_replicas(*p, n)).len());
            Ok(Described {
                // In the letters of Kafka's own tools, so that people find it again.
                id: text(sys::rd_kafka_Uuid_base64str(sys::rd_kafka_TopicDescription_topic_id(topic)))
                    .replace('+', "-")
                    .replace('/', "_"),
                partitions: i32::try_from(partitions.len()).unwrap_or(i32::MAX),
                replication_factor: i32::try_from(copies).unwrap_or(i32::MAX),
            })
        };
        Ok(all.into_iter().map(|t| (text(unsafe { sys::rd_kafka_TopicDescription_name(t) }), one(t))).collect())
    }

    /// What is set on the topics themselves, defaults left out.
    pub(super) fn configs(
        &self,
        names: &[String],
        within: Duration,
    ) -> Result<Each<BTreeMap<String, String>>, Trouble> {
        let resources = names.iter().map(|name| resource(name)).collect::<Result<Vec<_>, _>>()?;
        let mut raw: Vec<_> = resources.iter().map(|r| r.ptr).collect();
        let event = self.call(Op::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, within, |client, options, queue| unsafe {
            sys::rd_kafka_DescribeConfigs(client, raw.as_mut_ptr(), raw.len(), options, queue);
        })?;
        // SAFETY: everything read lives as long as `event`, and is copied.
        let all = unsafe {
            let result = sys::rd_kafka_event_DescribeConfigs_result(event.ptr);
            list(|n| sys::rd_kafka_DescribeConfigs_result_resources(result, n))
        };
        let dynamic = sys::rd_kafka_ConfigSource_t::RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG;
        let one = |r| unsafe {
            verdict(sys::rd_kafka_ConfigResource_error(r), sys::rd_kafka_ConfigResource_error_string(r))?;
            let entries = list(|n| sys::rd_kafka_ConfigResource_configs(r, n)).into_iter();
            let own = entries.filter(|e| sys::rd_kafka_ConfigEntry_source(*e) == dynamic);
            Ok(own
                .map(|e| (text(sys::rd_kafka_ConfigEntry_name(e)), text(sys::rd_kafka_ConfigEntry_value(e))))
                .collect())
        };
        Ok(all.into_iter().map(|r| (text(unsafe { sys::rd_kafka_ConfigResource_name(r) }), one(r))).collect())
    }

    /// Performs changes of one and the same kind, each of another topic, in one request.
    pub(super) fn change(&self, changes: &[Change], within: Duration) -> Result<Each<()>, Trouble> {
        match changes.first() {
            None => Ok(Each::new()),
            Some(Change::Create { .. }) => self.create(changes, within),
            Some(Change::Grow { .. }) => self.grow(changes, within),
            Some(Change::Configure { .. }) => self.configure(changes, within),
            Some(Change::Delete { .. }) => self.delete(changes, within),
        }
    }

    fn create(&self, changes: &[Change], within: Duration) -> Result<Each<()>, Trouble> {
        let mut topics = Vec::new();
        for change in changes {
            let Change::Create { name, partitions, replication_factor, config } = change else { continue };
            let c_name = c(name)?;
            // -1 is Kafka's word for its own default.
            let (partitions, copies) = (partitions.unwrap_or(-1), replication_factor.unwrap_or(-1));
            // SAFETY: the name is copied; a null error buffer of length 0 is allowed; `Owned` frees the topic.
            let topic = unsafe { sys::rd_kafka_NewTopic_new(c_name.as_ptr(), partitions, copies, ptr::null_mut(), 0) };
            let topic = Owned::new(topic, sys::rd_kafka_NewTopic_destroy, name)?;
            for (key, value) in config {
                let (key, value) = (c(key)?, c(value)?);
                // SAFETY: key and value are copied.
                verdict(
                    unsafe { sys::rd_kafka_NewTopic_set_config(topic.ptr, key.as_ptr(), value.as_ptr()) },
                    ptr::null(),
                )?;
            }
            topics.push(topic);
        }
        let mut raw: Vec<_> = topics.iter().map(|t| t.ptr).collect();
        let event = self.call(Op::RD_KAFKA_ADMIN_OP_CREATETOPICS, within, |client, options, queue| unsafe {
            sys::rd_kafka_CreateTopics(client, raw.as_mut_ptr(), raw.len(), options, queue);
        })?;
        Ok(topic_results(|n| unsafe {
            sys::rd_kafka_CreateTopics_result_topics(sys::rd_kafka_event_CreateTopics_result(event.ptr), n)
        }))
    }

    fn grow(&self, changes: &[Change], within: Duration) -> Result<Each<()>, Trouble> {
        let mut all = Vec::new();
        for change in changes {
            let Change::Grow { name, partitions } = change else { continue };
            let c_name = c(name)?;
            let total = usize::try_from(*partitions).unwrap_or(0);
            // SAFETY: as in `create`.
            let new = unsafe { sys::rd_kafka_NewPartitions_new(c_name.as_ptr(), total, ptr::null_mut(), 0) };
            all.push(Owned::new(new, sys::rd_kafka_NewPartitions_destroy, name)?);
        }
        let mut raw: Vec<_> = all.iter().map(|t| t.ptr).collect();
        let event = self.call(Op::RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, within, |client, options, queue| unsafe {
            sys::rd_kafka_CreatePartitions(client, raw.as_mut_ptr(), raw.len(), options, queue);
        })?;
        Ok(topic_results(|n| unsafe {
            sys::rd_kafka_CreatePartitions_result_topics(sys::rd_kafka_event_CreatePartitions_result(event.ptr), n)
        }))
    }

    fn delete(&self, changes: &[Change], within: Duration) -> Result<Each<()>, Trouble> {
        let mut all = Vec::new();
        for change in changes {
            let name = c(change.name())?;
            // SAFETY: the name is copied; `Owned` frees the request.
            let topic = unsafe { sys::rd_kafka_DeleteTopic_new(name.as_ptr()) };
            all.push(Owned::new(topic, sys::rd_kafka_DeleteTopic_destroy, change.name())?);
        }
        let mut raw: Vec<_> = all.iter().map(|t| t.ptr).collect();
        let event = self.call(Op::RD_KAFKA_ADMIN_OP_DELETETOPICS, within, |client, options, queue| unsafe {
            sys::rd_kafka_DeleteTopics(client, raw.as_mut_ptr(), raw.len(), options, queue);
        })?;
        Ok(topic_results(|n| unsafe {
            sys::rd_kafka_DeleteTopics_result_topics(sys::rd_kafka_event_DeleteTopics_result(event.ptr), n)
        }))
    }

    fn configure(&self, changes: &[Change], within: Duration) -> Result<Each<()>, Trouble> {
        let mut all = Vec::new();
        for change in changes {
            let Change::Configure { name, set, reset } = change else { continue };
            let resource = resource(name)?;
            for (key, value) in set {
                add(&resource, key, Some(value))?;
            }
            for key in reset {
                add(&resource, key, None)?;
            }
            all.push(resource);
        }
        let mut raw: Vec<_> = all.iter().map(|r| r.ptr).collect();
        let event =
            self.call(Op::RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS, within, |client, options, queue| unsafe {
                sys::rd_kafka_IncrementalAlterConfigs(client, raw.as_mut_ptr(), raw.len(), options, queue);
            })?;
        // SAFETY: everything read lives as long as `event`, and is copied.
        let all = unsafe {
            let result = sys::rd_kafka_event_IncrementalAlterConfigs_result(event.ptr);
            list(|n| sys::rd_kafka_IncrementalAlterConfigs_result_resources(result, n))
        };
        let one =
            |r| unsafe { verdict(sys::rd_kafka_ConfigResource_error(r), sys::rd_kafka_ConfigResource_error_string(r)) };
        Ok(all.into_iter().map(|r| (text(unsafe { sys::rd_kafka_ConfigResource_name(r) }), one(r))).collect())
    }
}

fn resource(name: &str) -> Result<Owned<sys::rd_kafka_ConfigResource_t>, Trouble> {
    let c_name = c(name)?;
    let kind = sys::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
    // SAFETY: the name is copied; `Owned` frees the resource.
    let raw = unsafe { sys::rd_kafka_ConfigResource_new(kind, c_name.as_ptr()) };
    Owned::new(raw, sys::rd_kafka_ConfigResource_destroy, name)
}

/// Adds one key to an incremental change: sets it, or gives it back to the default.
fn add(to: &Owned<sys::rd_kafka_ConfigResource_t>, key: &str, value: Option<&String>) -> Result<(), Trouble> {
    use sys::rd_kafka_AlterConfigOpType_t::{RD_KAFKA_ALTER_CONFIG_OP_TYPE_DELETE, RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET};
    let key = c(key)?;
    let value = value.map(|v| c(v)).transpose()?;
    let (op, value) = match &value {
        Some(value) => (RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET, value.as_ptr()),
        None => (RD_KAFKA_ALTER_CONFIG_OP_TYPE_DELETE, ptr::null()),
    };
    // SAFETY: the resource is valid, key and value are copied; a returned error is freed by `Owned`.
    let error = unsafe { sys::rd_kafka_ConfigResource_add_incremental_config(to.ptr, key.as_ptr(), op, value) };
    match Owned::new(error, sys::rd_kafka_error_destroy, "") {
        Err(_null) => Ok(()),
        // SAFETY: the error is valid until `Owned` frees it.
        Ok(error) => Err(refused(text(unsafe { sys::rd_kafka_error_string(error.ptr) }))),
    }
}

fn topic_results(get: impl FnOnce(*mut usize) -> *mut *const sys::rd_kafka_topic_result_t) -> Each<()> {
    // SAFETY: the caller still owns the event these results belong to; everything is copied.
    let one = |r| unsafe {
        let verdict = verdict(sys::rd_kafka_topic_result_error(r), sys::rd_kafka_topic_result_error_string(r));
        (text(sys::rd_kafka_topic_result_name(r)), verdict)
    };
    list(get).into_iter().map(one).collect()
}

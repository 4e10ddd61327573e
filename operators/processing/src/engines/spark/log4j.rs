//! What a Spark driver logs. Its last lines are the message of an attempt that fails, so they are the application's own.
//!
//! One thing the end of the log does not tell: that executors ran out of memory. Spark says so of each task that fails with
//! its executor, and what the program prints when it fails for it, a trace of many lines, follows. The words about the
//! last failure a task is allowed go into the termination log, which a kubelet prefers to the end of the log.

use super::spec::{Executors, Spark};

/// A failed attempt's message is the end of its log, so the log ends with the application's own words: Spark's
/// information is left out, and so are the warnings it gives about its own shutdown and about a node short of cpu.
const LOG4J2: &str = "\
rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
logger.k8s.name = org.apache.spark.scheduler.cluster.k8s
logger.k8s.level = error
logger.shutdown.name = org.apache.spark.util.ShutdownHookManager
logger.shutdown.level = off
logger.dispatcher.name = org.apache.spark.rpc.netty.Dispatcher
logger.dispatcher.level = error
logger.outbox.name = org.apache.spark.rpc.netty.Outbox
logger.outbox.level = error
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.vertx.name = io.vertx.core.impl.BlockedThreadChecker
logger.vertx.level = off
logger.metrics.name = org.apache.hadoop.metrics2
logger.metrics.level = error
";

/// What our words in the termination log begin with.
pub(crate) const MARK: &str = "millrace: ";
/// How often a task may fail, unless the user says otherwise.
const FAILURES: u32 = 4;

/// The file.
pub(super) fn settings(own: &Spark) -> String {
    if own.executors == Executors::None {
        return LOG4J2.to_owned();
    }
    let failures = own.conf.get("spark.task.maxFailures").and_then(|text| text.trim().parse().ok()).unwrap_or(FAILURES);
    let last = match failures.saturating_sub(1) {
        // The number of a task's try counts those too that are not held against it.
        n @ 0..10 => format!("([{n}-9]|\\\\d\\\\d+)"),
        _ => "\\\\d\\\\d+".to_owned(),
    };
    // What Spark says at level info of a failure it has just told of must come through too. Exit code 52 is Spark's own for
    // a full heap, 137 the kernel's; the words are those of `ExecutorPodsLifecycleManager` and `TaskSetManager`.
    format!(
        "{LOG4J2}\
logger.tasks.name = org.apache.spark.scheduler.TaskSetManager
logger.tasks.level = info
logger.tasks.additivity = false
logger.tasks.appenderRef.stdout.ref = console
logger.tasks.appenderRef.stdout.level = warn
logger.tasks.appenderRef.memory.ref = memory
appender.memory.type = File
appender.memory.name = memory
appender.memory.fileName = /dev/termination-log
appender.memory.layout.type = PatternLayout
appender.memory.layout.pattern = {MARK}%maxLen{{%replace{{%m}}{{(\\\\s+at [^\\\\n]+)+|\\\\s+}}{{ }}}}{{900}}%n
appender.memory.filter.words.type = RegexFilter
appender.memory.filter.words.regex = (?s)Lost task \\\\d+\\\\.{last} .*?(exited with exit code (52|137)|OutOfMemoryError).*
appender.memory.filter.words.onMatch = ACCEPT
appender.memory.filter.words.onMismatch = DENY
"
    )
}

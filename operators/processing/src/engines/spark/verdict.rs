//! What a driver's pod proves of a Spark application beyond what any pod does.

use millrace_crds::processing_job::FailureClass;

use super::log4j;
use crate::{
    diagnosis,
    job::outcome::Outcome,
    seen::{ContainerView, WorkloadView},
};

/// spark-submit's exit code when the main class is not there.
const CLASS_NOT_FOUND: i32 = 101;

/// How the application ended, if it did; `cluster` if it asks for executors.
pub(crate) fn outcome(pod: &WorkloadView, cluster: bool) -> Option<Outcome> {
    let mut outcome = diagnosis::outcome(&without_words(pod))?;
    headline(pod, &mut outcome);
    if outcome.exit_code == Some(CLASS_NOT_FOUND) && outcome.class == Some(FailureClass::Application) {
        outcome.class = Some(FailureClass::Configuration);
        outcome.message = format!("spark.class is not in spark.main; {}", outcome.message);
    }
    if outcome.class == Some(FailureClass::Application) {
        out_of_memory(pod, cluster, &mut outcome);
    }
    Some(outcome)
}

/// The error of a full heap.
const HEAP: &str = "java.lang.OutOfMemoryError";
/// Below an error in a trace: a task had it.
const TASK: &str = "org.apache.spark.executor.Executor$TaskRunner";

/// Whether memory was too little, and whose. Executors are gone when their driver is, and Spark's words about them stand
/// far above the end of its log: our log settings write them into the termination log. That was a task's last try, so a
/// program that outlives it and fails of something else is rare enough to be told wrongly.
fn out_of_memory(pod: &WorkloadView, cluster: bool, outcome: &mut Outcome) {
    let ContainerView::Ended { message, .. } = &pod.container else { return };
    let told = message.contains(log4j::MARK);
    if !told && !message.contains(HEAP) {
        return;
    }
    outcome.class = Some(FailureClass::OutOfMemory);
    outcome.workers = told || cluster && message.contains(TASK);
    let whose = if outcome.workers { "an executor ran out of memory" } else { "the driver's heap is full" };
    outcome.message = format!("{whose}. {}", outcome.message);
}

/// The pod as it would be without our own words in its termination log, where it ended well: what is left are results.
fn without_words(pod: &WorkloadView) -> WorkloadView {
    let mut pod = pod.clone();
    if let ContainerView::Ended { code: 0, message, .. } = &mut pod.container {
        *message = message.lines().filter(|line| !line.starts_with(log4j::MARK)).collect::<Vec<_>>().join("\n");
    }
    pod
}

/// Puts the line that names the error first: a JVM's last lines are its stack, and those of an unresolved query its context.
fn headline(pod: &WorkloadView, outcome: &mut Outcome) {
    let ContainerView::Ended { code, message, .. } = &pod.container else { return };
    if outcome.class != Some(FailureClass::Application) {
        return;
    }
    let tail = message.trim();
    let Some(line) = tail.lines().rev().map(str::trim).find(|line| names_error(line)) else { return };
    let line = line.strip_prefix("Caused by: ").unwrap_or(line);
    if tail.lines().next_back().is_some_and(|last| last.trim() != line) {
        outcome.message = format!("exit code {code}: {line}\n{tail}");
    }
}

/// `[ERROR_CLASS] …`, `java.lang.SomeException: …`, `SomeError: …`, also as a cause.
fn names_error(line: &str) -> bool {
    let line = line.strip_prefix("Caused by: ").unwrap_or(line);
    let word = line.split([' ', ':']).next().unwrap_or_default();
    let inner = line.strip_prefix('[').and_then(|rest| rest.split_once("] ")).map(|(class, _)| class);
    let class = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '.';
    inner.is_some_and(|name| name.len() > 3 && name.chars().all(class))
        || (word.ends_with("Exception") || word.ends_with("Error"))
            && line.get(word.len()..).is_some_and(|r| r.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::names_error;

    #[test]
    fn the_line_that_names_the_error_is_found() {
        for line in [
            "[TABLE_OR_VIEW_NOT_FOUND] The table or view `nowhere` cannot be found. SQLSTATE: 42P01; line 2 pos 20;",
            "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column",
            "java.lang.IllegalStateException: no",
            "Caused by: java.io.IOException: disk",
            "ValueError: no",
        ] {
            assert!(names_error(line), "{line}");
        }
        for line in [
            "\tat a.b.C(D.scala:5)",
            "'Project ['nothing]",
            "+- 'UnresolvedRelation [nowhere], [], false",
            "Traceback (most recent call last):",
            "12:00:01 ERROR Executor: Exception in task",
        ] {
            assert!(!names_error(line), "{line}");
        }
    }
}

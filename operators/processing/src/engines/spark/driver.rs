//! The Spark driver's pod: the only one with an API token, to ask for its executors.

use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, Container, ContainerPort, EnvVar, EnvVarSource, ObjectFieldSelector, Pod, PodSpec, Volume,
    VolumeMount,
};
use millrace_crds::well_known::LABEL_ROLE;
use millrace_kit::refs;

use super::{
    budget, event_log, graceful_stop,
    layout::{self, BLOCK_PORT, RPC_PORT, UI_PORT},
    spec::{Executors, Program, Spark},
};
use crate::{
    build::BuildContext,
    job::name::{self, DRIVER_CONTAINER, SPARK_ACCOUNT},
    model::Section,
    objects::common,
};

/// Spark's own `spark-sql`: it divides the statements and stops at the first that fails.
const SQL_RUNNER: &str = "org.apache.spark.sql.hive.thriftserver.SparkSQLCLIDriver";

/// The driver pod of one attempt.
pub(crate) fn build(context: &BuildContext<'_>, own: &Spark) -> Pod {
    let (mut volumes, mut mounts) = common::volumes(context);
    volumes.push(Volume {
        name: "conf".to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: name::config(&context.attempt.name),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    });
    mounts.push(VolumeMount {
        name: "conf".to_owned(),
        mount_path: layout::MOUNT.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    });
    let port = |name: &str, number: i32| ContainerPort {
        name: Some(name.to_owned()),
        container_port: number,
        ..ContainerPort::default()
    };
    let container = Container {
        name: DRIVER_CONTAINER.to_owned(),
        image: Some(context.fill_file(&own.image)),
        image_pull_policy: Some(common::pull(own.pull).to_owned()),
        args: Some(args(context, own)),
        env: Some(env(context, own)),
        lifecycle: graceful_stop::hook(context, own),
        ports: Some(vec![port("rpc", RPC_PORT), port("blocks", BLOCK_PORT), port("ui", UI_PORT)]),
        resources: Some(common::resources(&own.driver.cpu.0, &own.driver.memory.0)),
        volume_mounts: Some(mounts),
        security_context: Some(common::container_wall()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    };
    let mut labels = common::labels(context.job, context.attempt.number);
    labels.insert(LABEL_ROLE.to_owned(), "driver".to_owned());
    labels.insert("spark-role".to_owned(), "driver".to_owned());
    if own.checkpoint.is_some() {
        labels.insert(budget::STREAMING.to_owned(), "true".to_owned());
    }
    labels.insert("spark-app-selector".to_owned(), context.attempt.name.clone());
    let init = event_log::init(context, own, &container);
    let mut spec = PodSpec {
        init_containers: init.map(|one| vec![one]),
        containers: vec![container],
        volumes: Some(volumes),
        ..common::pod_spec(context)
    };
    if own.executors != Executors::None {
        spec.service_account_name = Some(SPARK_ACCOUNT.name.to_owned());
        spec.automount_service_account_token = Some(true);
    }
    Pod {
        metadata: common::pod_meta(context, Some(format!("{}-{}", context.attempt.name, own.suffix())), labels),
        spec: Some(spec),
        status: None,
    }
}

/// `driver`, then what spark-submit takes. The kubelet puts the pod's address into `spark.driver.host`, so no Service
/// and no name resolution stand between driver and executors.
fn args(context: &BuildContext<'_>, own: &Spark) -> Vec<String> {
    let mut all = vec![
        "driver".to_owned(),
        "--properties-file".to_owned(),
        format!("{}/{}", layout::MOUNT, layout::PROPERTIES),
        "--conf".to_owned(),
        "spark.driver.host=$(SPARK_DRIVER_BIND_ADDRESS)".to_owned(),
    ];
    match &own.program {
        Program::Main { uri, class, args } => {
            if let Some(class) = class {
                all.extend(["--class".to_owned(), refs::literal(class)]);
            }
            all.extend(
                graceful_stop::program(own).unwrap_or_else(|| vec![uri.clone()]).iter().map(|text| context.fill(text)),
            );
            all.extend(args.iter().map(|text| context.fill(text)));
        }
        Program::Sql(_) => {
            // Silent: the last words are then the error itself, without a trace behind it.
            let file = format!("file://{}/{}", layout::MOUNT, layout::SQL);
            all.extend(["--class", SQL_RUNNER, "spark-internal", "-S", "-f", &file].map(str::to_owned));
        }
    }
    all
}

fn env(context: &BuildContext<'_>, own: &Spark) -> Vec<EnvVar> {
    let address = EnvVar {
        name: "SPARK_DRIVER_BIND_ADDRESS".to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector { field_path: "status.podIP".to_owned(), api_version: None }),
            ..EnvVarSource::default()
        }),
    };
    let mut all = vec![
        address,
        common::var("SPARK_APPLICATION_ID", &context.attempt.name),
        common::var("SPARK_CONF_DIR", layout::MOUNT),
        common::var("SPARK_LOCAL_DIRS", "/tmp/spark"),
    ];
    all.extend(common::env(context));
    let checkpoint = own.checkpoint.as_ref().and_then(|place| context.uri(place));
    all.extend(checkpoint.map(|uri| common::var("MILLRACE_CHECKPOINT", refs::literal(&uri))));
    all.extend(common::users_env(context, true));
    all
}

//! A namespace of its own on a real API server, the operator's process in it, and its audit log.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::Mutex,
    time::{Duration, Instant},
};

use k8s_openapi::{
    api::{
        core::v1::Namespace,
        rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding},
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, Config,
    api::{DeleteParams, ListParams, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::NamespaceResourceScope,
};
use millrace_kit::{
    Object,
    access::{Access, KERNEL, Reach},
    sim::patience,
};
use millrace_pipeline::access;
use serde_json::{Value, json};

/// The user the operator acts as; it has exactly the rights it declares.
pub(crate) const USER: &str = "millrace-pipeline-test";
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    kubeconfig: PathBuf,
    audit: PathBuf,
    operator: Mutex<Option<Child>>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill_operator();
    }
}

fn rules(reach: Reach) -> Vec<Value> {
    let rule = |a: &Access| json!({"apiGroups": [a.group], "resources": [a.resource], "verbs": a.verbs, "resourceNames": a.names});
    access().iter().chain(KERNEL).filter(|a| a.reach == reach).map(rule).collect()
}

impl Cluster {
    pub(crate) async fn open() -> Self {
        let file = std::env::var("KUBECONFIG").expect("set KUBECONFIG: cargo xtask local-api");
        let audit = std::env::var("MILLRACE_AUDIT_LOG").expect("set MILLRACE_AUDIT_LOG: cargo xtask local-api");
        let mut kubeconfig = Kubeconfig::read_from(&file).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig.clone(), &KubeConfigOptions::default()).await.unwrap();
        let client = Client::try_from(config).unwrap();
        let namespace = format!("pipeline-{}", std::process::id());
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&namespace);
        fs::create_dir_all(&dir).unwrap();
        for user in &mut kubeconfig.auth_infos {
            user.auth_info.get_or_insert_default().impersonate = Some(USER.to_owned());
        }
        let own = dir.join("kubeconfig");
        // With keys in it, as the file it comes from; readable by its owner only, like that one.
        fs::write(&own, "").unwrap();
        fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        fs::write(&own, serde_json::to_string(&kubeconfig).unwrap()).unwrap();
        let this = Self { client, namespace, kubeconfig: own, audit: audit.into(), operator: Mutex::default() };
        this.install().await;
        this
    }

    async fn install(&self) {
        let apply = PatchParams::apply("test").force();
        let crds: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        for crd in millrace_crds::manifests::all() {
            let name = crd["metadata"]["name"].as_str().unwrap().to_owned();
            crds.patch(&name, &apply, &Patch::Apply(&crd)).await.unwrap();
            until(&name, || async {
                let crd = serde_json::to_value(crds.get(&name).await.unwrap()).unwrap();
                let all = crd["status"]["conditions"].as_array().cloned().unwrap_or_default();
                (all.iter().any(|c| c["type"] == "Established" && c["status"] == "True").then_some(()), crd)
            })
            .await;
        }
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}});
        let all: Api<Namespace> = Api::all(self.client.clone());
        all.patch(&self.namespace, &apply, &Patch::Apply(&namespace)).await.unwrap();
        let subjects = json!([{"kind": "User", "name": USER, "apiGroup": "rbac.authorization.k8s.io"}]);
        let body = |kind: &str, more: Value| {
            let mut body =
                json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": USER}});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Patch::Apply(body)
        };
        let to = |kind: &str| json!({"kind": kind, "name": USER, "apiGroup": "rbac.authorization.k8s.io"});
        let binding = |kind: &str, to: Value| body(kind, json!({"subjects": subjects, "roleRef": to}));
        let roles: Api<ClusterRole> = Api::all(self.client.clone());
        roles.patch(USER, &apply, &body("ClusterRole", json!({"rules": rules(Reach::Cluster)}))).await.unwrap();
        let bindings: Api<ClusterRoleBinding> = Api::all(self.client.clone());
        bindings.patch(USER, &apply, &binding("ClusterRoleBinding", to("ClusterRole"))).await.unwrap();
        let roles: Api<Role> = Api::namespaced(self.client.clone(), &self.namespace);
        roles.patch(USER, &apply, &body("Role", json!({"rules": rules(Reach::Own)}))).await.unwrap();
        let bindings: Api<RoleBinding> = Api::namespaced(self.client.clone(), &self.namespace);
        bindings.patch(USER, &apply, &binding("RoleBinding", to("Role"))).await.unwrap();
    }

    pub(crate) fn start_operator(&self) {
        let log = fs::File::create(self.kubeconfig.with_file_name("operator.log")).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_millrace-pipeline"))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("POD_NAMESPACE", &self.namespace)
            // The same pod again: it takes its lease back at once.
            .env("POD_NAME", "pipeline-0")
            .env("MILLRACE_LISTEN", "127.0.0.1:0")
            .stdout(log)
            .spawn()
            .unwrap();
        *self.operator.lock().unwrap() = Some(process);
    }

    /// SIGKILL.
    pub(crate) fn kill_operator(&self) {
        if let Some(mut process) = self.operator.lock().unwrap().take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    fn api<K: Object + kube::Resource<Scope = NamespaceResourceScope>>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn body<K: Object>(name: &str, spec: &Value) -> Value {
        let kind = millrace_kit::Kind::of::<K>();
        json!({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": {"name": name}, "spec": spec})
    }

    pub(crate) async fn create<K: Object + kube::Resource<Scope = NamespaceResourceScope>>(
        &self,
        name: &str,
        spec: &Value,
    ) {
        let body = Patch::Apply(Self::body::<K>(name, spec));
        self.api::<K>().patch(name, &PatchParams::apply("user"), &body).await.unwrap();
    }

    pub(crate) async fn replace<K: Object + kube::Resource<Scope = NamespaceResourceScope>>(
        &self,
        name: &str,
        spec: &Value,
    ) {
        self.create::<K>(name, spec).await;
    }

    pub(crate) async fn annotate<K: Object + kube::Resource<Scope = NamespaceResourceScope>>(
        &self,
        name: &str,
        one: (&str, &str),
    ) {
        let patch = json!({"metadata": {"annotations": {one.0: one.1}}});
        self.api::<K>().patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    }

    pub(crate) async fn delete<K: Object + kube::Resource<Scope = NamespaceResourceScope>>(&self, name: &str) {
        self.api::<K>().delete(name, &DeleteParams::default()).await.unwrap();
    }

    pub(crate) async fn list<K: Object + kube::Resource<Scope = NamespaceResourceScope>>(&self) -> Vec<Value> {
        self.selected::<K>("").await
    }

    /// Those that a field selector chooses.
    pub(crate) async fn selected<K: Object + kube::Resource<Scope = NamespaceResourceScope>>(
        &self,
        fields: &str,
    ) -> Vec<Value> {
        let all = self.api::<K>().list(&ListParams::default().fields(fields)).await.unwrap();
        all.iter().map(|o| serde_json::to_value(o).unwrap()).collect()
    }

    pub(crate) async fn wait<K: Object + kube::Resource<Scope = NamespaceResourceScope>>(
        &self,
        name: &str,
        good: impl Fn(&Value) -> bool,
    ) -> Value {
        let api = self.api::<K>();
        until(name, || async {
            let object = api.get_opt(name).await.unwrap().map(|o| serde_json::to_value(o).unwrap()).unwrap_or_default();
            (good(&object).then(|| object.clone()), object)
        })
        .await
    }

    pub(crate) async fn gone<K: Object + kube::Resource<Scope = NamespaceResourceScope>>(&self, name: &str) {
        self.wait::<K>(name, Value::is_null).await;
    }

    fn audited(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.audit).unwrap();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let writes = ["create", "update", "patch", "delete"];
        let ours = |line: &Value| {
            line["impersonatedUser"]["username"] == USER
                && writes.iter().any(|verb| line["verb"] == *verb)
                && line["objectRef"]["resource"] != "leases"
                && line["objectRef"]["namespace"] == self.namespace.as_str()
        };
        lines.filter(ours).collect()
    }

    /// Creates of jobs for a run, and writes of the run's status, from the audit log.
    pub(crate) fn writes_of_run(&self, run: &str) -> (usize, usize) {
        let audited = self.audited();
        let name = |line: &Value| line["objectRef"]["name"].as_str().unwrap_or_default().to_owned();
        let count = |resource: &str, verb: &str, prefix: &str| {
            let hit =
                |l: &&Value| l["objectRef"]["resource"] == resource && l["verb"] == verb && name(l).starts_with(prefix);
            audited.iter().filter(hit).count()
        };
        let prefix: String = run.chars().take(30).collect();
        (count("processingjobs", "create", &prefix), count("mlpipelineruns", "update", run))
    }

    /// Writes of the operator while nothing happens, leases excepted.
    pub(crate) async fn idle(&self, quiet: Duration) -> Vec<String> {
        let before = std::cell::Cell::new(usize::MAX);
        // What the last change set off ends first: a second without a write.
        until("quiet", || async {
            let now = self.audited().len();
            let same = before.replace(now) == now;
            tokio::time::sleep(Duration::from_secs(1)).await;
            (same.then_some(()), json!(now))
        })
        .await;
        let before = self.audited().len();
        tokio::time::sleep(quiet).await;
        let told = |l: &Value| format!("{} {} {}", l["verb"], l["objectRef"]["resource"], l["objectRef"]["name"]);
        self.audited().iter().skip(before).map(told).collect()
    }
}

async fn until<T, F: Future<Output = (Option<T>, Value)>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let within = patience(DEADLINE);
    let end = Instant::now() + within;
    loop {
        let (found, seen) = look().await;
        if let Some(found) = found {
            return found;
        }
        assert!(Instant::now() < end, "{what} did not come about within {within:?}; last seen: {seen:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

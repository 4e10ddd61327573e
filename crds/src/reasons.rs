//! The reasons of conditions and the classes of failures: what each means, what usually causes it, what to do.
//!
//! One table makes the enum and what is said about it; `docs/reasons.md` is made from it, and so is what the command line
//! explains. A reason that is not in it is a word of the API server, of the object store or of Kafka, handed on as it came.

use strum::{EnumIter, EnumString, IntoStaticStr};

macro_rules! reasons {
    ($($group:literal { $($word:ident: $means:literal, $cause:literal, $next:literal;)+ })+) => {
        /// A reason that Millrace gives: the `reason` of a condition, or the `class` of a failed attempt.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, EnumString, IntoStaticStr,
        )]
        pub enum Reason {
            $($(#[doc = $means] $word,)+)+
        }

        impl Reason {
            /// Which kinds have it, or what it is about.
            #[must_use]
            pub const fn group(self) -> &'static str {
                match self { $($(Self::$word)|+ => $group,)+ }
            }

            /// What it means.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $($(Self::$word => $means,)+)+ }
            }

            /// What usually causes it; empty where nothing is wrong.
            #[must_use]
            pub const fn cause(self) -> &'static str {
                match self { $($(Self::$word => $cause,)+)+ }
            }

            /// What to do; empty where nothing is to be done.
            #[must_use]
            pub const fn next_step(self) -> &'static str {
                match self { $($(Self::$word => $next,)+)+ }
            }
        }
    };
}

reasons! {
    "All kinds" {
        ApiTimeout: "The API server did not answer in ten seconds.", "It is overloaded or restarting, or the network in between is.", "It is tried again; if it stays, look at the API server.";
        ApiUnreachable: "The API server cannot be reached.", "It restarts, or a NetworkPolicy stands in between.", "It is tried again; if it stays, look at the API server and the operator's log.";
        CacheBehind: "What the operator has seen of its object is older than the object.", "A write a moment ago; the change is on its way to the operator.", "Nothing.";
        InvalidSpec: "The spec cannot be carried out as written.", "A value, a reference or a combination of fields that admission could not judge.", "Correct the fields that the message names; all of them are listed at once.";
        NotLeading: "The operator's process has lost its lease and writes nothing more.", "Another process leads, or the API server did not answer for 20 seconds.", "Nothing: a process that leads goes on.";
        Overruled: "Something changes what the operator applies back at once.", "An admission webhook or a policy rewrites the object.", "Exempt the namespace or the label `millrace.dev/owner-kind` from the webhook, or write the same into the spec.";
        Terminating: "An object of this name is on its way out.", "It was deleted a moment ago and has a finalizer.", "Wait; if it stays, look at the finalizers of the object that the message names.";
        Undecodable: "The API server's answer is not of the kind that was asked for.", "CRDs and operators of different versions.", "Install the CRDs of the operator's version.";
        Unencodable: "An object that the operator built is not of its kind.", "A fault in Millrace.", "Report it with the operator's log.";
    }

    "Classes of failed attempts (`status.lastAttempts[].class`, the reason of `Succeeded`)" {
        Application: "The program failed.", "An exception, an exit code other than 0, more written to disk than is allowed.", "Read the last log lines in the message. Retried up to `retry.limit` times.";
        Cancelled: "It was stopped on request.", "`suspend`, an edit, a deletion, or someone cancelled the Flink job.", "";
        Capacity: "There was no room for it within the deadline.", "Too few nodes, a quota, taints.", "Ask for less, add nodes or raise the quota. Retried up to `retry.infrastructureLimit` times.";
        Configuration: "It cannot work as written.", "A missing Secret or key, a refused pod, a class that is not in the program, results that are not flat JSON.", "Correct what the message names; it is not retried.";
        Deadline: "It took longer than its deadline.", "`deadlines.run` of a job, `deadline` of a step or run.", "Raise the deadline, or look why it is slow.";
        Dependency: "Kafka, the object store or the registry is unreachable.", "An outage, or access that was not granted in time.", "Look at the DataPlane. Retried up to `retry.infrastructureLimit` times.";
        DriverLost: "The driver or main pod is gone.", "Somebody deleted it, or its node does not answer.", "Retried up to `retry.infrastructureLimit` times.";
        Failed: "It failed, and nothing says of what.", "The record of the attempt is of another version of Millrace.", "Read the message.";
        Image: "The image cannot be pulled.", "A wrong name, a missing pull secret, a registry that does not answer.", "Correct the image or its pull secret; it is not retried.";
        Infrastructure: "Something around the program ended it.", "Eviction, preemption, a node that was shut down or lost.", "Retried up to `retry.infrastructureLimit` times; the application's retries are not used.";
        OutOfMemory: "Memory was too little.", "The kernel ended the container, or the JVM's heap is full.", "Raise the field in `status.lastAttempts[].outOfMemoryField`, or set `retry.onOutOfMemory`.";
    }

    "ProcessingJob" {
        ApiTrouble: "The API server does not take an object of the attempt.", "It is overloaded, or restarting.", "It is tried again; if it stays, look at the API server.";
        DataNotReady: "The attempt waits for its DataGrant.", "A bucket or topic is not there yet, or access is refused; the message has the grant's own reason.", "Look at the DataGrant that is named.";
        FlinkJobFails: "Flink restarts the job over and over, or has failed it.", "An exception in the program, or a source or sink that does not answer.", "Read the cause in the message.";
        FlinkRefused: "Flink's REST API refused a request.", "A job that ends meanwhile, or a version of Flink that does not know the request.", "Read Flink's words in the message.";
        FlinkUnreachable: "The JobManager's REST API does not answer.", "A NetworkPolicy, or a JobManager that is busy or stuck. After ten minutes the attempt is given up.", "Let the operator's namespace reach port 8081.";
        Granted: "The attempt has its access to data.", "", "";
        Healthy: "All tasks of the stream run, and what state there is is saved.", "", "";
        NoCheckpoint: "All tasks run, but the first checkpoint is not complete yet.", "The first one takes at least `flink.state.checkpointEvery`.", "If this persists, look at the checkpoints on Flink's page.";
        Preflight: "The new spec is being checked; the running attempt continues.", "Its data is not ready, or the API server has not answered the dry run.", "";
        PreflightFailed: "The new spec could not start, so the running attempt continues.", "Quota, admission, or data that is refused; the message says which.", "Correct the spec, or what refuses it.";
        RescaleRefused: "Flink does not take over the parallelism of the spec.", "A vertex cannot have so many tasks.", "Read Flink's words in the message.";
        Rescaling: "Flink is changing the parallelism of a running job.", "", "";
        RestorePointUnknown: "The newest checkpoint of the last attempt could not be learnt.", "The JobManager and its ConfigMaps vanished together.", "Set `flink.state.restoreFrom` to a path below the state, or to `Empty`.";
        Retrying: "An attempt failed and is repeated at `status.nextAttemptAt`.", "See the class of the last attempt.", "";
        RolledBack: "The last healthy spec runs in the place of this one.", "The new spec did not become healthy within `flink.state.rollbackAfter`.", "Change the spec.";
        Running: "The attempt runs.", "", "";
        Starting: "The attempt is on its way to its first running container.", "", "";
        Stopping: "The attempt is being stopped.", "", "";
        Submitted: "`readyWhen: Submitted`: it was submitted, whatever became of it.", "", "";
        Succeeded: "It ended well.", "", "";
        Suspended: "`suspend` is true; nothing runs.", "", "";
        WaitingForJob: "The JobManager runs and has no job yet.", "The program's main method is still at work.", "If it stays, read the JobManager's log.";
        WaitingForPod: "The pod is there and nothing says why it does not run, or it is not there yet.", "A kubelet that is slow.", "Look at the pod's Events and its node.";
        WaitingForTaskManagers: "Some tasks wait for TaskManagers.", "No room or no quota for their pods.", "See the condition `WorkersReady`.";
        WorkersRun: "The executors or TaskManagers that are needed run.", "", "";
    }

    "Pods that do not start (ProcessingJob, ModelRegistry)" {
        ClaimMissing: "A PersistentVolumeClaim does not exist.", "A wrong name.", "Create the claim in the namespace, or correct the name.";
        ClaimPending: "A PersistentVolumeClaim has no volume yet.", "Its provisioner has not created one.", "Look at the claim, its StorageClass and its provisioner.";
        ConfigMapMissing: "A ConfigMap does not exist.", "A wrong name.", "Create it in the namespace, or correct the name.";
        ContainerRefused: "The container cannot be created as specified.", "An image that runs as root, a command that is not in the image.", "Read the message; correct the image or the command.";
        ImageUnavailable: "The image cannot be pulled.", "A wrong name or tag, a missing pull secret, no image for this processor.", "Correct the image or its pull secret.";
        KeyMissing: "A Secret or ConfigMap lacks a key.", "A wrong key.", "Add the key, or correct its name.";
        MemoryTooSmall: "Not even the start of a container fits into the memory.", "A number without a unit counts bytes.", "Ask for more memory.";
        NoNodes: "The cluster has no node for the pod.", "None is there, or none is schedulable.", "Add a node.";
        NoPlaceBesideOthers: "Rules about other pods leave no node.", "Affinity, anti-affinity or topology spread.", "Loosen the rule, or add nodes.";
        NoSuchNode: "No node has the labels that the pod asks for.", "`pod.nodeSelector` or affinity.", "Correct the labels, or label a node.";
        NoVolume: "No volume fits a claim.", "No node has room for a volume of this class.", "Look at the claim and its StorageClass.";
        NodeDiskFull: "The node's disk is full.", "Images, logs, or other pods' scratch.", "Free space on the node that is named.";
        NodeTrouble: "The node cannot set the pod up.", "Its kubelet or runtime is in trouble.", "Look at the node that is named.";
        NetworkNotReady: "The node gives pods no network.", "Its network plugin starts, or is broken.", "Look at the network plugin of the node.";
        NodesCordoned: "The nodes that would do are cordoned.", "Maintenance.", "Wait, or uncordon one.";
        NodesNotReady: "The nodes that would do are not ready.", "They start, or have lost the control plane.", "Look at the nodes.";
        NodesTainted: "The nodes that would do have taints.", "They are reserved for others.", "Add a toleration to `pod.tolerations`, or remove the taint.";
        ObjectMissing: "Something that the pod names does not exist.", "A wrong name.", "Create it, or correct the name.";
        Queued: "The pod waits in a queue.", "Its scheduling gate is closed: a quota of the queue is used up.", "Look at the queue.";
        QuotaExceeded: "A ResourceQuota has no room.", "Other pods of the namespace use it up.", "Ask for less, or raise the quota that is named.";
        Refused: "The API server refuses the pod.", "A LimitRange, a policy, a webhook, the Pod Security level.", "Read the API server's words in the message.";
        SandboxFailed: "The node cannot create the pod's sandbox.", "Its network plugin, or a runtime class that it lacks.", "Look at the node, or correct the runtime class.";
        SecretMissing: "A Secret does not exist.", "A wrong name, or it has not been created yet.", "Create it in the namespace, or correct the name.";
        StorageClassMissing: "A StorageClass does not exist.", "A wrong name.", "Correct the name, or create the class.";
        Unschedulable: "No node has room.", "Too little processor, memory or pods.", "Ask for less, or add nodes.";
        VolumeElsewhere: "The volume is in a zone or on a node where the pod may not run.", "An affinity that conflicts with a bound volume.", "Let the pod run there, or use another volume.";
        VolumeInUse: "The volume is attached to another node.", "Another pod uses it.", "Stop who uses it, or use a volume that many may mount.";
        VolumeLost: "The volume of a claim is gone.", "Somebody deleted it.", "Restore it, or create the claim again.";
        VolumeNotMounted: "A volume cannot be mounted.", "The server of the volume, or the node.", "Look at the volume and the node's kubelet.";
    }

    "MLPipeline and MLPipelineRun, its steps included" {
        ConditionInvalid: "`when` cannot be judged.", "A result is missing, or has another type than the expression needs.", "Correct `when`, or what the step returns.";
        DataMissing: "A bucket or topic is being created, or has not been declared yet.", "", "";
        DataReady: "Every bucket and topic is there.", "", "";
        DataStalled: "A bucket or topic needs help.", "The message has its own reason.", "Look at the object that is named.";
        DataTerminating: "A bucket or topic is being deleted and will be created again.", "", "";
        InvalidModelName: "The name of a model cannot be registered.", "A parameter or result gives an empty name, or one with `/` or `:`.", "Correct what gives the name.";
        InvalidRevision: "The stored spec of the run cannot be carried out.", "It was stored by another version of Millrace.", "Start a new run.";
        PipelineMissing: "The pipeline of the run does not exist.", "It was deleted, or is applied later.", "Apply it; the run ends after ten minutes without it.";
        PipelineNotReady: "The run waits for its pipeline.", "The pipeline's data is not there yet, or it is stalled.", "Look at the pipeline.";
        PipelineSuspended: "The run waits since its pipeline is suspended.", "`suspend` of the pipeline.", "Set it to false.";
        Ready: "The pipeline is ready to run.", "", "";
        RegistryAmbiguous: "The namespace has several registries.", "`register.registry` is not set.", "Name one.";
        RegistryUnknown: "A step does not know where to register.", "The namespace has no registry, or several.", "Name one in `register.registry`.";
        ResultMissing: "A step returned nothing under a name that another step reads.", "The program did not write it to the termination log.", "Return it, or do not read it.";
        RevisionLost: "The stored spec of the run is gone.", "Somebody deleted its ControllerRevision.", "Start a new run.";
        RevisionMissing: "The spec is being stored for its runs, or a run names one that is not there.", "A wrong `spec.revision`.", "Name one that exists.";
        Started: "The run has started; the condition `Succeeded` says how it ends.", "", "";
        StepFailed: "A step failed.", "See the reason of the step.", "";
        StepsSkipped: "All steps succeeded but those that `when` skipped.", "", "";
        UnknownParameter: "The run gives a parameter that the pipeline does not have.", "A wrong name.", "Use one that the message lists.";
        UpstreamFailed: "The step was skipped since one that it needs failed.", "", "";
        UpstreamSkipped: "The step was skipped since one that it needs was.", "", "";
        WhenFalse: "The step was skipped since `when` is false.", "", "";
    }

    "ModelRegistry and ModelVersion" {
        Answers: "MLflow answers.", "", "";
        BucketMissing: "The bucket of the artifacts does not exist.", "`create: false`, and it is not declared elsewhere.", "Declare the DataBucket, or leave out `create`.";
        BucketNotReady: "The bucket of the source is not ready.", "See the DataBucket.", "Look at the DataBucket.";
        BucketPending: "The bucket of the artifacts is being created.", "", "";
        DatabaseRefuses: "The database refuses the login.", "A wrong user or password in the URI.", "Correct the key of the Secret that is named.";
        DatabaseUnreachable: "The database does not answer.", "It is down, or the URI names another host.", "Look at the database and the URI.";
        Found: "The Secrets that the registry names are there.", "", "";
        GivenUp: "A version that was given up is being taken back.", "", "";
        GrantPending: "Access to the artifacts has been requested.", "", "";
        LoginChanging: "The server does not take the new login yet.", "The kubelet mounts a changed Secret within a minute.", "If it stays, read the server's log.";
        LoginRefused: "MLflow rejects the operator's login.", "Somebody changed the user in MLflow.", "Restart the Deployment: each start sets the login again.";
        MeasuringSource: "The files of the version are being listed and measured.", "", "";
        Migrated: "The database has the schema of the image.", "", "";
        Migrating: "The schema of the database is being changed.", "", "";
        MigrationFailed: "The schema could not be changed.", "The message has the last log lines of the migration.", "After three attempts it waits for a request; the old server keeps running where possible.";
        NoOperatorKey: "The operator cannot derive logins.", "Its own Secret is missing.", "Install the chart again.";
        NotMlflow: "What answers is not the MLflow that is needed.", "`spec.image` is another program, or lacks PostgreSQL, S3 or basic-auth.", "Correct the image.";
        NotStarted: "The server waits for what comes before it.", "", "";
        RefusedByMlflow: "MLflow refuses the version.", "A name or tag that it does not take.", "Read MLflow's words in the message.";
        Registered: "The version is registered, and its files are there.", "", "";
        Registering: "The version is being registered.", "", "";
        RegistryChanged: "MLflow's catalogue changed while it was written.", "Somebody else registers at the same time.", "It is tried again.";
        RegistryMissing: "The registry does not exist.", "A wrong name.", "Create it, or correct the name.";
        RegistryNotReady: "The version waits for its registry.", "See the ModelRegistry.", "Look at the ModelRegistry.";
        RollingOut: "A new server is on its way; the old one serves until it answers.", "", "";
        ScaledToZero: "`replicas` is 0.", "", "";
        SchemaChanges: "The server is stopped for a change of the schema.", "The new image needs another schema.", "Wait for the migration.";
        ServerBroken: "MLflow answers with errors.", "Its database may be unreachable.", "Read the server's log.";
        ServerFails: "The server's container fails.", "The message has its exit code and last words.", "Read the message.";
        ServerPending: "The server is being created.", "", "";
        ServerSilent: "MLflow accepts connections but does not answer in time.", "Its database may be unreachable.", "Look at the database.";
        ServerUnreachable: "MLflow does not accept connections.", "Its pods do not run, or a NetworkPolicy blocks the connection.", "Look at its pods and at network policies.";
        Serving: "The registry serves.", "", "";
        SourceEmpty: "There are no files at the source of the version.", "The step wrote elsewhere, or nothing.", "Correct `source`, or what writes there.";
        SourceNotMeasured: "The files could not be listed.", "The pod that lists them failed.", "Read the message; the annotation `reconcile.fluxcd.io/requestedAt` has it tried again.";
        SourceNotVerified: "The version waits until its files can be listed.", "The bucket or its grant is not ready.", "Look at the DataBucket.";
        TakingAliases: "The aliases are being set.", "", "";
        Unanswered: "MLflow did not answer in time.", "Its database is away, or it is overloaded.", "It is tried again; look at the server's log if it stays.";
        UpToDate: "What serves is what is declared.", "", "";
        VersionDeleted: "The version was deleted in MLflow and is not created again.", "Somebody deleted it there.", "Delete the object, or create another one.";
    }

    "DataBucket, DataGrant and DataPlane" {
        Adopted: "An existing bucket is taken over (event).", "`externalName`, or an object that was made again.", "";
        Adopting: "A bucket or topic that was there is being taken over.", "", "";
        Available: "The bucket is as declared.", "", "";
        BucketVanished: "The bucket was deleted on the store (event).", "Somebody deleted it there; its objects are lost.", "Find out who may delete buckets.";
        ClaimedElsewhere: "Another object has the bucket.", "Two objects name the same `externalName`.", "Keep one of them.";
        Configuring: "Settings are being changed to those of the spec.", "", "";
        Connecting: "The broker or store has not been asked yet.", "", "";
        Creating: "It is being created.", "", "";
        CredentialsRenewed: "The Secret of a DataGrant was written again (event).", "Somebody changed or deleted it, or the store forgot what it had issued.", "";
        DataPlaneMissing: "The DataPlane does not exist.", "A wrong name, or it is applied later.", "Create it, or name another.";
        Deleting: "It is being deleted.", "", "";
        DeletionAbandoned: "The bucket could not be deleted in time and stays on the store.", "It is not empty, or the store does not answer.", "Empty it and delete it by hand.";
        DriftCorrected: "Somebody changed the bucket or topic outside Millrace, and it is as declared again (event).", "A change by hand, or a second tool.", "Change the object instead.";
        Exists: "A bucket of this name exists already.", "A bucket was made between two looks.", "Nothing; it is looked at again.";
        ExpiryRefused: "An expiry rule is not applied, since it would delete the state of a job (event).", "`expireAfter` of a prefix that a DataGrant protects.", "Move the state or take the rule away.";
        ExternalBucketMissing: "The bucket named by `externalName` does not exist.", "A wrong name, or it has not been created yet.", "Create it on the store, or correct the name.";
        ExternalNameNotAllowed: "This namespace may not name buckets or topics of others.", "`externalNames` of the DataPlane does not choose it.", "Leave out `externalName`, or have the namespace chosen.";
        IssuedAgain: "The store had forgotten what it issued; it is issued again.", "", "";
        IssuerAnswers: "The store knows what it has issued.", "", "";
        KafkaWithoutAcls: "Jobs are not kept from each other's topics.", "Kafka has no principals per job yet.", "Whoever reaches the brokers can use every topic.";
        Kept: "State is protected, and no access is given.", "", "";
        Lifted: "No state is there any more; the expiry rule is being applied.", "", "";
        NameTaken: "The name on the store or broker belongs to another owner.", "It was created outside Millrace.", "Use another name, or `externalName` to adopt it.";
        NamespaceNotAllowed: "The DataPlane does not serve this namespace.", "`namespaces` of the DataPlane does not choose it.", "Have the namespace chosen, or name another DataPlane.";
        NoObjectStore: "The DataPlane has no object store.", "`objectStore` is not set.", "Name another DataPlane.";
        NoStoreKeys: "The DataPlane's keys cannot be used.", "`adminSecretRef` names no Secret with accessKey and secretKey.", "Correct the Secret in the operator's namespace.";
        NoStsKeys: "The DataPlane's keys for issuing credentials cannot be used.", "`stsSecretRef` names no usable Secret.", "Correct the Secret in the operator's namespace.";
        NoSuchBucket: "The bucket is not on the store.", "It was deleted there a moment ago.", "Nothing; it is looked at again.";
        NotEmpty: "The bucket is not empty and is not deleted.", "`deletionPolicy: DeleteIfEmpty`.", "Empty it, or set `deletionPolicy` to Retain or DeleteAll.";
        NotGranted: "Access cannot be given.", "A bucket or topic that is another's, or is not allowed to this namespace.", "Correct what the message names.";
        NotLooked: "The store was not asked yet.", "", "";
        NotOurs: "The object is removed; the bucket belongs to another owner and stays.", "It was recreated outside Millrace.", "";
        PolicyTooLong: "The job's rights do not fit into one policy.", "Too many buckets and prefixes.", "Read and write whole prefixes instead of many small ones.";
        Reachable: "Everything declared answers.", "", "";
        Recreating: "The bucket was lost on the store and is being created again.", "", "";
        RestorePointMissing: "The restore point does not exist.", "It was deleted, or `restoreFrom` has another path.", "Correct `flink.state.restoreFrom`.";
        StateExpires: "An expiry rule reaches state that must not expire.", "`expire` of the DataBucket.", "Narrow the rule, or keep the state elsewhere.";
        StateKept: "An expiry rule is not applied.", "It covers state that a job may still restore.", "Narrow or remove the rule.";
        StoreAnswers: "The store answers.", "", "";
        StoreBusy: "The store asks to slow down.", "It is overloaded.", "It is tried again.";
        StoreDenied: "The store refuses the operator's keys.", "They lack a right, or were changed.", "Correct the keys of the DataPlane, or their policy.";
        StoreRefused: "The store refuses a request.", "A setting that this store does not have.", "Read the store's words in the message.";
        StoreUnreachable: "The store does not answer.", "It is down, or a NetworkPolicy is in the way.", "Look at the store.";
        TagsLost: "The bucket has lost the tags that say whose it is.", "Somebody removed them.", "Put them back as the message says, or use another bucket.";
        WaitingForData: "The grant, or the job's answer to it, waits for buckets and topics.", "They are not ready yet, or the dataplane operator does not run.", "Look at the objects that are named.";
    }

    "DataTopic" {
        DeletionWaits: "Deletion waits for the broker.", "", "";
        DriftFound: "Somebody changed the topic, and it is being put back.", "", "";
        ExternalTopicMissing: "The topic named by `externalName` does not exist.", "A wrong name, or it has not been created yet.", "Create it, or correct the name.";
        KafkaAnswers: "The broker answers.", "", "";
        KafkaDenied: "Kafka refuses the operator's login.", "A wrong login, or a missing right.", "Correct the login of the DataPlane, or its ACLs.";
        KafkaRefused: "Kafka refuses the topic.", "A name, a number of partitions or a setting that it does not take.", "Correct what Kafka's words name.";
        KafkaTrouble: "Kafka gave an error.", "See its words in the message.", "It is tried again.";
        KafkaUnreachable: "No broker answers.", "It is down, or a NetworkPolicy is in the way.", "Look at the brokers.";
        NoKafka: "The DataPlane has no Kafka.", "`kafka` is not set.", "Name another DataPlane.";
        PartitionsCannotShrink: "A topic cannot lose partitions.", "`partitions` is less than the topic has.", "Raise the number, or create another topic.";
        ReplicationFactorDiffers: "The replication factor of a topic cannot be changed here.", "It differs from that of the spec.", "Change it with Kafka's tools, or correct the spec.";
        TopicAdopted: "An existing topic is taken over (event).", "`externalName`, or an object that was made again.", "";
        TopicLeft: "The object is gone; the topic stays.", "", "";
        TopicLost: "The topic was deleted by somebody else and is created again, empty (event).", "Somebody deleted it on the broker.", "Find out who may delete topics.";
        TopicNotSettled: "The brokers do not agree on the topic yet.", "It was created a moment ago.", "It is tried again.";
        TopicReady: "The topic is as declared.", "", "";
        TopicReplaced: "Somebody deleted the topic and created another one with the same name.", "The records of the old one are lost.", "Set `deletionPolicy: Retain` to adopt the new one, or delete the object and apply it again.";
        Updating: "The topic is being brought up to the spec.", "", "";
    }
}

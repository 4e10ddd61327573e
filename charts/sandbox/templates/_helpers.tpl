{{- define "sandbox.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/part-of: millrace-sandbox
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "sandbox.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "sandbox.image" -}}
image: {{ printf "%s:%s" .repository .tag }}
imagePullPolicy: {{ .pullPolicy }}
{{- end }}

{{/* A value of a Secret that is there already, else a new one: {root, namespace, name, key, length}. */}}
{{- define "sandbox.kept" -}}
{{- $found := lookup "v1" "Secret" .namespace .name -}}
{{- if and $found (hasKey ($found.data | default dict) .key) -}}
{{- index $found.data .key | b64dec -}}
{{- else -}}
{{- randAlphaNum (int .length) -}}
{{- end -}}
{{- end }}

{{- define "sandbox.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "sandbox.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "sandbox.claim" -}}
{{- printf "%s-data" . -}}
{{- end }}

{{/* The data volume of one store: {root, name}. */}}
{{- define "sandbox.dataVolume" -}}
- name: data
  {{- if .root.Values.persistence.enabled }}
  persistentVolumeClaim: {claimName: {{ include "sandbox.claim" .name }}}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}

{{/* A new directory of a node belongs to root: {root, name}. */}}
{{- define "sandbox.prepare" -}}
{{- $store := index .root.Values .name -}}
{{- $persistence := .root.Values.persistence -}}
{{- if and $persistence.enabled $persistence.hostPath $persistence.prepare }}
initContainers:
  - name: prepare
    {{- include "sandbox.image" $store.image | nindent 4 }}
    command: [chown, "{{ $store.user }}:{{ $store.user }}", /data]
    securityContext:
      runAsNonRoot: false
      runAsUser: 0
      runAsGroup: 0
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL], add: [CHOWN]}
    volumeMounts:
      - {name: data, mountPath: /data}
    resources:
      requests: {cpu: 5m, memory: 16Mi}
      limits: {memory: 64Mi}
{{- end }}
{{- end }}

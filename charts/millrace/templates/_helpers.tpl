{{- define "millrace.labels" -}}
app.kubernetes.io/name: millrace-{{ .name }}
app.kubernetes.io/part-of: millrace
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "millrace.selector" -}}
app.kubernetes.io/name: millrace-{{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "millrace.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* Of every container of ours. */}}
{{- define "millrace.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* Annotations of what `helm test` makes, in the order of their weights. */}}
{{- define "millrace.test" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- /* The rules of a role, each with the reason beside it. */}}
{{- define "millrace.rules" -}}
{{- range . }}
  # {{ .why }}
  - {{ .rule | toJson }}
{{- end }}
{{- end }}

{{- /* What an operator needs beside the rest, by its name. */}}
{{- define "millrace.needs" -}}
registry:
  env:
    MILLRACE_MLFLOW_IMAGE: {{ .Values.mlflowImage | quote }}
  secret: {name: millrace-registry-key, path: /etc/millrace/registry}
{{- end }}

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

{{- /* The account that a job's Spark driver runs as; the processing operator makes one per namespace. */}}
{{- define "millrace.rules" -}}
{{- range . }}
  # {{ .why }}
  - {{ .rule | toJson }}
{{- end }}
{{- end }}

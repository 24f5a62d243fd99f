{{- define "kserve-lite.namespace" -}}
{{- .Release.Namespace }}
{{- end }}

{{- define "kserve-lite.labels" -}}
{{- $labels := dict
      "app.kubernetes.io/name" .Chart.Name
      "app.kubernetes.io/instance" .Release.Name
      "app.kubernetes.io/managed-by" .Release.Service
      "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") }}
{{- merge $labels .Values.global.commonLabels | toYaml }}
{{- end }}

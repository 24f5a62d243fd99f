{{- /*
"true" when an object of the Prometheus operator is rendered: {root, monitor, kind, path}. Fails in the mode
failIfMissing where the cluster does not know the kind.
*/}}
{{- define "kserve-lite.monitored" -}}
{{- if .monitor.enabled }}
{{- $known := .root.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" .kind) }}
{{- if and (eq .monitor.renderMode "failIfMissing") (not $known) }}
{{- include "kserve-lite.refuse" (printf "%s.renderMode: the cluster has no %s: install the Prometheus operator, or set %s.renderMode=skipIfMissing" .path .kind .path) }}
{{- end }}
{{- or $known (eq .monitor.renderMode "alwaysRender") }}
{{- end }}
{{- end }}

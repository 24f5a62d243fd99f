{{- /*
The controller's rights, from the file that is made of what it does: {root, where}; `where` is `namespaces`, `cluster` or
`home`. In its own namespace it may touch one Lease; the name of what is created is not known to the authorizer.
*/}}
{{- define "kserve-lite.rules" -}}
{{- range .root.Files.Get "files/rights.json" | fromJsonArray }}
{{- if eq .where $.where }}
{{- $verbs := ternary (without .verbs "create") .verbs (eq .where "home") }}
- apiGroups: [{{ .group | quote }}]
  resources: [{{ .resource }}]
  verbs: [{{ $verbs | join ", " }}]
{{- if eq .where "home" }}
  resourceNames: [kserve-lite]
- apiGroups: [{{ .group | quote }}]
  resources: [{{ .resource }}]
  verbs: [create]
{{- end }}
{{- end }}
{{- end }}
{{- end }}

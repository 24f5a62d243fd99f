{{- /* The pod of a hook, which runs once, where the controller would run: {root, account}. */}}
{{- define "kserve-lite.once" -}}
restartPolicy: Never
{{- if .account }}
serviceAccountName: {{ .account }}
{{- else }}
automountServiceAccountToken: false
{{- end }}
{{- with include "kserve-lite.pullSecrets" .root }}
imagePullSecrets:
  {{- . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .root.Values.controller.podSecurityContext | nindent 2 }}
{{- range $field := list "nodeSelector" "affinity" "tolerations" "priorityClassName" }}
{{- with index $.root.Values.controller $field }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The controller's image as another command, and what confines it. */}}
{{- define "kserve-lite.ourself" -}}
image: {{ include "kserve-lite.image" (dict "root" . "image" .Values.controller.image) }}
imagePullPolicy: {{ .Values.controller.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.controller.securityContext | nindent 2 }}
{{- end }}

{{- define "kserve-lite.name" -}}
{{- .Values.nameOverride | default .Chart.Name }}
{{- end }}

{{- /* The release and the chart, once where one holds the other; 50 characters leave room for what is appended. */}}
{{- define "kserve-lite.fullname" -}}
{{- $name := include "kserve-lite.name" . }}
{{- $whole := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- .Values.fullnameOverride | default $whole | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- /* A name of the release with an ending that no truncation takes away: {root, ending}. */}}
{{- define "kserve-lite.named" -}}
{{- printf "%s-%s" (include "kserve-lite.fullname" .root | trunc (int (sub 62 (len .ending))) | trimSuffix "-") .ending }}
{{- end }}

{{- define "kserve-lite.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace }}
{{- end }}

{{- define "kserve-lite.labels" -}}
{{- $labels := dict
      "app.kubernetes.io/name" (include "kserve-lite.name" .)
      "app.kubernetes.io/instance" .Release.Name
      "app.kubernetes.io/version" .Chart.AppVersion
      "app.kubernetes.io/managed-by" .Release.Service
      "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") }}
{{- merge $labels .Values.global.commonLabels | toYaml }}
{{- end }}

{{- /* By which the controller's pods are found; never changes in the life of a release. */}}
{{- define "kserve-lite.selector" -}}
app.kubernetes.io/name: {{ include "kserve-lite.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end }}

{{- define "kserve-lite.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "kserve-lite.fullname" .) }}
{{- end }}

{{- /* An image by its parts: {root, image}. The shared registry goes before the image's, the digest after the tag. */}}
{{- define "kserve-lite.image" -}}
{{- $registry := .root.Values.global.imageRegistry | default .image.registry }}
{{- $name := ternary (printf "%s/%s" $registry .image.repository) .image.repository (ne $registry "") }}
{{- $tag := .image.tag | default .root.Chart.AppVersion }}
{{- if .image.digest }}
{{- printf "%s:%s@%s" $name $tag .image.digest }}
{{- else }}
{{- printf "%s:%s" $name $tag }}
{{- end }}
{{- end }}

{{- define "kserve-lite.pullSecrets" -}}
{{- range .Values.global.imagePullSecrets }}
- name: {{ . }}
{{- end }}
{{- end }}

{{- /* Namespaces in which a namespaced release has rights: as YAML list under `items`. */}}
{{- define "kserve-lite.namespaces" -}}
{{- $namespaces := .Values.controller.watchNamespaces | default (list (include "kserve-lite.namespace" .)) }}
{{- dict "items" $namespaces | toYaml }}
{{- end }}

{{- /* The controller's settings: values.config, and the images of this release where it says none. */}}
{{- define "kserve-lite.config" -}}
{{- $config := deepCopy .Values.config }}
{{- if not $config.storage.initializer.image }}
{{- $_ := set $config.storage.initializer "image" (include "kserve-lite.image" (dict "root" . "image" .Values.images.storageInitializer)) }}
{{- end }}
{{- if not $config.router.image }}
{{- $_ := set $config.router "image" (include "kserve-lite.image" (dict "root" . "image" .Values.images.router)) }}
{{- end }}
{{- $config | toYaml }}
{{- end }}

{{- /*
Every InferenceService of `models`: modelDefaults, below the model's shorthand, below its raw spec. Lists are replaced,
maps are merged. A model that is null or not enabled is left out.
*/}}
{{- define "kserve-lite.models" -}}
{{- include "kserve-lite.forget" .Values.models }}
{{- range $name, $model := .Values.models }}
{{- if eq (include "kserve-lite.model.wanted" $model) "true" }}
---
{{ include "kserve-lite.model.object" (dict "name" $name "model" $model "root" $) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* "true" unless a model is switched off; what is null has been forgotten before. */}}
{{- define "kserve-lite.model.wanted" -}}
{{- ne (toString .enabled) "false" }}
{{- end }}

{{- /* Where a model goes: {name, model, root}. */}}
{{- define "kserve-lite.model.namespace" -}}
{{- .model.namespace | default .root.Values.modelDefaults.namespace | default (include "kserve-lite.namespace" .root) }}
{{- end }}

{{- /* Protocol of a model: its spec, its shorthand, the defaults, v1. */}}
{{- define "kserve-lite.model.protocol" -}}
{{- $said := dig "spec" "predictor" "model" "protocolVersion" "" .model }}
{{- $said | default .model.protocol | default .root.Values.modelDefaults.protocol | default "v1" }}
{{- end }}

{{- /* The predictor kinds that stand in the place of `model`, of those that a model's spec holds. */}}
{{- define "kserve-lite.model.instead" -}}
{{- $predictor := dig "spec" "predictor" dict .model }}
{{- range $key := list "containers" "sklearn" "xgboost" "tensorflow" "pytorch" "triton" "onnx" "huggingface" "pmml" "lightgbm" "paddle" }}
{{- if hasKey $predictor $key }}{{ $key }}{{ end }}
{{- end }}
{{- end }}

{{- define "kserve-lite.model.object" -}}
{{- $said := dict }}
{{- include "kserve-lite.overlay" (dict "onto" $said "from" (deepCopy .root.Values.modelDefaults)) }}
{{- include "kserve-lite.overlay" (dict "onto" $said "from" (deepCopy .model)) }}
{{- $predictor := include "kserve-lite.model.scaled" $said | fromYaml }}
{{- with $said.serviceAccountName }}
{{- $_ := set $predictor "serviceAccountName" . }}
{{- end }}
{{- if not (include "kserve-lite.model.instead" .) }}
{{- $format := dict "name" ($said.format | default "sklearn") }}
{{- $_ := set $predictor "model" (pick $said "storageUri" "runtime" "resources" "env" | merge (dict "modelFormat" $format)) }}
{{- with $said.protocol }}
{{- $_ := set $predictor.model "protocolVersion" . }}
{{- end }}
{{- end }}
{{- $spec := dict "predictor" $predictor }}
{{- range $role := list "transformer" "explainer" }}
{{- with index $said $role }}
{{- $container := pick . "image" "args" "env" "resources" | merge (dict "name" "kserve-container") }}
{{- $_ := set $spec $role (include "kserve-lite.model.scaled" . | fromYaml | merge (dict "containers" (list $container))) }}
{{- end }}
{{- end }}
{{- include "kserve-lite.overlay" (dict "onto" $spec "from" ($said.spec | default dict)) }}
{{- $metadata := dict "name" .name "namespace" (include "kserve-lite.model.namespace" .) }}
{{- $labels := include "kserve-lite.labels" .root | fromYaml }}
{{- include "kserve-lite.overlay" (dict "onto" $labels "from" ($said.labels | default dict)) }}
{{- $_ := set $metadata "labels" $labels }}
{{- $annotations := $said.annotations | default dict }}
{{- if $said.keep }}
{{- $_ := set $annotations "helm.sh/resource-policy" "keep" }}
{{- end }}
{{- with $annotations }}
{{- $_ := set $metadata "annotations" . }}
{{- end }}
{{- dict "apiVersion" "serving.kserve.io/v1beta1" "kind" "InferenceService" "metadata" $metadata "spec" $spec | toYaml }}
{{- end }}

{{- /* The scaling fields of a component, from shorthand `replicas`. */}}
{{- define "kserve-lite.model.scaled" -}}
{{- $replicas := .replicas | default dict }}
{{- $target := $replicas.target | default dict }}
{{- $out := dict }}
{{- range $short, $long := dict "min" "minReplicas" "max" "maxReplicas" }}
{{- if hasKey $replicas $short }}
{{- $_ := set $out $long (index $replicas $short) }}
{{- end }}
{{- end }}
{{- with $target }}
{{- $_ := set $out "scaleMetric" (.metric | default "cpu") }}
{{- $_ := set $out "scaleTarget" (.value | default 80) }}
{{- end }}
{{- $out | toYaml }}
{{- end }}

{{- /* Take every key out of a map whose value is null, at all levels: null says nothing. The map itself changes. */}}
{{- define "kserve-lite.forget" -}}
{{- $map := . }}
{{- range $key, $value := . }}
{{- if kindIs "invalid" $value }}
{{- $_ := unset $map $key }}
{{- else if kindIs "map" $value }}
{{- include "kserve-lite.forget" $value }}
{{- end }}
{{- end }}
{{- end }}

{{- /*
Lay `from` over `onto`, which changes: maps key by key, everything else as a whole. Unlike mergeOverwrite, what is 0, ""
or false counts as said.
*/}}
{{- define "kserve-lite.overlay" -}}
{{- $onto := .onto }}
{{- range $key, $value := .from }}
{{- if and (kindIs "map" $value) (kindIs "map" (get $onto $key)) }}
{{- include "kserve-lite.overlay" (dict "onto" (get $onto $key) "from" $value) }}
{{- else }}
{{- $_ := set $onto $key $value }}
{{- end }}
{{- end }}
{{- end }}

{{- /* What is wrong with the models of a release: one sentence, the place first, the remedy last. */}}
{{- define "kserve-lite.models.validate" -}}
{{- $root := . }}
{{- include "kserve-lite.forget" .Values.models }}
{{- range $name, $model := .Values.models }}
{{- if eq (include "kserve-lite.model.wanted" $model) "true" }}
{{- $path := printf "models.%s" $name }}
{{- $given := dict "name" $name "model" $model "root" $root }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$" $name) }}
{{- include "kserve-lite.refuse" (printf "%s: the key becomes the name of an InferenceService: use at most 40 lower-case letters, digits and '-', a letter first" $path) }}
{{- end }}
{{- $instead := include "kserve-lite.model.instead" $given }}
{{- $storage := or $model.storageUri (dig "spec" "predictor" "model" "storageUri" "" $model) (dig "spec" "predictor" "model" "storage" "" $model) (dig "spec" "predictor" "storageUris" "" $model) (dig "spec" "predictor" "model" "image" "" $model) }}
{{- if not (or $instead $storage) }}
{{- include "kserve-lite.refuse" (printf "%s: there is nothing to serve: set %s.storageUri, or a predictor under %s.spec.predictor" $path $path $path) }}
{{- end }}
{{- range $key := list "storageUri" "format" "protocol" "runtime" "resources" "env" }}
{{- if and $instead (hasKey $model $key) }}
{{- include "kserve-lite.refuse" (printf "%s.%s: %s.spec.predictor.%s stands in the place of the model that this belongs to: write it there, or remove that predictor" $path $key $path $instead) }}
{{- end }}
{{- end }}
{{- include "kserve-lite.replicas.validate" (dict "path" $path "said" $model) }}
{{- range $role := list "transformer" "explainer" }}
{{- with index $model $role }}
{{- include "kserve-lite.replicas.validate" (dict "path" (printf "%s.%s" $path $role) "said" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- include "kserve-lite.replicas.validate" (dict "path" "modelDefaults" "said" .Values.modelDefaults) }}
{{- end }}

{{- define "kserve-lite.replicas.validate" -}}
{{- $path := .path }}
{{- with .said.replicas }}
{{- if and (hasKey . "min") .max }}
{{- if gt (int .min) (int .max) }}
{{- include "kserve-lite.refuse" (printf "%s.replicas: min %d is more than max %d: raise max, or lower min" $path (int .min) (int .max)) }}
{{- end }}
{{- end }}
{{- if and .target (not .max) }}
{{- include "kserve-lite.refuse" (printf "%s.replicas.target: nothing scales without a largest number: set %s.replicas.max" $path $path) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* How to reach each model, for NOTES. */}}
{{- define "kserve-lite.models.notes" -}}
{{- include "kserve-lite.forget" .Values.models }}
{{- range $name, $model := .Values.models }}
{{- if eq (include "kserve-lite.model.wanted" $model) "true" }}
{{- $given := dict "name" $name "model" $model "root" $ }}
{{- $namespace := include "kserve-lite.model.namespace" $given }}
{{- $two := hasSuffix "v2" (include "kserve-lite.model.protocol" $given) }}
{{- $path := ternary (printf "/v2/models/%s/infer" $name) (printf "/v1/models/%s:predict" $name) $two }}
{{- $body := ternary `{"inputs": [{"name": "input-0", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}]}` `{"instances": [[5.1, 3.5, 1.4, 0.2]]}` $two }}

{{ $name }}
  wait  kubectl wait --namespace {{ $namespace }} --for=condition=Ready inferenceservice/{{ $name }} --timeout=300s
  url   http://{{ $name }}.{{ $namespace }}.svc.cluster.local{{ $path }}
  try   kubectl port-forward --namespace {{ $namespace }} service/{{ $name }} 8080:80
        curl -H 'Content-Type: application/json' -d '{{ $body }}' http://localhost:8080{{ $path }}
{{- end }}
{{- end }}
{{- end }}

{{- /*
Stops with a sentence. `helm lint` only notes a `fail` and goes on; a template that nobody defined stops it as well.
*/}}
{{- define "kserve-lite.refuse" -}}
{{- fail . }}
{{- include . $ }}
{{- end }}

{{- /*
Every combination of values that cannot work, each with one sentence: the value's path, what is wrong, the remedy. What
is wrong with a single value is in values.schema.json.
*/}}
{{- define "kserve-lite.validate" -}}
{{- $ := . }}
{{- $controller := .Values.controller }}
{{- $namespaced := eq .Values.rbac.scope "namespaced" }}
{{- $watched := list }}
{{- if or $namespaced $controller.watchNamespaces }}
{{- $watched = (include "kserve-lite.namespaces" . | fromYaml).items }}
{{- end }}

{{- if and .Values.rbac.create (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) }}
{{- include "kserve-lite.refuse" "serviceAccount.name: rights would be given to an account that nobody creates: name an existing one, or set serviceAccount.create=true" }}
{{- end }}
{{- if and .Values.crds.upgrade.enabled (not .Values.rbac.create) (not $namespaced) }}
{{- include "kserve-lite.refuse" "crds.upgrade.enabled: the hook needs rights that rbac.create=false withholds: set crds.upgrade.enabled=false and upgrade the CRDs with the chart kserve-lite-crds" }}
{{- end }}
{{- if ne (len $controller.watchNamespaces) (len (uniq $controller.watchNamespaces)) }}
{{- include "kserve-lite.refuse" "controller.watchNamespaces: a namespace stands there twice: remove one" }}
{{- end }}
{{- range $namespace := $controller.watchNamespaces }}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" $namespace) }}
{{- include "kserve-lite.refuse" (printf "controller.watchNamespaces: %q is no name of a namespace: use lower-case letters, digits and '-', at most 63" $namespace) }}
{{- end }}
{{- end }}

{{- range $argument := $controller.extraArgs }}
{{- range $flag, $place := dict "--config" "config" "--address" "nothing else: ports are fixed" "--namespace" "controller.watchNamespaces" "--lease-seconds" "controller.leaderElection.leaseSeconds" "--log-level" "controller.logLevel" }}
{{- if or (eq $argument $flag) (hasPrefix (printf "%s=" $flag) $argument) }}
{{- include "kserve-lite.refuse" (printf "controller.extraArgs: the chart sets %s itself: use %s" $flag $place) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $variable := $controller.extraEnv }}
{{- if has $variable.name (list "POD_NAME" "POD_NAMESPACE") }}
{{- include "kserve-lite.refuse" (printf "controller.extraEnv: the chart sets %s itself: remove it" $variable.name) }}
{{- end }}
{{- end }}
{{- range $volume := $controller.extraVolumes }}
{{- if has $volume.name (list "config" "tmp") }}
{{- include "kserve-lite.refuse" (printf "controller.extraVolumes: the chart has a volume named %s: choose another name" $volume.name) }}
{{- end }}
{{- end }}
{{- range $mount := $controller.extraVolumeMounts }}
{{- if has $mount.mountPath (list "/etc/kserve-lite" "/tmp") }}
{{- include "kserve-lite.refuse" (printf "controller.extraVolumeMounts: the chart mounts something at %s: choose another path" $mount.mountPath) }}
{{- end }}
{{- $names := list "config" "tmp" }}
{{- range $controller.extraVolumes }}
{{- $names = append $names .name }}
{{- end }}
{{- if not (has $mount.name $names) }}
{{- include "kserve-lite.refuse" (printf "controller.extraVolumeMounts: there is no volume named %s: add it to controller.extraVolumes" $mount.name) }}
{{- end }}
{{- end }}

{{- $budget := $controller.disruptionBudget }}
{{- if and $budget.enabled (not (kindIs "string" $budget.minAvailable)) }}
{{- if ge (int $budget.minAvailable) (int $controller.replicas) }}
{{- include "kserve-lite.refuse" (printf "controller.disruptionBudget.minAvailable: with %d of %d replicas no node could ever be drained: lower it, or raise controller.replicas" (int $budget.minAvailable) (int $controller.replicas)) }}
{{- end }}
{{- end }}
{{- if and $budget.enabled (eq (toString $budget.minAvailable) "100%") }}
{{- include "kserve-lite.refuse" "controller.disruptionBudget.minAvailable: with 100% no node could ever be drained: lower it" }}
{{- end }}

{{- $network := .Values.config.network }}
{{- if and (has $network.mode (list "gateway" "istio")) (not $network.gateway.name) }}
{{- include "kserve-lite.refuse" (printf "config.network.gateway.name: mode %s attaches routes to a Gateway: name it" $network.mode) }}
{{- end }}
{{- if and (ne $network.mode "ingress") $network.ingressClassName }}
{{- include "kserve-lite.refuse" (printf "config.network.ingressClassName: mode %s renders no Ingress: set config.network.mode=ingress, or remove it" $network.mode) }}
{{- end }}
{{- if and (ne $network.mode "ingress") $network.tlsSecretName }}
{{- include "kserve-lite.refuse" (printf "config.network.tlsSecretName: mode %s takes no certificate here: set config.network.mode=ingress, or give it to the Gateway" $network.mode) }}
{{- end }}
{{- if and (has $network.mode (list "none" "ingress")) (or $network.gateway.name $network.gateway.namespace $network.gateway.sectionName) }}
{{- include "kserve-lite.refuse" (printf "config.network.gateway: mode %s attaches nothing to a Gateway: set config.network.mode=gateway or istio, or remove it" $network.mode) }}
{{- end }}
{{- if and (eq $network.mode "none") $network.additionalDomains }}
{{- include "kserve-lite.refuse" "config.network.additionalDomains: mode none gives services no host: set another config.network.mode, or remove them" }}
{{- end }}
{{- if and (eq $network.mode "none") $network.annotations }}
{{- include "kserve-lite.refuse" "config.network.annotations: mode none renders nothing that they could stand on: set another config.network.mode, or remove them" }}
{{- end }}
{{- if not (contains "{name}" $network.domainTemplate) }}
{{- include "kserve-lite.refuse" (printf "config.network.domainTemplate: %q gives every service the same host: use {name} in it" $network.domainTemplate) }}
{{- end }}
{{- if and (not $namespaced) (not (contains "{namespace}" $network.domainTemplate)) }}
{{- include "kserve-lite.refuse" (printf "config.network.domainTemplate: %q gives services of two namespaces the same host: use {namespace} in it" $network.domainTemplate) }}
{{- end }}

{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.service) }}
{{- include "kserve-lite.refuse" "metrics.serviceMonitor.enabled: there is no Service to watch: set metrics.service=true" }}
{{- end }}
{{- if and (not $controller.networkPolicy.enabled) $controller.networkPolicy.metricsNamespaceSelector }}
{{- include "kserve-lite.refuse" "controller.networkPolicy.metricsNamespaceSelector: there is no NetworkPolicy: set controller.networkPolicy.enabled=true, or remove it" }}
{{- end }}

{{- range $i, $object := .Values.extraObjects }}
{{- if kindIs "map" $object }}
{{- range $key := list "apiVersion" "kind" "metadata" }}
{{- if not (hasKey $object $key) }}
{{- include "kserve-lite.refuse" (printf "extraObjects[%d].%s: an object needs it: add it" $i $key) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- include "kserve-lite.models.validate" . }}
{{- range $name, $model := .Values.models }}
{{- if eq (include "kserve-lite.model.wanted" $model) "true" }}
{{- $namespace := include "kserve-lite.model.namespace" (dict "name" $name "model" $model "root" $) }}
{{- if and $watched (not (has $namespace $watched)) }}
{{- include "kserve-lite.refuse" (printf "models.%s.namespace: the controller does not work in %s: add it to controller.watchNamespaces, or choose one of %s" $name $namespace (join ", " $watched)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

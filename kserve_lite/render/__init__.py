"""From an effective service to Kubernetes objects. Pure: values in, values out."""

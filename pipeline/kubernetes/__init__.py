"""The manifests that Kubernetes and Strimzi's operators deploy in our place. Pure."""

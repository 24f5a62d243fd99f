"""What stands in the way of a pod: small pure functions from what the cluster says to one cause with a remedy."""

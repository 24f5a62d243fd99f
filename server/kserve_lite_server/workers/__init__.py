"""Several processes on one listening socket: forked after the models are loaded, so that they share their memory."""

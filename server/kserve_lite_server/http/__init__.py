"""The REST front door: routes, requests and replies on ASGI; uvicorn underneath."""

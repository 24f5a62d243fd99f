"""kserve.utils.numpy_codec."""

from kserve_lite_server.sdk.payloads import from_np_dtype, to_np_dtype

__all__ = ["from_np_dtype", "to_np_dtype"]

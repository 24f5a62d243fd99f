"""Parts of what the controller reports that several kinds share."""

from pydantic import Field

from kserve_lite.api.definition import Status


class Condition(Status):
    """One aspect of an object, and since when it is so."""

    type: str = Field(description="Name of the aspect, such as Ready.")
    status: str = Field(description="True, False or Unknown.")
    severity: str | None = Field(None, description="Info when it does not count for Ready.")
    reason: str | None = Field(None, description="Stable code of the cause.")
    message: str | None = Field(None, description="Cause and remedy.")
    last_transition_time: str | None = Field(None, description="When status last changed.")


class Address(Status):
    """Where something answers inside the cluster."""

    url: str | None = Field(None, description="URL inside the cluster.")
    name: str | None = Field(None, description="Name of the address.")
    audience: str | None = Field(None, description="Audience of a token for it.")
    ca_certs: str | None = Field(None, alias="CACerts", description="Certificate authorities of the address.")

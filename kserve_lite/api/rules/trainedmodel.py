"""Rules about trained models."""

from kserve_lite.api.marks import Rule
from kserve_lite.api.rules.match import matches
from kserve_lite.api.trainedmodel import ModelSpec

SCHEMES = "^(s3|gs|https?|hf|file)://"

RULES = (
    # T2
    Rule(
        id="trained_model_uri",
        on=ModelSpec,
        cel=f"self.storageUri.matches('{SCHEMES}')",
        message="storageUri must begin with s3://, gs://, https://, http://, hf:// or file://",
        remedy="correct the scheme",
        holds=lambda model: matches(SCHEMES, model.storage_uri),
        field=".storageUri",
    ),
    # T3
    Rule(
        id="trained_model_memory",
        on=ModelSpec,
        cel="self.memory == oldSelf.memory",
        message="memory is fixed once it is set: the server made room by it",
        remedy="delete the TrainedModel and create it anew",
        holds=lambda new, old: new.memory == old.memory,
        field=".memory",
        transition=True,
    ),
)

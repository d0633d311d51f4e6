"""The base of every provider's configuration."""

from pydantic import BaseModel, ConfigDict


class ProviderConfig(BaseModel):
    """A provider's part of the YAML: unknown keys are faults, values do not change, and errors never echo an input.

    Providers need not use it, but a model without `hide_input_in_errors` shows whole inputs in its errors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

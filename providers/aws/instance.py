"""Which instance of IAM Identity Center a way is about, and the identity store behind it."""

import asyncio
from dataclasses import dataclass

from providers.aws.client import CENTER, AwsClient
from reconciler.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Instance:
    """An organization instance.

    Attributes:
        arn: the instance.
        store: the id of its identity store.
    """

    arn: str
    store: str


class InstanceFinder:
    """Finds the instance once, with the first request.

    Args:
        client: speaks with the services.
        wanted: the instance's ARN, or empty for the only one.
    """

    def __init__(self, client: AwsClient, wanted: str) -> None:
        self._client = client
        self._wanted = wanted
        self._found: Instance | None = None
        self._turn = asyncio.Lock()

    async def find(self) -> Instance:
        """Return the instance.

        Raises:
            ProviderError: there is none, or there are several and none was chosen.
            TransportError: the instances cannot be listed.
        """
        async with self._turn:
            if self._found is None:
                listed = await self._client.every(CENTER, "ListInstances", {}, "Instances")
                self._found = self._choose([Instance(each["InstanceArn"], each["IdentityStoreId"]) for each in listed])
            return self._found

    def _choose(self, listed: list[Instance]) -> Instance:
        chosen = [each for each in listed if not self._wanted or each.arn == self._wanted]
        if len(chosen) == 1:
            return chosen[0]
        seen = ", ".join(each.arn for each in listed) or "none"
        if chosen:
            raise ProviderError(f"aws: several instances of Identity Center: {seen}", hint="name one as `instance`")
        hint = "is the region right, and is this the management account or a delegated administrator?"
        raise ProviderError(f"aws: no such instance of Identity Center; seen: {seen}", hint=hint)

"""AWS JSON 1.1 over loopback: signatures and shapes are checked by botocore, against AWS's own service models."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from support.http_server import Reply, Request

ACCESS_KEY, SECRET_KEY, SESSION_TOKEN = "AKIACANARY", "canary-8f7e6d5c4b3a", "canary-session-1a2b3c"
SERVICES = {
    "AWSIdentityStore": "identitystore",
    "SWBExternalService": "sso-admin",
    "AWSOrganizationsV20161128": "organizations",
}

Operation = Callable[[str, dict[str, Any]], dict[str, Any]]


class RefusedError(Exception):
    """What a service answers instead of a result."""

    def __init__(self, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.code = code
        self.body = {"__type": code, "Message": message, **more}


@cache
def model_of(service: str) -> ServiceModel:
    """Return AWS's own model of a service."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def check_shape(service: str, operation: str, part: str, value: Mapping[str, Any]) -> None:
    """Fail unless an input or an output is as the model says, with no member that the model does not know."""
    described = model_of(service).operation_model(operation)
    shape = described.input_shape if part == "input" else described.output_shape
    report = ParamValidator().validate(dict(value), shape)
    assert not report.has_errors(), f"{operation} {part}: {report.generate_report()}"
    unknown = set(value) - set(shape.members if shape else ())
    assert not unknown, f"{operation} has no {unknown} in its {part}"


def check_signature(request: Request) -> None:
    """Refuse a request whose signature is not what the secret key makes of it (AWS Signature Version 4)."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if scheme != "AWS4-HMAC-SHA256" or not parts.get("Credential", "").startswith(f"{ACCESS_KEY}/"):
        raise RefusedError("UnrecognizedClientException", "The security token included in the request is invalid.")
    _, _, region, service, _ = parts["Credential"].split("/")
    signer = SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), service, region)
    signed = {name: request.headers[name] for name in parts["SignedHeaders"].split(";")}
    assert {"host", "x-amz-date", "x-amz-target"} <= signed.keys(), "a header that matters is not signed"
    again = AWSRequest(request.method, f"http://{request.headers['host']}{request.path}", signed, request.body)
    again.context["timestamp"] = request.headers["x-amz-date"]
    text = signer.string_to_sign(again, signer.canonical_request(again))
    if signer.signature(text, again) != parts["Signature"]:
        raise RefusedError("InvalidSignatureException", "The request signature we calculated does not match.")


def _complete(service: str, operation: str, result: dict[str, Any]) -> dict[str, Any]:
    """Add the names and the revisions that AWS tells with everything and that the provider does not use."""
    shape = model_of(service).operation_model(operation).output_shape
    told = [name for name in (shape.required_members if shape else ()) if name.endswith("Arn") or name == "Revision"]
    arn = "arn:aws:identitystore:::user/00000000-0000-4000-8000-000000000000"
    return {**{name: "1" if name == "Revision" else arn for name in told}, **result}


def speak(request: Request, answer: Operation) -> Reply:
    """Answer one request: check it, hand it over, check what comes back."""
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    try:
        check_signature(request)
        prefix, _, operation = request.headers["x-amz-target"].partition(".")
        service = SERVICES[prefix]
        body = json.loads(request.body)
        assert request.headers["content-type"] == "application/x-amz-json-1.1"
        check_shape(service, operation, "input", body)
        result = _complete(service, operation, answer(operation, body))
        check_shape(service, operation, "output", result)
    except RefusedError as refused:
        return Reply(400, refused.body, headers)
    except AssertionError as wrong:  # told to whoever asked, whose test then fails with these words
        return Reply(400, {"__type": "ImpossibleRequest", "Message": str(wrong)}, headers)
    return Reply(200, result, headers)

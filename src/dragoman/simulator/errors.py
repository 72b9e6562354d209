"""Error answers as providers really send them: status, headers and body, by name. Taken from recorded traffic and API documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

_INVALID = "invalid_request_error"


class ErrorForm(msgspec.Struct, frozen=True):
    """One error answer. In texts `{model}` and `{key}` stand for what was asked with. A `body` of str is sent as HTML."""

    status: int
    body: dict[str, Any] | str
    headers: dict[str, str] = {}


def openai_error(message: str, *, type: str = _INVALID, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """OpenAI's error body (https://platform.openai.com/docs/guides/error-codes)."""
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def render(form: ErrorForm, values: Mapping[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body of an error, with its holes filled."""
    if isinstance(form.body, str):
        return form.status, [("content-type", "text/html; charset=UTF-8"), *form.headers.items()], form.body.encode()
    body = msgspec.json.encode(_filled(form.body, values))
    return form.status, [("content-type", "application/json"), *form.headers.items()], body


def anthropic_error(kind: str, message: str) -> dict[str, Any]:
    """Anthropic's error body (https://docs.claude.com/en/api/errors)."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "{request_id}"}


def google_error(code: int, status: str, message: str, details: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Google's error body (https://cloud.google.com/apis/design/errors)."""
    body: dict[str, Any] = {"code": code, "message": message, "status": status}
    return {"error": {**body, "details": details} if details else body}


def named(name: str, dialect: str) -> ErrorForm:
    """An error by its name, in the words of the dialect's own provider where it has them."""
    return _BY_DIALECT.get(dialect, {}).get(name) or ERRORS[name]


def refusal(dialect: str, message: str, param: str | None = None, code: str | None = None) -> ErrorForm:
    """The 400 of a dialect for a request that breaks its rules."""
    make = _REFUSALS.get(dialect)
    return ErrorForm(400, make(message) if make else openai_error(message, param=param, code=code))


def by_status(status: int, dialect: str) -> ErrorForm:
    """The usual error of a status in a dialect."""
    own = _BY_DIALECT.get(dialect)
    if own is not None:
        return _own_by_status(status, dialect, own)
    if status == 404:
        return ERRORS["model_not_found" if dialect == "chat" else "model_not_found_404"]
    name = _USUAL.get(status)
    if name is not None:
        return ERRORS[name]
    kind = _INVALID if status < 500 else "server_error"
    return ErrorForm(status, openai_error(f"The simulator was told to answer with status {status}.", type=kind))


def _own_by_status(status: int, dialect: str, own: dict[str, ErrorForm]) -> ErrorForm:
    name = "model_not_found" if status == 404 else _USUAL.get(status)
    found = own.get(name) if name is not None else None
    if found is not None:
        return msgspec.structs.replace(found, status=status)
    told = f"The simulator was told to answer with status {status}."
    kind = "invalid_request_error" if status < 500 else "api_error"
    body = anthropic_error(kind, told) if dialect == "messages" else google_error(status, _google_status(status), told)
    return ErrorForm(status, body)


def _google_status(status: int) -> str:
    return {409: "ABORTED", 499: "CANCELLED"}.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")


def unknown_model(dialect: str) -> ErrorForm:
    """Responses answers 400 for a model that it does not know, the others 404."""
    if dialect in _BY_DIALECT:
        return _BY_DIALECT[dialect]["model_not_found"]
    return ERRORS["model_not_found" if dialect == "chat" else "model_not_found_400"]


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in values.items():
            value = value.replace("{" + name + "}", text)
        return value
    if isinstance(value, dict):
        return {key: _filled(one, values) for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_filled(one, values) for one in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def _cloudflare(code: int, phrase: str) -> str:
    return (
        f"<html>\r\n<head><title>{code} {phrase}</title></head>\r\n<body>\r\n<center><h1>{code} {phrase}</h1></center>\r\n"
        "<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
    )


_NO_MODEL = "The model `{model}` does not exist or you do not have access to it."
_RATE = (
    "Rate limit reached for {model} in organization org-demo on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. "
    "Please try again in 2s. Visit https://platform.openai.com/account/rate-limits to learn more."
)
_LONG = "This endpoint's maximum context length is 200000 tokens. However, you requested about 250000 tokens. Please reduce the length."
_BUSY = "The server is currently overloaded with other requests. Sorry about that! You can retry your request."

ERRORS: dict[str, ErrorForm] = {
    "invalid_request": ErrorForm(400, openai_error("Invalid value: 'demo'.", code="invalid_value", param="input")),
    "invalid_prompt": ErrorForm(
        400, openai_error("Invalid prompt: your prompt was flagged as violating our usage policy.", code="invalid_prompt")
    ),
    "model_not_found": ErrorForm(404, openai_error(_NO_MODEL, code="model_not_found")),
    "model_not_found_400": ErrorForm(
        400, openai_error("The requested model '{model}' does not exist.", code="model_not_found", param="model")
    ),
    "model_not_found_404": ErrorForm(404, openai_error(_NO_MODEL, code="model_not_found")),
    "context_length": ErrorForm(
        400,
        openai_error(
            "Your input exceeds the context window of this model. Please adjust your input and try again.",
            code="context_length_exceeded",
            param="input",
        ),
    ),
    "content_policy": ErrorForm(400, openai_error("Your request was rejected by the safety system.", code="content_policy_violation")),
    "unsupported_parameter": ErrorForm(
        400,
        openai_error(
            "Unsupported parameter: 'temperature' is not supported with this model.", code="unsupported_parameter", param="temperature"
        ),
    ),
    "invalid_key": ErrorForm(
        401,
        openai_error(
            "Incorrect API key provided: {key}. You can find your API key at https://platform.openai.com/account/api-keys.",
            code="invalid_api_key",
        ),
    ),
    "no_key": ErrorForm(
        401,
        openai_error(
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
            "(i.e. Authorization: Bearer YOUR_KEY)."
        ),
    ),
    "payment_required": ErrorForm(402, {"error": {"message": "Insufficient credits. Add more and try again.", "code": 402}}),
    "permission": ErrorForm(
        403,
        openai_error(
            "You have insufficient permissions for this operation. Missing scopes: model.request.", code="insufficient_permissions"
        ),
    ),
    "region": ErrorForm(
        403,
        openai_error("Country, region, or territory not supported", code="unsupported_country_region_territory", type="request_forbidden"),
    ),
    "too_large": ErrorForm(413, _cloudflare(413, "Request Entity Too Large")),
    "rate_limit": ErrorForm(
        429,
        openai_error(_RATE, type="tokens", code="rate_limit_exceeded"),
        {"retry-after": "2", "retry-after-ms": "2000", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "2s"},
    ),
    "quota": ErrorForm(
        429,
        openai_error(
            "You exceeded your current quota, please check your plan and billing details. For more information on this error, read "
            "the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
            type="insufficient_quota",
            code="insufficient_quota",
        ),
    ),
    "server_error": ErrorForm(
        500,
        openai_error("The server had an error while processing your request. Sorry about that!", type="server_error", code="server_error"),
    ),
    "bad_gateway": ErrorForm(502, _cloudflare(502, "Bad Gateway")),
    "overloaded": ErrorForm(503, openai_error(_BUSY, type="server_error", code="server_is_overloaded")),
    "unavailable": ErrorForm(503, _cloudflare(503, "Service Temporarily Unavailable")),
    "gateway_timeout": ErrorForm(504, _cloudflare(504, "Gateway Time-out")),
    "overloaded_529": ErrorForm(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    "openrouter_rate_limit": ErrorForm(
        429,
        {
            "error": {
                "message": "Provider returned error",
                "code": 429,
                "metadata": {"raw": "{model} is temporarily rate-limited upstream. Please retry shortly.", "provider_name": "Demo"},
            },
            "user_id": "user_demo",
        },
    ),
    "openrouter_context_length": ErrorForm(
        400, {"error": {"message": _LONG, "code": 400, "metadata": {"provider_name": None}}, "user_id": "user_demo"}
    ),
    "groq_tool_use_failed": ErrorForm(
        400,
        {
            "error": {
                "message": "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
                "type": _INVALID,
                "code": "tool_use_failed",
                "failed_generation": "<function=demo>",
            }
        },
    ),
    "azure_invalid_key": ErrorForm(
        401,
        {"error": {"code": "401", "message": "Access denied due to invalid subscription key or wrong API endpoint."}},
    ),
    "azure_rate_limit": ErrorForm(
        429,
        {
            "error": {
                "code": "RateLimitReached",
                "message": "Your requests to {model} have exceeded rate limit.",
                "details": "Please retry.",
            }
        },
        {"retry-after": "3"},
    ),
    "xai_invalid_key": ErrorForm(400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: {key}."}),
    "vllm_context_length": ErrorForm(
        400,
        {
            "error": {
                "message": "This model's maximum context length is 4096 tokens.",
                "type": "BadRequestError",
                "param": None,
                "code": 400,
            }
        },
    ),
    "llamacpp_loading": ErrorForm(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}),
    "mistral_validation": ErrorForm(
        422, {"object": "error", "detail": [{"type": "extra_forbidden", "loc": ["body", "store"], "msg": "Extra inputs are not permitted"}]}
    ),
}
"""Every named error."""

_USUAL = {
    400: "invalid_request",
    401: "invalid_key",
    402: "payment_required",
    403: "permission",
    413: "too_large",
    429: "rate_limit",
    500: "server_error",
    502: "bad_gateway",
    503: "overloaded",
    504: "gateway_timeout",
    529: "overloaded_529",
}

_ANTHROPIC: dict[str, ErrorForm] = {
    name: ErrorForm(status, anthropic_error(kind, message), dict(headers))
    for name, status, kind, message, headers in (
        ("invalid_request", 400, _INVALID, "messages: at least one message is required", ()),
        ("invalid_prompt", 400, _INVALID, "Output blocked by content filtering policy", ()),
        ("model_not_found", 404, "not_found_error", "model: {model}", ()),
        ("context_length", 400, _INVALID, "prompt is too long: 250000 tokens > 200000 maximum", ()),
        ("invalid_key", 401, "authentication_error", "invalid x-api-key", (("x-should-retry", "false"),)),
        ("no_key", 401, "authentication_error", "x-api-key header is required", (("x-should-retry", "false"),)),
        ("payment_required", 402, "billing_error", "Your organization's billing needs attention. Visit the Console.", ()),
        ("quota", 400, _INVALID, "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.", ()),
        ("permission", 403, "permission_error", "Your API key does not have permission to use the specified resource.", ()),
        ("too_large", 413, "request_too_large", "Request exceeds the maximum size", ()),
        (
            "rate_limit",
            429,
            "rate_limit_error",
            "This request would exceed your organization's rate limit of 2,000,000 input tokens per minute.",
            (("retry-after", "2"), ("anthropic-ratelimit-input-tokens-remaining", "0"), ("x-should-retry", "true")),
        ),
        ("server_error", 500, "api_error", "Internal server error", (("x-should-retry", "true"),)),
        ("gateway_timeout", 504, "timeout_error", "Request timed out", ()),
        ("overloaded", 529, "overloaded_error", "Overloaded", (("x-should-retry", "true"),)),
        ("overloaded_529", 529, "overloaded_error", "Overloaded", (("x-should-retry", "true"),)),
    )
}
_RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}
_BAD_KEY = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "API_KEY_INVALID",
    "domain": "googleapis.com",
    "metadata": {"service": "generativelanguage.googleapis.com"},
}
_QUOTA = (
    "You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: "
    "https://ai.google.dev/gemini-api/docs/rate-limits. \nPlease retry in 2.1s."
)
_GOOGLE: dict[str, ErrorForm] = {
    name: ErrorForm(code, google_error(code, status, message, details))
    for name, code, status, message, details in (
        ("invalid_request", 400, "INVALID_ARGUMENT", "Request contains an invalid argument.", None),
        ("invalid_prompt", 400, "INVALID_ARGUMENT", "Request contains an invalid argument.", None),
        (
            "model_not_found",
            404,
            "NOT_FOUND",
            "models/{model} is not found for API version v1beta, or is not supported for generateContent. Call "
            "ModelService.ListModels to see the list of available models and their supported methods.",
            None,
        ),
        (
            "context_length",
            400,
            "INVALID_ARGUMENT",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            None,
        ),
        ("invalid_key", 400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [_BAD_KEY]),
        (
            "no_key",
            403,
            "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of "
            "API consumer identity to call this API.",
            None,
        ),
        ("permission", 403, "PERMISSION_DENIED", "Permission denied on resource project demo.", None),
        ("region", 400, "FAILED_PRECONDITION", "User location is not supported for the API use.", None),
        ("rate_limit", 429, "RESOURCE_EXHAUSTED", _QUOTA, [_RETRY_INFO]),
        ("quota", 429, "RESOURCE_EXHAUSTED", _QUOTA, [{**_RETRY_INFO, "retryDelay": "48s"}]),
        ("server_error", 500, "INTERNAL", "An internal error has occurred. Please retry or report the matter.", None),
        ("overloaded", 503, "UNAVAILABLE", "The model is overloaded. Please try again later.", None),
        ("gateway_timeout", 504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete.", None),
    )
}
_BY_DIALECT: dict[str, dict[str, ErrorForm]] = {"messages": _ANTHROPIC, "generate": _GOOGLE}
_REFUSALS: dict[str, Callable[[str], dict[str, Any]]] = {
    "messages": lambda message: anthropic_error(_INVALID, message),
    "generate": lambda message: google_error(400, "INVALID_ARGUMENT", message),
}

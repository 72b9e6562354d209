"""TrueFoundry's accounts of providers: those that the file has, and those that its targets only name."""

from __future__ import annotations

from typing import Any

from dragoman.config.importers.draft import Draft, Given, provider_name
from dragoman.config.importers.kinds import UNSPOKEN, address, kind_of, kind_of_model, needs_address, variable_of

_REMEDIES: dict[str, str] = {"budget": "there are no budgets yet", "cost": "set `prices`"}
_SILENT = ("collaborators", "description", "tags", "owned_by", "id", "type", "name", "region", "ownedBy")
_SECRETS = ("api_key", "bearer_token", "token", "auth_token")


class Accounts:
    """Makes a provider of each account, when it is first named."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._names: dict[str, str] = {}
        self._models: dict[tuple[str, str], str] = {}
        self._groups: set[str] = set()

    def read(self, label: str, given: Given) -> None:
        """An account of the file; `label` is its type."""
        account = str(given.take("name"))
        kind = kind_of(label)
        if kind is None:
            what = UNSPOKEN.get(label, f"`{label}`")
            remedy = "it was left out; if it has an OpenAI-compatible API, write its address into `base_url`"
            self._draft.note(given.path or account, f"{what} is not spoken yet", remedy)
            kind = "openai-compatible"
        auth = given.within("auth_data")
        secret = next((value for name in _SECRETS if (value := auth.take(name))), None)
        base = given.take("base_url") or given.take("azure_endpoint") or given.take("endpoint")
        self._read_models(account, given)
        auth.rest({}, _SILENT)
        given.rest(_REMEDIES, _SILENT)
        self._add(account, kind, base, secret, given.path or "auth_data")

    def add_group(self, name: str) -> None:
        """An account that holds virtual models."""
        self._groups.add(name)

    def target(self, name: str, path: str) -> str:
        """`account/model` as it is written here; the account becomes a provider if none was read."""
        account, slash, model = name.partition("/")
        if account in self._groups:
            return name
        if not slash:
            account, model = kind_of_model(name) or "openai", name
        if account not in self._names:
            kind = kind_of(account) or self._guessed(account) or kind_of_model(model) or "openai-compatible"
            remedy = "check it, or add the account's manifest to the file and import again"
            self._draft.note(path, f"the account `{account}` is not in the file; it was taken for one of kind `{kind}`", remedy)
            self._add(account, kind, None, None, path)
        return f"{self._names[account]}/{self._models.get((account, model), model)}"

    def _read_models(self, account: str, given: Given) -> None:
        for integration in given.each("integrations"):
            name, model = integration.take("name"), integration.take("model_id") or integration.take("deployment_name")
            if name and model:
                self._models[account, str(name)] = str(model)
            integration.rest(_REMEDIES, (*_SILENT, "model_types", "auth_data", "url", "api_version"))

    def _guessed(self, account: str) -> str | None:
        """The kind that the account's name tells, as `openai-main` does."""
        parts = account.split("-")
        heads = ("-".join(parts[:count]) for count in range(len(parts), 0, -1))
        return next((kind for head in heads if (kind := kind_of(head)) is not None), None)

    def _add(self, account: str, kind: str, base: object, secret: object, path: str) -> None:
        name = self._names[account] = provider_name(account, self._draft.providers)
        made: dict[str, Any] = {"kind": kind}
        if base is not None:
            made["base_url"] = address(kind, self._draft.url(base, f"{account}_BASE_URL", path), adds=False)
        elif needs_address(kind):
            variable = self._draft.variable(f"{account}_BASE_URL", path)
            made["base_url"] = f"${{{variable}}}"
            self._draft.note(path, f"the address of `{account}` is not told", f"export {variable} with it, or write it into `base_url`")
        if secret is not None:
            made["keys"] = [self._draft.secret(secret, f"{account}_API_KEY", path)]
        elif variable_of(kind) is not None or needs_address(kind):
            made["keys"] = [f"${self._draft.variable(f'{account}_API_KEY', path)}"]
        self._draft.providers[name] = made

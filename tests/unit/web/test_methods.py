"""Which methods a path takes: all those of the route that is meant, none of one that only fits."""

import pytest
from fastapi import FastAPI, Request

from mainstay.web.methods import methods_at, refuse_method
from mainstay.web.problems import ProblemError
from mainstay.web.routes import Routes


def asked(method: str, path: str) -> Request:
    routes = Routes()
    for each, template in [
        ("GET", "/ships"),
        ("POST", "/ships"),
        ("GET", "/ships/{ship:path}"),
        ("PUT", "/ships/{ship:path}/flag"),
        ("DELETE", "/ships/{ship:path}/flag"),
        ("POST", "/ships/race"),
    ]:
        routes._route(each, template, "alerts:read", None, 200, {})(lambda: None)
    app = FastAPI()
    app.include_router(routes.router)
    return Request({"type": "http", "method": method, "path": path, "headers": [], "app": app})


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/ships", {"GET", "POST"}),
        ("/v1/ships/argo", {"GET"}),
        ("/v1/ships/argo/mast", {"GET"}),
        ("/v1/ships/argo/flag", {"PUT", "DELETE"}),
        ("/v1/ships/a/b/flag", {"PUT", "DELETE"}),
        ("/v1/ships/race", {"POST"}),
        ("/v1/planes", set()),
    ],
)
def test_a_path_takes_the_methods_of_the_closest_template(path: str, methods: set[str]) -> None:
    assert methods_at(asked("GET", path)) == methods


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/ships/argo/flag", "DELETE, PUT"),
        ("GET", "/v1/ships/race", "POST"),
        ("PUT", "/v1/ships", "GET, POST"),
    ],
)
def test_a_method_that_is_meant_by_no_route_is_refused(method: str, path: str, allow: str) -> None:
    with pytest.raises(ProblemError) as refused:
        refuse_method(asked(method, path))

    assert refused.value.status_code == 405
    assert refused.value.headers == {"Allow": allow}


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/ships/argo"), ("PUT", "/v1/ships/argo/flag"), ("GET", "/v1/x")]
)
def test_others_pass(method: str, path: str) -> None:
    refuse_method(asked(method, path))

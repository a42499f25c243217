"""What a page of another site can do to the jobs of its visitor."""

import httpx
import pytest

from tests.catalog.tap.tap_server import TapServer, statuses

FOREIGN = {"Origin": "https://elsewhere.example.org"}
COUNT = "SELECT COUNT(*) AS n FROM galcat.galaxy"
ALLOWED = "access-control-allow-origin"


def phase(url: str) -> str:
    return httpx.get(f"{url}/phase").text


@pytest.mark.parametrize("origin", [FOREIGN["Origin"], "null", "http://127.0.0.1:1", "http://["])
@pytest.mark.parametrize("path", ["/tap/async", "/tap/async/", "/tap/async?LAST=1"])
def test_a_foreign_page_cannot_list_the_jobs_of_its_visitor(
    served: TapServer, path: str, origin: str
) -> None:
    job_id = served.make_job(COUNT).split("/")[-1]
    answer = httpx.get(served.url + path, headers={"Origin": origin}, follow_redirects=True)
    assert job_id not in answer.text
    assert (answer.status_code, statuses(answer)) == (403, ["ERROR"])
    assert ALLOWED not in answer.headers
    assert job_id in httpx.get(served.url + path, follow_redirects=True).text


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("DELETE", "/tap/async/{}", None),
        ("POST", "/tap/async/{}", {"ACTION": "DELETE"}),
        ("POST", "/tap/deletejobs", {"JOB_IDS": "{}"}),
        ("POST", "/tap/async/{}/phase", {"PHASE": "ABORT"}),
        ("POST", "/tap/async/{}/parameters", {"QUERY": "SELECT 1"}),
        ("POST", "/tap/async/{}/destruction", {"DESTRUCTION": "2020-01-01"}),
    ],
)
def test_a_foreign_page_cannot_remove_or_change_a_job(
    served: TapServer, method: str, path: str, form: dict[str, str] | None
) -> None:
    url = served.make_job(COUNT)
    job_id = url.split("/")[-1]
    before = httpx.get(url).text
    data = {name: value.format(job_id) for name, value in (form or {}).items()}
    answer = httpx.request(method, served.url + path.format(job_id), data=data, headers=FOREIGN)
    assert (answer.status_code, statuses(answer), ALLOWED in answer.headers) == (403, ["ERROR"], False)
    assert httpx.get(url).text == before
    asked = FOREIGN | {"Access-Control-Request-Method": method}
    preflight = httpx.options(served.url + path.format(job_id), headers=asked)
    assert (preflight.status_code, ALLOWED in preflight.headers) == (403, False)


def test_a_foreign_page_can_make_a_job_and_read_its_result(served: TapServer) -> None:
    form = {"QUERY": COUNT, "FORMAT": "csv", "PHASE": "RUN"}
    made = httpx.post(f"{served.url}/tap/async", data=form, headers=FOREIGN)
    assert (made.status_code, made.headers[ALLOWED]) == (303, "*")
    url = made.headers["location"]
    waited = httpx.get(url, params={"WAIT": "5", "PHASE": "QUEUED"}, headers=FOREIGN)
    assert (waited.status_code, waited.headers[ALLOWED]) == (200, "*")
    waited = httpx.get(url, params={"WAIT": "5", "PHASE": "EXECUTING"}, headers=FOREIGN)
    answer = httpx.get(f"{url}/results/result", headers=FOREIGN)
    assert (answer.text.split(), answer.headers[ALLOWED]) == (["n", "300"], "*")


def test_the_service_s_own_pages_may_do_all(served: TapServer) -> None:
    own = {"Origin": served.url}
    url = served.make_job(COUNT)
    assert url.split("/")[-1] in httpx.get(f"{served.url}/tap/async", headers=own).text
    assert httpx.post(f"{url}/phase", data={"PHASE": "ABORT"}, headers=own).status_code == 303
    assert phase(url) == "ABORTED"
    assert httpx.delete(url, headers=own).status_code == 303
    assert httpx.get(url).status_code == 404

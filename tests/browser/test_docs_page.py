"""The interactive reference in a real browser."""

import httpx
from playwright.async_api import Browser, expect

from tests.support.browser import Visit, visit
from tests.support.pages import served_page
from tests.support.processes import ServerProcess

METHODS = {"get", "put", "post", "delete", "patch"}


async def test_reference_lists_every_operation(
    visitor: Visit, site: ServerProcess, api: httpx.AsyncClient
) -> None:
    document = (await api.get("/openapi.json")).json()
    operations = sum(len(METHODS & item.keys()) for item in document["paths"].values())
    await visitor.page.goto(f"{site.url}/docs")
    await expect(visitor.page.locator(".opblock")).to_have_count(operations)
    assert operations > 80
    assert visitor.refusals == []
    # Nothing comes from anywhere else.
    assert {httpx.URL(one.url).host for one in visitor.requests if one.url[:5] != "data:"} == {
        "127.0.0.1"
    }


async def test_operation_is_tried_in_the_reference(visitor: Visit, site: ServerProcess) -> None:
    await visitor.page.goto(f"{site.url}/docs")
    operation = visitor.page.locator(".opblock").filter(
        has=visitor.page.get_by_text("/health/live", exact=True)
    )
    await operation.get_by_role("button").first.click()
    await operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table tbody .response-col_status")
    await expect(answer).to_contain_text("200")


async def test_list_of_errors_is_shown(visitor: Visit, site: ServerProcess) -> None:
    await visitor.page.goto(f"{site.url}/docs/errors#sold_out")
    await expect(visitor.page.locator("section:target")).to_contain_text("sold_out")


async def test_script_in_a_page_is_reported(browser: Browser, api: httpx.AsyncClient) -> None:
    """The other tests would notice: the same policies, and what they are there to stop."""
    for path in ("/docs", "/account"):
        policy = (await api.get(path)).headers["content-security-policy"]
        body = '<h1>Page</h1><script>document.title = "done"</script>'
        headers = {"Content-Security-Policy": policy}
        async with served_page(body, headers) as url, visit(browser) as visited:
            await visited.page.goto(url)
            await expect(visited.page.get_by_role("heading")).to_be_visible()
            assert await visited.page.title() == ""
            assert any("script-src" in said for said in visited.complaints), path
        async with served_page(body, {}) as url, visit(browser) as visited:
            await visited.page.goto(url)
            await expect(visited.page).to_have_title("done")
            assert visited.complaints == []

"""The page in use: a question, what is seen while it is answered, and what can be done with the answer."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.web.page.conftest import Site, ask


def test_places_come_first_then_the_draft_then_the_checked_answer(page: Page) -> None:
    ask(page, "in steps")
    page.wait_for_selector(".sources li")
    assert page.locator(".prose").inner_text() == ""
    page.wait_for_selector(".prose:has-text('A draft that is replaced.')")  # looks oftener than `expect` soon does
    page.wait_for_selector("[data-state=answered]")
    assert "replaced" not in page.locator(".answer").inner_text()
    assert "actor.sphere" in page.locator(".prose").inner_text()


def test_a_citation_opens_the_exact_lines_and_shows_them_when_focused_or_pointed_at(page: Page) -> None:
    ask(page, "three spheres", "answered")
    reference = page.locator(".prose .reference").first
    assert (
        reference.get_attribute("href") == "https://github.com/fury-gl/fury/blob/v2.0.0/fury/actor/curved.py#L46-L163"
    )
    assert (reference.get_attribute("target"), reference.get_attribute("rel")) == ("_blank", "noopener noreferrer")
    page.mouse.move(0, 0)
    for show in (reference.hover, reference.focus):
        show()
        page.wait_for_selector("#excerpt:not([hidden])")
        assert "def sphere(" in page.locator("#excerpt").inner_text()
        assert reference.get_attribute("aria-describedby") == "excerpt"
        page.keyboard.press("Escape")
        assert page.locator("#excerpt").is_hidden()


def test_the_lines_can_be_unfolded_where_nothing_hovers(page: Page) -> None:
    ask(page, "three spheres", "answered")
    page.click(".sources summary >> nth=1")
    expect(page.locator(".sources details[open] pre")).to_contain_text("class ShowManager")


def test_code_is_coloured_and_copied_as_it_is(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "three spheres", "answered")
    assert page.locator(".code .hljs-keyword").first.inner_text() == "import"
    page.click(".copy")
    expect(page.locator(".copy")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("import numpy as np\nfrom fury import actor, window\n")
    assert copied.endswith(".start()")


def test_the_badge_says_what_was_checked_and_the_picture_is_shown(page: Page) -> None:
    ask(page, "three spheres", "answered")
    assert page.locator(".check summary").inner_text() == "Checked · 3 names · 4 calls · 1 repaired · ran in 1.2 s"
    assert page.locator(".findings").is_hidden()
    page.click(".check summary")
    assert "added import numpy as np" in page.locator(".findings").inner_text()
    assert page.locator("figure img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 1


def test_a_finding_names_what_exists_instead(page: Page) -> None:
    ask(page, "wrong", "answered")
    page.click(".check.wrong summary")
    found = page.locator(".findings").inner_text()
    assert found == "Line 3: fury.actor.spher does not exist. Instead: fury.actor.sphere"


def test_what_could_not_be_decided_is_said_beside_what_was(page: Page) -> None:
    ask(page, "undecided", "answered")
    assert page.locator(".check summary").inner_text() == "Checked · 1 name · 1 call · 2 not decided"
    page.click(".check summary")
    found = page.locator(".findings").inner_text()
    assert "Not decided by the sources: fury.Scene.pick." in found
    assert "Not decided: 1 call with arguments that cannot be seen." in found


def test_thumbs_are_sent_at_once_and_again_with_the_reason(page: Page, site: Site) -> None:
    ask(page, "x", "answered")
    down = page.get_by_role("button", name="This did not help")
    down.click()
    assert site.heard("feedback") == "feedback down"
    assert down.get_attribute("aria-pressed") == "true"
    page.keyboard.type("No such function.")
    page.keyboard.press("Enter")
    assert site.heard("feedback") == "feedback down No such function."
    page.get_by_text("Thank you.").wait_for()


def test_a_version_is_asked_only_once_it_is_chosen_and_then_remembered(page: Page, site: Site) -> None:
    """Without a choice, the service takes the version that the question names."""
    page.wait_for_selector("#examples li")
    ask(page, "unversioned", "answered")
    assert site.heard("asked unversioned") == "asked unversioned"
    page.click("#new")
    page.select_option("#version", label="fury 0.10.0")
    ask(page, "versioned", "answered")
    assert site.heard("asked versioned") == "asked versioned 0.10.0"
    page.reload()
    page.wait_for_selector("#examples li")
    assert page.locator("#version option:checked").inner_text() == "fury 0.10.0"
    page.goto(f"{site.url}?library=fury&version=2.0.0")
    page.wait_for_selector("#examples li")
    assert page.locator("#version option:checked").inner_text() == "fury 2.0.0"


def test_a_follow_up_belongs_to_the_conversation_until_a_new_one_is_begun(page: Page, site: Site) -> None:
    for question in ("first", "second"):
        ask(page, question, "answered")
    expect(page.locator("[data-state=answered]")).to_have_count(2)
    page.click("#new")
    ask(page, "third", "answered")
    first, second, third = (site.heard(f"asked {name}").split() for name in ("first", "second", "third"))
    assert [len(words) for words in (first, second, third)] == [2, 3, 2]  # only the second names a conversation


def test_history_comes_back_and_can_be_deleted(page: Page) -> None:
    ask(page, "three spheres", "answered")
    page.reload()
    page.click("#open-history")
    page.click(".past")
    page.wait_for_selector("[data-state=answered] .code")
    assert page.locator(".question").inner_text() == "three spheres"
    page.click("#open-history")
    page.get_by_role("button", name="Delete “three spheres”").click()
    assert page.locator(".past").count() == 0
    assert page.evaluate("localStorage.getItem('fury-agent.conversations')") == "[]"
    assert page.locator(".turn").count() == 0


@pytest.mark.parametrize("how", ["button", "Escape"])
def test_stopping_frees_the_model_and_keeps_the_draft(page: Page, site: Site, how: str) -> None:
    ask(page, "slowly")
    expect(page.locator(".prose")).to_have_text("The draft")
    if how == "button":
        page.get_by_role("button", name="Stop").click()
    else:
        page.keyboard.press("Escape")
    page.wait_for_selector("[data-state=stopped]")
    assert site.heard("cancelled")
    assert "The draft" in page.locator(".answer").inner_text()
    assert "was not checked" in page.locator(".notice").inner_text()
    assert page.locator("#send").is_visible()


def test_leaving_for_a_new_conversation_stops_the_old_one(page: Page, site: Site) -> None:
    ask(page, "slowly")
    site.heard("asked slowly")
    page.click("#new")
    assert site.heard("cancelled")
    ask(page, "next", "answered")
    assert page.locator(".turn").count() == 1


@pytest.mark.parametrize(
    ("question", "state", "note"),
    [("declined", "declined", "Not in the sources"), ("places", "sources_only", "Places only, no written answer")],
)
def test_an_answer_that_is_none_says_so(page: Page, question: str, state: str, note: str) -> None:
    ask(page, question, state)
    assert page.locator(".verdict").inner_text() == note
    assert page.locator(".sources li").count() == 1


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("busy", "Many are asking right now."),
        ("broken", "The vector store did not answer. See `fury-agent doctor`."),
        ("late", "This took too long. The model said nothing."),
        ("cut", "The connection broke off before the answer was complete."),
    ],
)
def test_a_failure_is_told_kindly(page: Page, question: str, says: str) -> None:
    ask(page, question, "failed")
    assert says in page.locator(".notice").inner_text()
    assert "Half of" not in page.locator(".answer").inner_text()


def test_a_full_queue_counts_down_until_one_may_ask_again(page: Page, site: Site) -> None:
    ask(page, "busy", "failed")
    button = page.locator(".notice button")
    assert button.inner_text() == "Ask again in 2 s"
    assert button.is_disabled()
    page.get_by_role("button", name="Ask again", exact=True).click()
    for _ in range(2):
        site.heard("asked busy")
    assert page.locator(".turn").count() == 1


@pytest.mark.parametrize(
    ("status", "says"), [(429, "You have asked a lot in a short time."), (401, "This service asks for a key.")]
)
def test_limits_and_keys_are_explained(page: Page, status: int, says: str) -> None:
    refusal = {"type": "/problems/x", "title": "X", "status": status, "detail": "Send a key.", "extra": {}}
    page.route("**/query", lambda route: route.fulfill(status=status, json=refusal, headers={"Retry-After": "7"}))
    ask(page, "x", "failed")
    assert says in page.locator(".notice").inner_text()
    assert page.get_by_role("button", name="Ask again in 7 s").is_disabled()
    assert page.locator("#key").is_visible() == (status == 401)


def test_a_key_is_sent_once_it_is_given(page: Page) -> None:
    page.route("**/query", lambda route: route.fulfill(status=401, json={"detail": "A key."}))
    ask(page, "x", "failed")
    page.fill("#key-value", "fa_secret")
    page.keyboard.press("Enter")
    page.unroute("**/query")
    with page.expect_request("**/query") as sent:
        page.get_by_role("button", name="Ask again").click()
    assert sent.value.header_value("authorization") == "Bearer fa_secret"
    assert page.evaluate("JSON.stringify(localStorage)").find("fa_secret") == -1


def test_without_a_connection_the_question_can_be_asked_again(page: Page) -> None:
    page.route("**/query", lambda route: route.abort())
    ask(page, "x", "failed")
    assert "The service cannot be reached." in page.locator(".notice").inner_text()
    page.unroute("**/query")
    page.get_by_role("button", name="Ask again").click()
    page.wait_for_selector("[data-state=answered]")


def test_the_keys_do_what_the_page_says(page: Page) -> None:
    page.locator("#theme").focus()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "question"
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two/")
    assert page.locator("#question").input_value() == "one\ntwo/"
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-state=answered]")
    assert page.locator(".question").inner_text() == "one\ntwo/"


def test_a_link_fills_the_question_in_and_never_sends_it(page: Page, site: Site) -> None:
    page.goto(f"{site.url}?q=linked")
    page.wait_for_selector("#examples li")
    assert page.locator("#question").input_value() == "linked"
    assert page.locator(".turn").count() == 0
    page.press("#question", "Enter")
    assert site.heard("asked linked")
    page.wait_for_selector("[data-state=answered]")

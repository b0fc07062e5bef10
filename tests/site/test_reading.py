"""What readers do: search, fold open, flip, play, switch the theme, print; by mouse, by keyboard and from a folder."""

import re

import pytest

from tools.book import SITE


def results(page):
    page.wait_for_selector("#search-results ul.search li a")
    return page.locator("#search-results ul.search li > a").all_inner_texts()


def test_the_front_page_finds_vanishing(open_page):
    page = open_page("index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("vanishing")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=vanishing*")
    assert any("Vanishing and exploding gradients" in title for title in results(page))


def test_search_opens_by_mouse_and_leads_to_the_place(open_page):
    page = open_page("index.html", width=390)
    page.locator(".search-button:visible").first.click()
    page.locator("#pst-search-dialog input").fill("teacher forcing")
    page.keyboard.press("Enter")
    results(page)
    page.locator("#search-results ul.search li > a").first.click()
    page.wait_for_load_state()
    assert "forcing" in page.locator("article").inner_text().lower()


def test_search_works_from_a_folder(browser):
    context = browser.new_context(offline=True)
    page, complaints = context.new_page(), []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto((SITE / "search.html").as_uri() + "?q=vanishing")
    found = results(page)
    context.close()
    assert any("Vanishing and exploding gradients" in title for title in found)
    assert complaints == []


def test_the_theme_can_be_switched_and_is_kept(open_page):
    page = open_page("index.html")
    theme = "document.documentElement.dataset.theme"
    switch = page.locator(".theme-switch-button:visible").first
    for _ in range(3):  # light, dark, as the system
        switch.click()
        if page.evaluate(theme) == "dark":
            break
    assert page.evaluate(theme) == "dark"
    page.goto(page.url.replace("index", "05-gradients"))
    assert page.evaluate(theme) == "dark"


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_quiz_answers_open_and_say_whether_they_are_right(by, open_page):
    page = open_page("05-gradients.html")
    answers = page.locator("section#quiz details.quiz")
    assert answers.count() >= 15
    said = []
    for answer in answers.all()[:3]:
        summary, reason = answer.locator("summary"), answer.locator(".sd-summary-content")
        assert not reason.is_visible()
        if by == "mouse":
            summary.click()
        else:
            summary.focus()
            assert summary.evaluate("e => getComputedStyle(e).outlineStyle !== 'none' || e.matches(':focus-visible')")
            page.keyboard.press("Enter")
        assert reason.is_visible()
        said.append(reason.inner_text())
        summary.click()
        assert not reason.is_visible()
    assert sum(text.startswith("Right.") for text in said) == 1
    assert sum(text.startswith("No.") for text in said) == 2


def test_quiz_and_cards_speak_to_a_screen_reader(open_page):
    """Each is a group with its own words, formulas too; once it is unfolded, the answer is in it."""
    page = open_page("05-gradients.html")
    for section in ("quiz", "flash-cards"):
        fold = page.locator(f"section#{section} details").first
        folded = fold.aria_snapshot()
        assert folded.startswith("- group") and ("math:" in folded) == (fold.locator("summary .katex").count() > 0)
        fold.locator("summary").press("Enter")
        unfolded = fold.aria_snapshot()
        assert unfolded.startswith("- group") and len(unfolded) > len(folded) + 20


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_flash_card_turns_by_keyboard(key, open_page):
    page = open_page("06-gates.html")
    card = page.locator("section#flash-cards details").first
    back = card.locator(".sd-summary-content")
    assert not back.is_visible()
    card.locator("summary").focus()
    page.keyboard.press(key)
    assert back.is_visible() and back.inner_text().strip()


def test_recap_tabs_change_by_mouse_and_keyboard(open_page):
    page = open_page("05-gradients.html")
    tabs = page.locator("section#recap .sd-tab-set").first
    panels = tabs.locator(".sd-tab-content")
    assert [panel.is_visible() for panel in panels.all()] == [True, False, False]
    tabs.locator("label").nth(1).click()
    assert [panel.is_visible() for panel in panels.all()] == [False, True, False]
    page.keyboard.press("ArrowRight")
    assert [panel.is_visible() for panel in panels.all()] == [False, False, True]


# ---- the animation ---------------------------------------------------------------------------------------------------


def test_an_animation_loads_when_reached_and_waits_for_the_reader(open_page, site):
    page, asked = open_page(None, reduced_motion="reduce"), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site}/02-unrolling.html")
    page.wait_for_load_state("networkidle")
    assert not any(re.search(r"/animations/.*\.js", address) for address in asked)
    animation = page.locator(".animation")
    animation.scroll_into_view_if_needed()
    page.wait_for_function("Object.keys(window).some((name) => /^anim[0-9a-f]{8}/.test(name))")
    picture = animation.locator("img").first
    shown = picture.get_attribute("src")
    page.wait_for_timeout(1500)  # longer than from one picture to the next
    assert picture.get_attribute("src") == shown, "it plays by itself"


def test_an_animation_plays_and_pauses(open_page):
    page = open_page("02-unrolling.html")
    animation = page.locator(".animation")
    animation.scroll_into_view_if_needed()
    page.wait_for_function("Object.keys(window).some((name) => /^anim[0-9a-f]{8}/.test(name))")
    picture = animation.locator("img").first
    last = picture.get_attribute("src")
    animation.get_by_role("button", name="Play", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("([image, last]) => image.src !== last", arg=[picture.element_handle(), last])
    animation.get_by_role("button", name="Pause").click()
    paused = picture.get_attribute("src")
    page.wait_for_timeout(1500)
    assert picture.get_attribute("src") == paused


# ---- paper -----------------------------------------------------------------------------------------------------------


def test_on_paper_nothing_is_folded_and_the_way_around_is_gone(open_page):
    page = open_page("02-unrolling.html")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("article details:not([open])").count() == 0
    for panel in page.locator("section#recap .sd-tab-content").all():
        assert panel.is_visible()
    for gone in ("#pst-primary-sidebar", ".notebook-links", ".prev-next-footer", ".explorable-panel"):
        assert not page.locator(gone).first.is_visible(), gone
    assert page.locator("figure.explorable img").first.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("article details:not([open])").count() > 0

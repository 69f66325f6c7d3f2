"""What every page must bear, measured in one way by all tests of the browser. What axe finds, its fixture gives."""

WIDTHS = (320, 390, 1280)  # px: 200 % zoom of the narrowest phone, a phone, a desk
HEAVIEST = 60_000  # bytes over the wire of a page of the front line


def sideways(page):
    """By how many px the page scrolls sideways."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def too_wide(page, widths=WIDTHS):
    """The widths of the window at which the page scrolls sideways, and by how many px. The window is left as it was."""
    before, found = page.viewport_size, {}
    for width in widths:
        page.set_viewport_size({"width": width, "height": before["height"]})
        if over := sideways(page):
            found[width] = over
    page.set_viewport_size(before)
    return found


def weight(page, url):
    """How many bytes come over the wire with a page that the browser has never seen."""
    sizes = []
    page.on("requestfinished", lambda request: sizes.append(request.sizes()))
    page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.goto(url)
    page.wait_for_load_state("networkidle")
    assert sizes, "nothing came over the wire"
    return sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)

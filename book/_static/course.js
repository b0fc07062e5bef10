// What the pages do by themselves. Each part works alone, and without it the page can still be read.

// A film's pictures come when its place on the page does.
for (const animation of document.querySelectorAll(".animation[data-film]")) {
  const near = (entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    const film = document.createElement("script");
    film.src = animation.dataset.film;
    document.head.append(film);
  };
  new IntersectionObserver(near, { rootMargin: "400px" }).observe(animation);
}

// What scrolls inside itself can be reached by keyboard. What is not laid out yet may scroll; it is measured later.
const SCROLLING = "pre, .cell_output > .output, .pst-scrollable-table-container, div.math, .admonition span.math";
const scrolling = document.querySelectorAll(`.bd-article :is(${SCROLLING})`);
function reachable(target, may) {
  if (may) {
    target.tabIndex = 0;
    target.setAttribute("role", "group");
    target.setAttribute("aria-label", "Scrolls sideways");
  } else if (target !== document.activeElement) {
    for (const name of ["tabindex", "role", "aria-label"]) target.removeAttribute(name);
  }
}
function measure(target) {
  if (target.checkVisibility({ contentVisibilityAuto: true })) reachable(target, target.scrollWidth > target.clientWidth);
}
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => measure(target)));
for (const target of scrolling) {
  reachable(target, true);
  sizes.observe(target);
}
document.fonts.addEventListener("loadingdone", () => scrolling.forEach(measure));

// Paper cannot be unfolded, and does not load when reached.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("article details:not([open])")];
  for (const details of folded) details.open = true;
  for (const image of document.images) image.loading = "eager";
});
addEventListener("afterprint", () => {
  for (const details of folded) details.open = false;
});

// From a folder, a page cannot read the others, so what the search finds is listed without an excerpt.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

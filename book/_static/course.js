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

// What scrolls sideways inside itself can be reached by keyboard, as long as it does.
function reachable(element) {
  if (element.scrollWidth > element.clientWidth) {
    element.tabIndex = 0;
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", "Scrolls sideways");
  } else {
    for (const name of ["tabindex", "role", "aria-label"]) element.removeAttribute(name);
  }
}
const wide = document.querySelectorAll(".bd-article div.math, .bd-article .admonition span.math");
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => reachable(target)));
for (const element of wide) sizes.observe(element);
document.fonts.addEventListener("loadingdone", () => wide.forEach(reachable));

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

// In the head of every page, before anything is drawn: otherwise a reader of the dark theme would see a white page first.
(() => {
  const page = document.documentElement.dataset;
  const kept = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // a browser that keeps nothing
    }
  };
  page.mode = kept("mode") || "auto";
  const dark = page.mode === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : page.mode === "dark";
  page.theme = dark ? "dark" : "light";
})();

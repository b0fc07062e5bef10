/* A button below the picture, which loads the character network. Before it is pressed, nothing of that is asked for. */
(() => {
  "use strict";
  const { button, define, html } = explorables;

  const NAME = "character-network";
  const FOLDER = new URL("../character-network/", document.currentScript.src).href;
  const MEGABYTES = 6; // of all that Start asks for
  const WORKED_SINCE = 2023;

  function offer(figure) {
    const status = html("p", { "aria-live": "polite" });
    const start = button(`Start the network (${MEGABYTES} MB)`, begin, { class: "explorable-main" });
    const offered = html("div", { class: "character-network-offer", style: "margin-block: 0.75rem" },
      html("style", {}, "@media print { .character-network-offer { display: none; } }"),
      html("div", { class: "explorable-buttons", style: "justify-content: center" }, start), status);

    async function begin() {
      if (start.getAttribute("aria-disabled")) return;
      start.setAttribute("aria-disabled", "true");
      status.textContent = "Loading the network. That takes a few seconds.";
      try {
        const network = await load();
        offered.remove();
        define(NAME, "The character network", (...parts) => explorables.characterNetworkPanel(...parts, network));
        figure.querySelector("textarea").focus({ preventScroll: true });
      } catch (error) {
        console.warn(error);
        status.textContent = sorry();
        start.textContent = "Try again";
        start.removeAttribute("aria-disabled");
      }
    }

    figure.insertBefore(offered, figure.querySelector("figcaption"));
  }

  function sorry() {
    const picture = "The picture above was drawn from the same network.";
    if (!window.WebAssembly || !window.DecompressionStream)
      return `This browser is too old for the network: it needs WebAssembly and DecompressionStream, which browsers have had since ${WORKED_SINCE}. ${picture}`;
    return `The network could not be loaded${navigator.onLine ? "" : ", as you seem to be offline"}. ${picture}`;
  }

  async function load() {
    await Promise.all([
      added("link", { rel: "stylesheet", href: `${FOLDER}panel.css` }),
      explorables.characterNetworkPanel ?? script("panel.js"),
      explorables.loadCharacterNetwork ?? script("network.js"),
    ]);
    return explorables.loadCharacterNetwork(script);
  }

  const script = (name) => added("script", { src: FOLDER + name });

  function added(tag, attributes) {
    return new Promise((load, fail) => {
      const error = () => (node.remove(), fail(new Error(`${attributes.src ?? attributes.href} did not come`)));
      const node = html(tag, { ...attributes, load, error });
      document.head.append(node);
    });
  }

  document.querySelectorAll(`figure[data-explorable="${NAME}"]`).forEach(offer);
})();

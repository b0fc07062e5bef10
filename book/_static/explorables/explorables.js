/* What all explorables share: the panel that takes a picture's place, its controls and its numbers. */
window.explorables = (() => {
  "use strict";

  const QUIET = 200; // milliseconds without a change, after which a change is said
  let ids = 0;

  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (typeof value === "function") node.addEventListener(name, value);
      else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children);
    return node;
  }

  const html = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  /* ---- symbols and numbers ---- */

  /** "W_x" or "h_2" as HTML. */
  function symbol(name) {
    const [letter, index] = name.split("_");
    const lower = /^\d*$/.test(index ?? "") ? index : html("i", {}, index);
    return html("span", { class: "explorable-symbol" }, html("i", {}, letter), index ? html("sub", {}, lower) : "");
  }

  /** The same inside an SVG's text. */
  function svgSymbol(name) {
    const [letter, index] = name.split("_");
    const style = /^\d*$/.test(index ?? "") ? null : "italic";
    const lower = svg("tspan", { dy: 4, "font-size": "80%", "font-style": style }, index ?? "");
    return svg("tspan", {}, svg("tspan", { "font-style": "italic" }, letter), index ? lower : "");
  }

  /** A number as people read it: a real minus sign, and none before a zero. */
  function text(value, digits = 3) {
    const shown = value.toFixed(digits);
    return Number(shown) === 0 ? shown.replace("-", "") : shown.replace("-", "−");
  }

  /** What tells a test, or a reader's own script, which number this is, in full precision. */
  const data = (name, value) => ({ "data-name": name, "data-value": value });

  function number(name, value, digits) {
    return html("span", { class: "explorable-number", ...data(name, value) }, text(value, digits));
  }

  /** A number that follows a sign: in brackets if it is negative. */
  function factor(name, value, digits) {
    const shown = number(name, value, digits);
    return shown.textContent.startsWith("−") ? html("span", {}, "(", shown, ")") : shown;
  }

  /** A positive number of any size, with three digits. */
  function scientific(name, value) {
    const [digits, power] = value.toExponential(2).split("e");
    if (value === 0) return number(name, value, 0);
    if (power >= -3 && power <= 2) return number(name, value, 2 - power);
    const raised = html("sup", {}, power.replace("-", "−").replace("+", ""));
    return html("span", { class: "explorable-number", ...data(name, value) }, `${digits} · 10`, raised);
  }

  /* ---- controls ---- */

  function slider({ name, label, min, max, step, value, digits = 2, change }) {
    const id = `explorable-control-${++ids}`;
    const output = html("output", { for: id });
    const limits = { min, max, step, value, autocomplete: "off" };
    const input = html("input", { id, type: "range", ...limits, "data-control": name });
    const control = {
      node: html("div", { class: "explorable-slider" }, html("label", { for: id }, label), output, input),
      get value() {
        return Number(input.value);
      },
      set value(wanted) {
        input.value = wanted;
        show();
      },
    };
    function show() {
      output.textContent = text(control.value, digits);
      fill(output, data(name, control.value), []);
    }
    input.addEventListener("input", () => {
      show();
      change();
    });
    show();
    return control;
  }

  /** A field for a number, which is kept within its limits; `change` is told, in words, when something is wrong. */
  function field({ name, label, min, max, value, digits = 2, change }) {
    const id = `explorable-control-${++ids}`;
    const limits = { min, max, step: 0.1, value, autocomplete: "off" };
    const input = html("input", { id, type: "number", ...limits, "data-control": name });
    const node = html("div", { class: "explorable-field" }, html("label", { for: id }, label), input);
    const control = { node, value };
    const problem = () => {
      const words = ` has to be a number from ${text(min, 0)} to ${text(max, 0)}. It counts as `;
      return [label.cloneNode?.(true) ?? label, words, text(control.value, digits), "."];
    };
    input.addEventListener("input", () => {
      const typed = Number.parseFloat(input.value);
      const good = typed >= min && typed <= max;
      if (Number.isFinite(typed)) control.value = Number(Math.min(max, Math.max(min, typed)).toFixed(digits));
      input.setAttribute("aria-invalid", !good);
      change(good ? null : problem());
    });
    const settle = () => {
      input.value = control.value;
      input.removeAttribute("aria-invalid");
    };
    input.addEventListener("change", settle);
    input.addEventListener("blur", settle);
    return control;
  }

  /** One of several, as radio buttons; `options` are pairs of value and label. */
  function choice({ name, label, options, value, change }) {
    const group = `explorable-control-${++ids}`;
    const radio = ([option, words]) => {
      const marked = { checked: option === value, "data-control": `${name}-${option}` };
      const input = html("input", { type: "radio", name: group, value: option, ...marked });
      input.addEventListener("change", () => {
        control.value = option;
        change();
      });
      return html("label", {}, input, " ", words);
    };
    const control = { value };
    control.node = html("fieldset", { class: "explorable-choice" }, html("legend", {}, label), ...options.map(radio));
    return control;
  }

  const button = (words, click, attributes) => html("button", { type: "button", click, ...attributes }, words);

  /* ---- the panel ---- */

  /**
   * Put a panel in the place of each picture NAME, and let `build` fill it. It is given `say`, which says words
   * (strings and nodes) in the line `status`, which is read aloud; the line comes last, unless `build` puts it
   * elsewhere. If `build` fails, the picture stays.
   */
  function define(name, title, build) {
    for (const figure of document.querySelectorAll(`figure[data-explorable="${name}"]`)) {
      const status = html("p", { class: "explorable-status", "aria-live": "polite" });
      const panel = html("div", { class: "explorable-panel", role: "group", "aria-label": title });
      let timer;
      const say = (...words) => {
        clearTimeout(timer);
        if (panel.isConnected) timer = setTimeout(() => status.replaceChildren(...words), QUIET);
        else status.replaceChildren(...words);
      };
      build(panel, say, status);
      if (!panel.contains(status)) panel.append(status);
      figure.insertBefore(panel, figure.querySelector("figcaption"));
      figure.classList.add("explorable-running");
      keepForPrint(figure.querySelector("img"));
    }
  }

  /** A page is printed with the picture, so it has to be there, even if nobody scrolls to it. */
  function keepForPrint(picture) {
    const load = () => (picture.loading = "eager");
    if (document.readyState === "complete") load();
    else addEventListener("load", load);
  }

  const controls = { button, choice, field, slider };
  return { ...controls, data, define, factor, html, number, scientific, svg, svgSymbol, symbol, text };
})();

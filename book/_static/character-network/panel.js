/* Type, and see what the character network expects next and what its units hold; or let it write. */
explorables.characterNetworkPanel = (panel, say, status, network) => {
  "use strict";
  const { button, choice, data, field, html, number, slider, svg, symbol, text: shown } = explorables;

  const MOST = 1000; // characters of the text
  const ROWS = 8; // of the next characters
  const CELLS = 72; // of the last characters
  const PAUSE = 90; // milliseconds between two characters that it writes
  const LENGTH = 200; // characters that it writes at a time
  const FIRST = 'The built-in function "print" ';
  const WORDS = { h: "hidden state", c: "cell state", f: "forget gate", i: "input gate", o: "output gate", g: "candidate" };
  const SIGNED = "hcg";
  const visible = (c) => ({ " ": "␣", "\n": "⏎" })[c] ?? c;
  const spoken = (c) => ({ " ": "space", "\n": "new line", '"': "quotation mark", ".": "full stop", ",": "comma" })[c] ?? c;
  const atOnce = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));

  let prompt = FIRST, writing = null;

  /* ---- the controls ---- */

  const id = "character-network-text";
  const input = html("textarea", { id, rows: 4, maxlength: MOST, spellcheck: "false", autocapitalize: "off", autocomplete: "off", input: typed });
  const cost = html("p", { class: "character-network-note" });
  const note = html("p", { class: "character-network-note", "aria-live": "polite" });
  const temperature = slider({ name: "temperature", label: "temperature", min: 0.1, max: 1.5, step: 0.1, value: 0.5, digits: 1, change() {} });
  const seed = field({ name: "seed", label: html("span", {}, "seed"), min: 1, max: 9999, value: 1, digits: 0, change: (wrong) => wrong && say(...wrong) });
  const writer = button("Let it write", () => (writing ? stop() : write()), { class: "explorable-main" });
  const again = button("Again", () => ((input.value = prompt), write()), { title: "Take back what it wrote, and write it again" });
  const unit = field({ name: "unit", label: html("span", {}, "unit"), min: 0, max: network.units - 1, value: network.found[0].unit, digits: 0,
    change: (wrong) => (wrong && say(...wrong), draw()) });
  const quantity = choice({ name: "quantity", label: "its", value: network.found[0].quantity, change: () => draw(),
    options: Object.keys(WORDS).map((name) => [name, html("span", {}, symbol(`${name}_t`))]) });
  const found = network.found.map((one) => button(`${one.unit}: ${one.name}`, () => pick(one.unit, one.quantity)));
  for (const { node } of [seed, unit]) node.querySelector("input").step = 1;

  const odds = html("tbody");
  const cells = html("div", { class: "character-network-cells", role: "img" });
  const strips = Object.keys(WORDS).map(strip);
  const title = (words) => html("p", { class: "character-network-title" }, words);

  panel.append(
    html("div", {}, html("label", { for: id }, "Your text: type, delete, paste"), input, cost, note),
    html("div", { class: "explorable-row explorable-halves" }, temperature.node, seed.node),
    html("div", { class: "explorable-buttons" }, writer, again),
    html("table", { class: "character-network-odds" }, html("caption", {}, "What comes next, by the network's odds"),
      html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "character"), html("td"), html("th", { scope: "col" }, "probability"))), odds),
    status,
    title("One unit, after each character"),
    html("div", { class: "explorable-buttons" }, ...found),
    html("div", { class: "character-network-unit" }, unit.node, quantity.node), cells,
    title(`All ${network.units} units now, from left to right; click one to follow it`), ...strips.map((s) => s.node));

  /* ---- its numbers ---- */

  /** One bar a unit, and the value of the unit that was picked. */
  function strip(name) {
    const [middle, height] = SIGNED.includes(name) ? [1, 2] : [1, 1];
    const paths = ["explorable-positive", "explorable-negative", "character-network-picked"].map((kind) => svg("path", { class: kind }));
    const mark = svg("rect", { class: "character-network-mark", y: 0, height, width: 3 });
    const axis = svg("line", { class: "explorable-axis", x1: 0, x2: network.units, y1: middle, y2: middle });
    const picture = svg("svg", { viewBox: `0 0 ${network.units} ${height}`, preserveAspectRatio: "none", role: "img", click: pickAt }, mark, ...paths, axis);
    const words = html("span"), value = html("span", { class: "explorable-number" });
    const bar = (length, k) => `M${k} ${middle}h.9v${-length}h-.9z`;
    const node = html("div", { class: "character-network-strip" }, html("span", {}, symbol(`${name}_t`), " ", words), value, picture);
    return { node, draw(step) {
      const reach = name === "c" ? Math.ceil(Math.max(1, ...step.c.map(Math.abs))) : 1;
      const bars = Array.from(step[name], (v) => v / reach), picked = unit.value, now = step[name][picked];
      const drawn = (wanted) => bars.map((v, k) => (wanted(v, k) ? bar(v, k) : "")).join("");
      [(v) => v > 0, (v) => v < 0, (v, k) => k === picked].forEach((wanted, k) => paths[k].setAttribute("d", drawn(wanted)));
      mark.setAttribute("x", picked - 1);
      words.textContent = `${WORDS[name]}${reach > 1 ? `, from −${reach} to ${reach}` : ""}`;
      value.textContent = shown(now, 2);
      for (const [key, v] of Object.entries(data(name, now))) value.setAttribute(key, v);
      picture.setAttribute("aria-label", `The ${WORDS[name]} of all units. That of unit ${picked} is ${shown(now, 2)}.`);
    } };
  }

  function pickAt(event) {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    pick(Math.max(0, Math.min(network.units - 1, Math.floor(((event.clientX - left) / width) * network.units))));
  }

  function pick(number, name) {
    unit.value = unit.node.querySelector("input").value = number;
    if (name) quantity.node.querySelector(`[value="${name}"]`).click();
    draw();
  }

  const likely = (y) => Array.from(y.keys()).sort((a, b) => y[b] - y[a]).slice(0, ROWS);

  function drawOdds({ y }) {
    odds.replaceChildren(...likely(y).map((k) => {
      const c = network.alphabet[k];
      return html("tr", {}, html("th", { scope: "row", "aria-label": spoken(c) }, visible(c)),
        html("td", {}, html("div", { class: "character-network-bar", style: `width: ${100 * y[k]}%` })),
        html("td", { class: "explorable-number", ...data(`y-${k}`, y[k]) }, `${shown(100 * y[k], 1)} %`));
    }));
  }

  function drawCells() {
    const name = quantity.value, from = Math.max(0, network.text.length - CELLS);
    const values = network.steps.slice(from + 1).map((step) => step[name][unit.value]);
    const scale = Math.max(1, ...values.map(Math.abs));
    cells.replaceChildren(...values.map((v, k) =>
      html("span", { class: v < 0 && "character-network-below", style: `--shade: ${Math.round((100 * Math.abs(v)) / scale)}%` },
        visible(network.text[from + k]), html("span", { class: "explorable-number", ...data(`${name}-${from + k + 1}`, v) }, shown(v, 1)))));
    cells.setAttribute("aria-label", `The last ${values.length} characters, each with the ${WORDS[name]} of unit ${unit.value} after it`);
  }

  function draw() {
    const step = network.steps.at(-1);
    cost.replaceChildren(...(network.text ? ["It cost the network ", number("bits", network.bits(), 2), " bits per character."] : []));
    drawOdds(step);
    drawCells();
    strips.forEach((s) => s.draw(step));
  }

  /* ---- its text ---- */

  async function typed() {
    stop();
    prompt = input.value;
    const wanted = understood();
    await network.read(wanted);
    if (network.text !== wanted) return;
    draw();
    const { y } = network.steps.at(-1);
    const first = likely(y).slice(0, 3).filter((k, rank) => rank === 0 || y[k] > 0.01);
    say("Most probable next: ", first.map((k) => `${spoken(network.alphabet[k])} ${shown(100 * y[k], 0)} %`).join(", "), ".");
  }

  /** The text as the network reads it; what it does not know is said. */
  function understood() {
    const { read, unknown } = network.understand(input.value);
    const used = `${input.value.length} of ${MOST} characters. `;
    const left = unknown.length && `Left out, as the network has never seen ${unknown[1] ? "them" : "it"}: ${unknown.slice(0, 10).join(" ")}`;
    note.textContent = left || (input.value.length > 0.9 * MOST && used) || (read !== input.value && `The network reads: ${read.slice(-40)}`) || "";
    return read;
  }

  function stop() {
    if (writing) writing.stopped = true;
    writing = null;
    writer.textContent = "Let it write";
  }

  async function write() {
    stop();
    const mine = (writing = { stopped: false }), before = input.value.length;
    writer.textContent = "Stop";
    await network.read(understood());
    for (let k = 0; k < LENGTH && input.value.length < MOST && !mine.stopped; k++) {
      input.value += network.draw(temperature.value, seed.value);
      await network.read(understood());
      if (atOnce() || mine.stopped) continue;
      draw();
      input.scrollTop = input.scrollHeight;
      await wait(PAUSE);
    }
    if (mine.stopped) return;
    stop();
    draw();
    say("It wrote: ", input.value.slice(before));
  }

  input.value = FIRST;
  draw();
  typed();

  /** To look at its numbers from the console, and for the tests. */
  explorables.characterNetwork = Object.freeze({
    alphabet: network.alphabet,
    get text() { return network.text; },
    get writing() { return writing !== null; },
    /** y, h, c, f, i, o and g after so many characters of the text. */
    after: (characters) => structuredClone(network.steps[characters]),
  });
};

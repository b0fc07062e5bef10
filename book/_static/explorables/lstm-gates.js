/* Open and close the gates of an LSTM with one unit, and watch its cell state. */
explorables.define("lstm-gates", "The gates of an LSTM to open and close", (panel, say, status) => {
  "use strict";
  const { button, data, factor, html, number, slider, svg, symbol, text } = explorables;

  const STEPS = 12;
  const CANDIDATES = [0.8, -0.4, 0.6, 0.5, -0.3, 0.7, -0.6, 0.4, 0.9, -0.5, 0.3, -0.7];
  const GATES = { f: "forget gate", i: "input gate", o: "output gate" };
  const STRIPS = { g: 40, c: 96, h: 64 }; // heights, in pixels
  const LIMITS = [1, 3, STEPS]; // of the axis of c, which can reach STEPS

  const steps = Array.from({ length: STEPS }, (_, t) => t + 1);
  const only = (...opened) => steps.map((t) => opened.includes(t));
  const but = (...closed) => steps.map((t) => !closed.includes(t));
  const PRESETS = {
    "Remember the first value": {
      gates: { f: but(), i: only(1), o: only(12) },
      words: "Written at step 1, kept by f, and shown by o at step 12.",
    },
    "Overwrite at every step": {
      gates: { f: only(), i: but(), o: but() },
      words: "f is closed: nothing is kept, and c is what i lets in.",
    },
    "Add up": {
      gates: { f: but(), i: but(), o: but() },
      words: "f and i are open: c is a sum, and can pass 1.",
    },
    "Forget in the middle": {
      gates: { f: but(7), i: only(1, 10), o: but() },
      words: "f closes at step 7 and empties c; i writes anew at step 10.",
    },
  };

  const g = [...CANDIDATES];
  let open, selected = 1;

  const candidate = slider({
    name: "g", label: html("span"), min: -1, max: 1, step: 0.1, value: g[0], digits: 1,
    change: () => ((g[selected - 1] = candidate.value), draw()),
  });
  const leak = slider({
    name: "leak", label: "how leaky the gates are", min: 0, max: 0.4, step: 0.01, value: 0.02, change: () => draw(),
  });
  const levels = html("p");
  const equation = html("div", { class: "explorable-equation explorable-two-equations" });

  const gate = (name, t) => (open[name][t - 1] ? 1 - leak.value : leak.value);

  /** c_0 … c_12 and h_0 … h_12. */
  function states() {
    const [c, h] = [[0], [0]];
    for (const t of steps) {
      c.push(gate("f", t) * c[t - 1] + gate("i", t) * g[t - 1]);
      h.push(gate("o", t) * Math.tanh(c[t]));
    }
    return { c, h };
  }

  /* ---- the roll: what is pressed, and how one moves in it ---- */

  const heads = steps.map((t) => button(t, () => select(t), { "aria-label": `step ${t}`, class: "explorable-head" }));
  const toggles = Object.entries(GATES).map(([name, words]) =>
    steps.map((t) => button("", () => toggle(name, t),
      { "aria-label": `${words}, step ${t}`, class: "explorable-gate", "data-name": `${name}_${t}` })));
  const buttons = [heads, ...toggles];

  function toggle(name, t) {
    open[name][t - 1] = !open[name][t - 1];
    select(t);
  }

  function select(t) {
    selected = t;
    candidate.value = g[t - 1];
    draw();
  }

  function choose({ gates, words }) {
    open = structuredClone(gates);
    g.splice(0, STEPS, ...CANDIDATES);
    candidate.value = g[selected - 1];
    draw(words);
  }

  function placeOf(pressed) {
    const row = buttons.findIndex((each) => each.includes(pressed));
    return row < 0 ? null : [row, buttons[row].indexOf(pressed)];
  }

  function move(event) {
    const [row, t] = placeOf(event.target) ?? [];
    const wanted = {
      ArrowLeft: [row, t - 1], ArrowRight: [row, t + 1], ArrowUp: [row - 1, t], ArrowDown: [row + 1, t],
      Home: [row, 0], End: [row, STEPS - 1],
    }[event.key];
    if (row === undefined || !wanted) return;
    event.preventDefault();
    buttons[wanted[0]]?.[wanted[1]]?.focus();
  }

  /** The Tab key stops once in the roll, where one was last. */
  function stopAt(pressed) {
    for (const each of buttons.flat()) each.tabIndex = each === pressed ? 0 : -1;
  }

  function entered(event) {
    const place = placeOf(event.target);
    if (!place) return;
    stopAt(event.target);
    if (place[1] + 1 !== selected) select(place[1] + 1);
  }

  /* ---- the picture ---- */

  const charts = Object.fromEntries(Object.entries(STRIPS).map(([name, height]) =>
    [name, svg("svg", { viewBox: `0 0 ${STEPS} 2`, height, preserveAspectRatio: "none", role: "img" })]));
  const scales = Object.fromEntries(Object.keys(STRIPS).map((name) => [name, html("small")]));

  function draw(words) {
    const { c, h } = states();
    heads.forEach((head, t) => head.setAttribute("aria-current", t + 1 === selected ? "step" : "false"));
    toggles.flat().forEach((each) => {
      const [name, t] = each.dataset.name.split("_");
      each.setAttribute("aria-pressed", open[name][t - 1]);
      each.dataset.value = gate(name, t);
    });
    chart("g", g, 1);
    chart("c", c.slice(1), LIMITS.find((limit) => c.every((value) => Math.abs(value) <= limit)));
    chart("h", h.slice(1), 1);
    levels.replaceChildren("A closed gate is ", number("closed", leak.value, 2), ", an open one ",
      number("open", 1 - leak.value, 2), ".");
    candidate.node.querySelector("label span").replaceChildren("candidate ", symbol(`g_${selected}`));
    equation.replaceChildren(...written(c, h));
    say(...(words ? withSymbols(words) : summary(c, h)));
  }

  function chart(name, values, limit) {
    const bars = values.map((value, t) => {
      const place = { x: t + 0.12, width: 0.76, y: 1 - Math.max(0, value) / limit, height: Math.abs(value) / limit };
      const sign = value < 0 ? "explorable-negative" : "explorable-positive";
      return svg("rect", { ...place, class: sign, ...data(`${name}_${t + 1}`, value) });
    });
    charts[name].replaceChildren(
      svg("rect", { x: selected - 1, width: 1, height: 2, class: "explorable-band" }),
      ...bars,
      svg("path", { d: `M0 1H${STEPS}`, class: "explorable-axis" }));
    charts[name].setAttribute("aria-label", `${name} at steps 1 to 12: ${values.map((v) => text(v, 2)).join(", ")}`);
    scales[name].textContent = `±${limit}`;
  }

  /* ---- the words ---- */

  const withSymbols = (words) => words.split(/\b([cfio])\b/).map((part, k) => (k % 2 ? symbol(part) : part));

  function written(c, h) {
    const t = selected;
    const named = (name, value, digits) => factor(`equation-${name}`, value, digits);
    const term = (...parts) => [html("span", { class: "explorable-term" }, ...parts), " "];
    const line = (...terms) => html("p", {}, ...terms.flat());
    return [
      line(term(symbol(`c_${t}`), " = ", symbol(`f_${t}`), " ", symbol(`c_${t - 1}`)),
        term("+ ", symbol(`i_${t}`), " ", symbol(`g_${t}`))),
      line(term("= ", named("f", gate("f", t), 2), " · ", named("before", c[t - 1], 3)),
        term("+ ", named("i", gate("i", t), 2), " · ", named("g", g[t - 1], 1)),
        term("= ", number("equation-c", c[t]))),
      line(term(symbol(`h_${t}`), " = ", symbol(`o_${t}`), " tanh(", symbol(`c_${t}`), ")")),
      line(term("= ", named("o", gate("o", t), 2), " · tanh(", number("equation-inside", c[t]), ")"),
        term("= ", number("equation-h", h[t]))),
    ];
  }

  function summary(c, h) {
    return [`Step ${selected}: `, symbol(`c_${selected}`), " = ", number("status-c", c[selected]), ", ",
      symbol(`h_${selected}`), " = ", number("status-h", h[selected]), "."];
  }

  const line = (head, ...cells) => html("tr", {}, html("th", { scope: "row" }, ...head), ...cells);
  const asGrid = { role: "grid", "aria-label": "gates at each step", keydown: move, focusin: entered };
  const single = (each) => html("td", {}, each);

  panel.append(
    html("div", { class: "explorable-buttons" },
      ...Object.entries(PRESETS).map(([name, preset]) => button(name, () => choose(preset)))),
    status,
    html("p", {}, symbol("f_t"), " keeps, ", symbol("i_t"), " writes, ", symbol("o_t"),
      " shows. Press a gate to open it (○) or to close it (–); the arrow keys move."),
    html("div", { class: "explorable-scroll" },
      html("table", { class: "explorable-roll", ...asGrid },
        line([html("i", {}, "t")], ...heads.map(single)),
        ...Object.keys(GATES).map((name, row) => line([symbol(`${name}_t`)], ...toggles[row].map(single))),
        ...Object.keys(STRIPS).map((name) =>
          line([symbol(`${name}_t`), scales[name]], html("td", { colspan: STEPS }, charts[name]))))),
    html("div", { class: "explorable-row explorable-halves" }, candidate.node, leak.node),
    levels,
    equation,
  );
  stopAt(toggles[0][0]);
  choose(Object.values(PRESETS)[0]);
});

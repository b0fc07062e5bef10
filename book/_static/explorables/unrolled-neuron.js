/* Step through an unrolled neuron, h_t = tanh(W_x x_t + W_h h_{t-1} + b), with weights and inputs of one's own. */
explorables.define("unrolled-neuron", "An unrolled neuron to step through", (panel, say, status) => {
  "use strict";
  const { button, data, factor, field, html, number, slider, svg, svgSymbol, symbol, text } = explorables;

  const WEIGHTS = { W_x: 0.8, W_h: 0.5, b: 0.1 }; // those of the pencil, in the chapter on the neuron
  const INPUTS = [1, -0.5, 0.5, 0, -1];
  const STEPS = INPUTS.length;
  const PAUSE = 900; // milliseconds from step to step, when it runs by itself

  let step = 0;
  let running = null;

  const sliders = Object.entries(WEIGHTS).map(([name, value]) =>
    slider({ name, label: symbol(name), min: -2, max: 2, step: 0.05, value, change: draw }),
  );
  const fields = INPUTS.map((value, i) =>
    field({ name: `x_${i + 1}`, label: symbol(`x_${i + 1}`), min: -5, max: 5, value, change: draw }),
  );
  const next = button("Step", () => goTo(step + 1), { class: "explorable-main" });
  const run = button("Run to the end", () => (running ? pause() : start()), { class: "explorable-run" });
  const again = button("Start again", () => goTo(0));
  const picture = svg("svg", { viewBox: "0 0 340 156", role: "img", class: "explorable-picture" });
  const equation = html("div", { class: "explorable-equation" });

  /** h_0, then the state after each step. */
  function states() {
    const [W_x, W_h, b] = sliders.map((s) => s.value);
    return fields.reduce((h, x) => [...h, Math.tanh(W_x * x.value + W_h * h.at(-1) + b)], [0]);
  }

  function goTo(wanted) {
    pause();
    step = Math.min(wanted, STEPS);
    draw();
  }

  function start() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return goTo(STEPS);
    goTo(step === STEPS ? 1 : step + 1);
    if (step === STEPS) return;
    run.textContent = "Pause";
    running = setInterval(() => {
      step += 1;
      if (step === STEPS) pause();
      draw();
    }, PAUSE);
  }

  function pause() {
    clearInterval(running);
    running = null;
    run.textContent = "Run to the end";
  }

  function draw(problem) {
    const h = states();
    next.setAttribute("aria-disabled", step === STEPS);
    picture.replaceChildren(...firstState(h), ...fields.map((x, i) => copy(i + 1, x.value, h)));
    picture.setAttribute("aria-label", description(h));
    equation.replaceChildren(...(step ? written(h) : introduction()));
    say(...(problem ?? summary(h)));
  }

  /* ---- the picture ---- */

  function firstState(h) {
    return [
      svg("text", { x: 12, y: 42 }, svgSymbol("h_0")),
      svg("text", { x: 12, y: 63, ...data("h_0", h[0]) }, "0"),
    ];
  }

  /** One copy of the neuron: its box with the state, its input below, and the arrows that lead to it. */
  function copy(t, x, h) {
    const middle = 61 + (t - 1) * 62;
    const box = { x: middle - 25, y: 24, width: 50, height: 48, rx: 8 };
    const sign = h[t] < 0 ? "explorable-negative" : "explorable-positive";
    const known = t <= step;
    const state = [
      svg("rect", { ...box, class: sign, "fill-opacity": 0.08 + 0.32 * Math.abs(h[t]) }),
      svg("text", { x: middle, y: 63, ...data(`h_${t}`, h[t]) }, text(h[t])),
    ];
    return svg("g", { class: t === step ? "explorable-now" : known ? "" : "explorable-ahead" },
      t === step ? svg("path", { d: `M${middle - 6} 6h12l-6 9z`, class: "explorable-positive" }) : "",
      svg("text", { x: middle - 31, y: 16, class: "explorable-weight" }, svgSymbol("W_h")),
      arrow(middle - 37, 48, middle - 25, 48, "explorable-state-line"),
      ...(known ? state : []),
      svg("rect", { ...box, class: "explorable-state-outline" }),
      svg("text", { x: middle, y: 42 }, svgSymbol(`h_${t}`)),
      arrow(middle, 106, middle, 72, "explorable-input-line"),
      svg("text", { x: middle + 16, y: 94, class: "explorable-weight" }, svgSymbol("W_x")),
      svg("ellipse", { cx: middle, cy: 130, rx: 27, ry: 24, class: "explorable-input-outline" }),
      svg("text", { x: middle, y: 122 }, svgSymbol(`x_${t}`)),
      svg("text", { x: middle, y: 141, ...data(`x_${t}`, x) }, String(x).replace("-", "−")));
  }

  function arrow(x1, y1, x2, y2, name) {
    const [dx, dy] = [Math.sign(x2 - x1), Math.sign(y2 - y1)];
    const [x, y] = [x2 - 6 * dx, y2 - 6 * dy];
    const head = `M${x2} ${y2}L${x - 4 * dy} ${y - 4 * dx}L${x + 4 * dy} ${y + 4 * dx}z`;
    return svg("g", { class: name }, svg("line", { x1, y1, x2: x, y2: y }), svg("path", { d: head }));
  }

  function description(h) {
    const known = h.slice(0, step + 1).map((value, t) => `h ${t} = ${t ? text(value) : 0}`);
    const place = step ? `The present copy is number ${step}.` : "No copy has read its input yet.";
    return `A chain of five copies of one neuron. ${place} Known so far: ${known.join(", ")}.`;
  }

  /* ---- the words ---- */

  function introduction() {
    return [
      html("p", {}, symbol("h_0"), " = 0: before the first input there is nothing to remember."),
      html("p", {}, "Press Step, and the first copy reads its input."),
    ];
  }

  /** The equation of this step: with symbols, with numbers, and its result. */
  function written(h) {
    const [W_x, W_h, b] = sliders.map((s) => s.value);
    const [x, before] = [fields[step - 1].value, h[step - 1]];
    const term = (...parts) => [html("span", { class: "explorable-term" }, ...parts), " "];
    const named = (name, value, digits) => factor(`equation-${name}`, value, digits);
    const line = (...terms) => html("p", {}, ...terms.flat());
    return [
      line(
        term(symbol(`h_${step}`), " = tanh(", symbol("W_x"), " ", symbol(`x_${step}`)),
        term("+ ", symbol("W_h"), " ", symbol(`h_${step - 1}`)),
        term("+ ", symbol("b"), ")")),
      line(
        term("= tanh(", named("W_x", W_x, 2), " · ", named("x", x, 2)),
        term("+ ", named("W_h", W_h, 2), " · ", named("before", before, 3)),
        term("+ ", named("b", b, 2), ")")),
      line(
        term("= tanh(", number("equation-sum", W_x * x + W_h * before + b), ")"),
        term("= ", number("equation-h", h[step]))),
    ];
  }

  function summary(h) {
    if (!step) return ["Nothing has been read yet."];
    const end = step < STEPS ? "." : ". That was the last input.";
    return [`Step ${step} of ${STEPS}: `, symbol(`h_${step}`), " = ", number("status-h", h[step]), end];
  }

  panel.append(
    html("div", { class: "explorable-row explorable-thirds" }, ...sliders.map((s) => s.node)),
    html("div", { class: "explorable-row explorable-fifths" }, ...fields.map((f) => f.node)),
    picture,
    html("div", { class: "explorable-buttons" }, next, run, again),
    equation,
    status,
  );
  draw();
});

/* Turn the recurrent weight of one neuron, h_t = tanh(W_h h_{t-1} + x_t), and see what is left of the gradient after
   k steps back. The inputs x_1 … x_51 are WAVE over and over, times their size; h_0 = 0. */
explorables.define("gradient-lag", "Gradient against lag, for a weight of your choice", (panel, say, status) => {
  "use strict";
  const { choice, data, html, scientific, slider, svg, svgSymbol, symbol } = explorables;

  const WAVE = [0, 0.7, 1, 0.7, 0, -0.7, -1, -0.7];
  const LAGS = 50;
  const STEPS = LAGS + 1; // so that lag 50 leads back to h_1
  const [LEAST, MOST] = [0.01, 100]; // below, the gradient has vanished; above, exploded
  const EDGE = 12; // the axis goes from 10 to the power of -EDGE to that of EDGE
  const PLOT = { left: 54, right: 326, top: 10, bottom: 220 };

  const weight = slider({
    name: "W_h", label: html("span", {}, "recurrent weight ", symbol("W_h")), min: -2, max: 2, step: 0.01, value: 0.9,
    change: draw,
  });
  const size = slider({
    name: "size", label: "how strong the inputs are", min: 0, max: 2, step: 0.05, value: 0, change: draw,
  });
  const activation = choice({
    name: "activation", label: "activation", options: [["tanh", "tanh"], ["linear", "none"]], value: "tanh",
    change: draw,
  });
  const picture = svg("svg", { viewBox: "0 0 340 262", role: "img", class: "explorable-picture" });
  const rows = html("tbody");

  /** The slope of the activation at each step. */
  function slopes() {
    if (activation.value === "linear") return Array(STEPS).fill(1);
    let h = 0;
    return Array.from({ length: STEPS }, (_, t) => {
      h = Math.tanh(weight.value * h + size.value * WAVE[t % WAVE.length]);
      return 1 - h * h;
    });
  }

  /** |∂h_T/∂h_{T-k}| for k = 0 … LAGS: from lag to lag, one slope and one weight more. */
  function gradients() {
    const back = slopes().reverse().slice(0, LAGS);
    return back.reduce((found, slope) => [...found, found.at(-1) * Math.abs(weight.value) * slope], [1]);
  }

  function draw() {
    const found = gradients();
    const powers = found.map((_, k) => Math.abs(weight.value) ** k);
    const end = found.findIndex((gradient) => gradient < LEAST || gradient > MOST);
    picture.replaceChildren(...axes(), ...curve(powers, "explorable-powers"), ...curve(found, "explorable-gradients"),
      ...found.flatMap(dot), ...(end < 0 ? [] : ring(end, found[end])));
    picture.setAttribute("aria-label", description(found[LAGS]));
    rows.replaceChildren(...[1, 10, LAGS].map((k) => row(k, found[k], powers[k])));
    say(...verdict(end, found[end]));
  }

  /* ---- the picture ---- */

  const xOf = (k) => PLOT.left + ((PLOT.right - PLOT.left) * k) / LAGS;
  const yOf = (power) => PLOT.top + ((PLOT.bottom - PLOT.top) * (EDGE - power)) / (2 * EDGE);
  const powerOf = (value) => Math.max(Math.log10(value), -400); // a gradient of 0 is far below the axis
  const onAxis = (power) => Math.abs(power) <= EDGE;

  function axes() {
    const { left, right, top, bottom } = PLOT;
    const band = { x: left, width: right - left, y: yOf(Math.log10(MOST)), class: "explorable-band" };
    const names = [[12, "10¹²"], [6, "10⁶"], [0, "1"], [-6, "10⁻⁶"], [-12, "10⁻¹²"]];
    const levels = names.flatMap(([power, name]) => [
      svg("path", { d: `M${left} ${yOf(power)}H${right}`, class: power ? "explorable-grid" : "explorable-axis" }),
      svg("text", { x: left - 6, y: yOf(power) + 5, class: "explorable-end" }, name),
    ]);
    const lags = [0, 10, 20, 30, 40, 50].flatMap((k) => [
      svg("path", { d: `M${xOf(k)} ${bottom}v5`, class: "explorable-axis" }),
      svg("text", { x: xOf(k), y: bottom + 20 }, k),
    ]);
    return [
      svg("rect", { ...band, height: yOf(Math.log10(LEAST)) - band.y }), ...levels, ...lags,
      svg("path", { d: `M${left} ${top}V${bottom}H${right}`, class: "explorable-axis" }),
      svg("text", { x: (left + right) / 2, y: 258 }, "lag ", svgSymbol("k"), " (steps back)"),
    ];
  }

  /** The line through the values, as far as they are on the axis, and a pointer where it leaves. */
  function curve(values, name) {
    const powers = values.map(powerOf);
    const pointers = [];
    let path = "";
    powers.forEach((power, k) => {
      const inside = onAxis(power);
      if (k && inside !== onAxis(powers[k - 1])) {
        const edge = EDGE * Math.sign(inside ? powers[k - 1] : power);
        const crossing = k - (power - edge) / (power - powers[k - 1]);
        path += `${inside ? "M" : "L"}${xOf(crossing)} ${yOf(edge)}`;
        if (!inside) pointers.push(pointer(xOf(crossing), yOf(edge), Math.sign(edge), name));
      }
      if (inside) path += `${k ? "L" : "M"}${xOf(k)} ${yOf(power)}`;
    });
    return [svg("path", { d: path, class: `explorable-curve ${name}` }), ...pointers];
  }

  function pointer(x, y, up, name) {
    return svg("path", { d: `M${x} ${y}l-7 ${10 * up}h14z`, class: `explorable-pointer ${name}` });
  }

  function dot(value, k) {
    const power = Math.max(-EDGE, Math.min(EDGE, powerOf(value)));
    const place = { cx: xOf(k), cy: yOf(power), r: onAxis(powerOf(value)) ? 2 : 0 };
    return svg("circle", { ...place, class: "explorable-gradients", ...data(`gradient-at-${k}`, value) });
  }

  /** Where the gradient leaves the band. */
  function ring(k, value) {
    const power = powerOf(value);
    return onAxis(power) ? [svg("circle", { cx: xOf(k), cy: yOf(power), r: 7, class: "explorable-ring" })] : [];
  }

  /* ---- the words ---- */

  function description(last) {
    const picture = "The gradient against the lag, from 0 to 50 steps back, on a logarithmic axis.";
    return `${picture} It begins at 1 and ends at ${last.toPrecision(3)}.`;
  }

  function row(k, gradient, power) {
    const cells = [scientific(`gradient-${k}`, gradient), scientific(`power-${k}`, power)];
    return html("tr", {}, html("th", { scope: "row" }, k), ...cells.map((cell) => html("td", {}, cell)));
  }

  function verdict(k, value) {
    const back = html("span", data("steps", k), k === 1 ? "1 step" : `${k} steps`);
    const says = (name, start, ...rest) => [html("strong", data("verdict", name), start), ": ", ...rest];
    if (k < 0) return says("neither", "Neither", "for all 50 steps it stays between 1% and 100 times.");
    if (value < LEAST) return says("vanishes", "It vanishes", back, " back, less than 1% of the gradient is left.");
    return says("explodes", "It explodes", back, " back, the gradient is more than 100 times as large.");
  }

  const powerSign = () =>
    html("span", { class: "explorable-term" }, "|", symbol("W_h"), "|", html("sup", {}, html("i", {}, "k")));

  function sample(name, ...words) {
    const shape = name === "explorable-band" ? svg("rect", { class: name, width: 28, height: 12 })
      : svg("path", { class: `explorable-curve ${name}`, d: "M1 6H27" });
    const shown = svg("svg", { viewBox: "0 0 28 12", class: "explorable-sample", "aria-hidden": "true" }, shape);
    return html("span", {}, shown, " ", ...words);
  }

  panel.append(
    html("div", { class: "explorable-row explorable-halves" }, weight.node, size.node),
    activation.node,
    status,
    html("div", { class: "explorable-legend" },
      sample("explorable-gradients", "gradient"), sample("explorable-powers", powerSign()),
      sample("explorable-band", "1% to 100 times"), html("span", {}, "▲▼ leaves the scale")),
    html("div", { class: "explorable-beside" },
      picture,
      html("table", { class: "explorable-table" },
        html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "lag ", symbol("k")),
          html("th", { scope: "col" }, "gradient"), html("th", { scope: "col" }, powerSign()))),
        rows)),
  );
  draw();
});

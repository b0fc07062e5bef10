/* The character network itself, without anything to see: loaded, run, and its states kept for every prefix of a text. */
explorables.loadCharacterNetwork = (() => {
  "use strict";

  const SCRIPTS = ["ort.wasm.min.js", "runtime.js", "weights.js"];
  const NAMES = ["y", "h", "c", "f", "i", "o", "g"];

  async function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }

  /** Load everything, by `script`, and return the network. A runtime that failed stays so: each try begins with a new one. */
  async function load(script) {
    await Promise.all(SCRIPTS.map(script));
    const { characterRuntime: runtime, characterWeights: model } = explorables;
    delete explorables.characterRuntime;
    delete explorables.characterWeights;
    const address = URL.createObjectURL(new Blob([await unpacked(runtime.module)], { type: "text/javascript" }));
    const { env, InferenceSession } = window.ort;
    env.wasm.numThreads = 1;
    env.wasm.wasmPaths = { mjs: address };
    env.wasm.wasmBinary = await unpacked(runtime.wasm);
    const session = await InferenceSession.create(new Uint8Array(await unpacked(model.onnx)), { executionProviders: ["wasm"] });
    URL.revokeObjectURL(address);
    const network = new Network(session, model);
    network.steps.push(await network.step("\n", new Float32Array(model.units), new Float32Array(model.units)));
    return network;
  }

  class Network {
    constructor(session, { alphabet, units, plain, found }) {
      Object.assign(this, { session, alphabet, units, plain, found, text: "", steps: [], work: Promise.resolve() });
    }

    /** The text as the network reads it, and the characters that it does not know. */
    understand(text) {
      for (const [sign, plain] of Object.entries(this.plain)) text = text.replaceAll(sign, plain);
      const known = (piece) => [...piece].every((c) => this.alphabet.includes(c)) && piece;
      const unknown = new Set();
      const read = Array.from(text, (c) => {
        const piece = this.alphabet.includes(c) ? c : c.normalize("NFKD").replace(/\p{M}/gu, "");
        if (!known(piece)) unknown.add(c);
        return known(piece) || "";
      });
      return { read: read.join(""), unknown: [...unknown] };
    }

    /** Read a text, from where it differs from the one before. It gives way when a newer one has come. */
    read(text) {
      this.wanted = text;
      return (this.work = this.work.then(async () => {
        if (text !== this.wanted) return;
        let same = 0;
        while (same < text.length && text[same] === this.text[same]) same++;
        this.text = text.slice(0, same);
        this.steps.length = same + 1;
        while (this.text !== text && text === this.wanted) {
          const { h, c } = this.steps.at(-1);
          this.steps.push(await this.step(text[this.text.length], h, c));
          this.text += text[this.text.length];
        }
      }));
    }

    /** How many bits per character the text has cost: the mean of -log2 of the odds that each character had. */
    bits() {
      const numbers = Array.from(this.text, (c) => this.alphabet.indexOf(c));
      return numbers.reduce((sum, number, at) => sum - Math.log2(this.steps[at].y[number]), 0) / numbers.length;
    }

    /** One step: the probabilities y of what comes next, the states h and c, the gates and the candidate. */
    async step(character, h, c) {
      const { Tensor } = window.ort;
      const state = (values) => new Tensor("float32", values, [1, this.units]);
      const x = new Tensor("int32", Int32Array.of(this.alphabet.indexOf(character)), [1]);
      const outputs = await this.session.run({ x, h_before: state(h), c_before: state(c) });
      return Object.fromEntries(NAMES.map((name) => [name, Float32Array.from(outputs[name].data)]));
    }

    /** The next character, drawn by its share y^(1 / temperature). Seed and place decide: a pause changes nothing. */
    draw(temperature, seed) {
      const { y } = this.steps.at(-1);
      const most = Math.max(...y);
      const shares = Array.from(y, (p) => (p / most) ** (1 / temperature));
      let left = uniform(seed, this.text.length) * shares.reduce((a, b) => a + b);
      return this.alphabet[Math.max(0, shares.findIndex((share) => (left -= share) < 0))];
    }
  }

  /** A number from [0, 1) that follows from both numbers alone. */
  function uniform(seed, position) {
    let a = (Math.imul(seed, 0x9e3779b1) + Math.imul(position, 0x85ebca77) + 1) | 0;
    for (const [shift, factor] of [[16, 0x85ebca6b], [13, 0xc2b2ae35], [16, 1]]) a = Math.imul(a ^ (a >>> shift), factor);
    return (a >>> 0) / 2 ** 32;
  }

  return load;
})();

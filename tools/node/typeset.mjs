// Typeset formulas: a JSON list of {tex, display} on standard input, a JSON list of HTML on standard output.
import { text } from "node:stream/consumers";
import katex from "katex";

const formulas = JSON.parse(await text(process.stdin));
const typeset = formulas.map(({ tex, display }) => katex.renderToString(tex, { displayMode: display, strict: "error" }));
process.stdout.write(JSON.stringify(typeset));

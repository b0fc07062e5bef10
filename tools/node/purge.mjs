// Print, as one minified sheet, those rules of the given style sheets that a page of the site can use.
//
//     node purge.mjs SITE SHEET...
//
// SITE is the folder of the built site; each SHEET is a path in it. Addresses in a sheet are made relative to
// SITE/_static, where the new sheet will lie.
import { readFileSync } from "node:fs";
import path from "node:path";
import { PurgeCSS } from "purgecss";
import { transform } from "lightningcss";

const [site, ...sheets] = process.argv.slice(2);
const to = path.join(site, "_static");

function sheet(name) {
  const from = path.dirname(path.join(site, name));
  return readFileSync(path.join(site, name), "utf8")
    .replace(/@charset[^;]*;|@import[^;]*;|\/\*# sourceMappingURL=[^*]*\*\//g, "")
    .replace(/url\((["']?)(?!data:|#)([^"')]+)\1\)/g, (_, q, at) => `url("${path.relative(to, path.resolve(from, at))}")`);
}

const [{ css }] = await new PurgeCSS().purge({
  content: [`${site}/*.html`, `${site}/_static/**/*.js`],
  css: [{ raw: sheets.map(sheet).join("\n") }],
  // what scripts put on elements, or the browser itself
  safelist: { standard: [/^(dialog|modal|tooltip|show|collaps|bs-)/, /^highlighted$/], greedy: [/data-theme/, /data-mode/] },
  variables: false,
  fontFace: false,
});
const { code } = transform({ filename: "site.css", code: Buffer.from(css), minify: true });
process.stdout.write(code);

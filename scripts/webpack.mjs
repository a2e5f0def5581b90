// Bundles a folder with webpack in a process of its own, because it holds the thread for long: entries in JSON, then the output folder.
// Exits with 1 where webpack errs, or warns of anything but sizes.

import path from "node:path";
import webpack from "webpack";

const [, , entry, output] = process.argv;
const options = {
  context: path.resolve(),
  mode: "production",
  entry: JSON.parse(entry),
  output: { path: path.resolve(output) },
};
webpack(options, (error, stats) => {
  const { errors = [], warnings = [] } = stats?.toJson({ all: false, errors: true, warnings: true }) ?? {};
  const messages = [...(error ? [error] : []), ...errors, ...warnings]
    .map(({ message }) => message)
    .filter((message) => !/size limit|code splitting/.test(message));
  for (const message of messages) console.error(message);
  process.exitCode = messages.length === 0 ? 0 : 1;
});

/** Terms of the query language, as the page writes them. */

/** Return `field:"value"`, with quotes and escapes only where the language needs them. */
export function term(field: string, value: string): string {
  return `${field}:${/^[^\s:=<>",\\-][^\s:=<>",\\]*$/.test(value) ? value : quoted(value)}`;
}

/** Return the query for images of a key in the order of their steps, those of which more terms are true. */
export function keyQuery(run: string, key: string, ...terms: string[]): string {
  return [term("run", run), term("key", key), ...terms, "sort:step"].join(" ");
}

/** Return the query for one image of each step: what a filmstrip is made of. */
export function sampleQuery(run: string, key: string, index: number): string {
  return keyQuery(run, key, `index:${index}`);
}

function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

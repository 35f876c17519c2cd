/** Terms of the query language, as the page writes them. */

/** Return `field:"value"`, with quotes and escapes only where the language needs them. */
export function term(field: string, value: string): string {
  return `${field}:${/^[^\s:=<>",\\-][^\s:=<>",\\]*$/.test(value) ? value : quoted(value)}`;
}

/** Return the query for one image of each step: what a filmstrip is made of. */
export function sampleQuery(run: string, key: string, index: number): string {
  return [term("run", run), term("key", key), `index:${index}`, "sort:step"].join(" ");
}

function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** What the server answers: made from its own description by `make gen`. */

export type * from "./types.gen";

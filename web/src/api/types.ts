/** What the server answers: the types that `make gen` makes of Python's, and the viewer's names for them. */

export * from "./types.gen";
export type { KeyChange as ChangeEvent, KeyRow as KeySummary, Suggestion as Completion } from "./types.gen";

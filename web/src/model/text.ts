/** Texts from users, as they are drawn on a canvas. */

// Control characters, and those that turn the direction of what stands around them.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The text on one line, with what cannot be seen as a middle dot. */
export function safeText(text: string): string {
  return text.replace(UNSAFE, "·");
}

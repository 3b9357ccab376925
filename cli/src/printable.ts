/** Control characters but the line feed, other separators of lines, and what turns the direction of text. */
const HARMFUL = String.raw`[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]`
/** Colours and weights, which the command line itself prints. */
const COLOUR = String.raw`\u001b\[[0-9;]*m`
const HARMFUL_OR_COLOUR = new RegExp(`${COLOUR}|${HARMFUL}`, 'g')
const HARMFUL_OR_LINE = new RegExp(`${HARMFUL}|\n`, 'g')

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/**
 * One line of text of others for a terminal: whatever could move the cursor, colour, clear, or pretend to be another line comes
 * as an escape sequence of JSON (reliability specification §2, T20).
 */
export const printable = (text: string): string => text.replaceAll(HARMFUL_OR_LINE, escaped)

/** The same for lines of our own, with what others wrote in them: lines and colours stay. */
export const printableLines = (text: string): string =>
  text.replaceAll(HARMFUL_OR_COLOUR, (found) => (found.length > 1 ? found : escaped(found)))

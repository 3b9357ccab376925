/** Path of a Chromium; null where there is none yet. */
export function findChromium(): string | null

/** Path of a Chromium; null where there is none yet. */
export function findChromium(): string | null
/** How packages are installed without asking anybody; null: they are not. */
export function installerFor(where: {
  readonly uid: number | undefined
  readonly ci: string | undefined
}): readonly string[] | null

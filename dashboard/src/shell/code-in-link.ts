/**
 * The one-time code in the link that opened this page, `…/#code=…`. A fragment is never sent to anyone; it is taken out of the
 * address at once, so that it stays in no history and is in no picture of the screen.
 */
export function takeCodeFromLink(): LinkCode | null {
  const { hash, pathname, search } = location
  const said = new URLSearchParams(hash.slice(1))
  const code = said.get('code')
  if (code !== null) history.replaceState(history.state, '', `${pathname}${search}`)
  return code === null || code === '' ? null : { code, isEntry: said.has('enter') }
}

export interface LinkCode {
  readonly code: string
  /** Of a demo: whoever opens the link is in, this once, without a word about passwords. */
  readonly isEntry: boolean
}

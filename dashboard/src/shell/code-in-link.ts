/**
 * The one-time code in the link that opened this page, `…/#code=…`. A fragment is never sent to anyone; it is taken out of the
 * address at once, so that it stays in no history and is in no picture of the screen.
 */
export function takeCodeFromLink(): string | null {
  const { hash, pathname, search } = location
  const code = new URLSearchParams(hash.slice(1)).get('code')
  if (code !== null) history.replaceState(history.state, '', `${pathname}${search}`)
  return code === '' ? null : code
}

/**
 * What a browser opens to sign in with a one-time code. The code is in the fragment, which is sent to nobody and which the page
 * takes out of its address at once.
 */
export const signInLink = (url: string, code: string): string =>
  `${url}/#code=${encodeURIComponent(code)}`

/** The same without a word about passwords: whoever opens it is in. */
export const entryLink = (url: string, code: string): string => `${signInLink(url, code)}&enter`

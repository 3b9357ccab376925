import { useSyncExternalStore } from 'react'

/** auto: as the device has it. */
export const THEMES = ['auto', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]
const KEY = 'tributary-theme'

const isTheme = (text: string | null): text is Theme => THEMES.includes(text as Theme)
/** Where a browser keeps nothing for pages, the choice lasts as long as the page. */
function kept(): Theme {
  try {
    const text = localStorage.getItem(KEY)
    return isTheme(text) ? text : 'auto'
  } catch {
    return 'auto'
  }
}
let theme: Theme = 'auto'
const listeners = new Set<() => void>()
const tell = (): void => {
  for (const listener of listeners) listener()
}
const show = (): void => {
  if (theme === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}

/** Before anything is drawn. Charts follow when the device turns dark. */
export function startTheme(): void {
  theme = kept()
  show()
  globalThis.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tell)
}
export function chooseTheme(next: Theme): void {
  theme = next
  show()
  tell()
  try {
    localStorage.setItem(KEY, next)
  } catch {
    // Private windows of some browsers refuse.
  }
}
const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
export const useTheme = (): Theme => useSyncExternalStore(subscribe, () => theme)
const isDark = (): boolean =>
  theme === 'dark' ||
  (theme === 'auto' && globalThis.matchMedia('(prefers-color-scheme: dark)').matches)
/** What is shown: for what is drawn on a canvas, which styles do not reach. */
export const useIsDark = (): boolean => useSyncExternalStore(subscribe, isDark)

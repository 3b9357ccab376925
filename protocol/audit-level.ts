/** How much an audit could show (gifd specification §14.3), from nothing to everything. There is no level that says "safe". */
export const AUDIT_LEVELS = ['not-demonstrated', 'elevated', 'high', 'certain'] as const
export type AuditLevel = (typeof AUDIT_LEVELS)[number]

const rank = (level: AuditLevel): number => AUDIT_LEVELS.indexOf(level)

export const isAbove = (level: AuditLevel, most: AuditLevel): boolean => rank(level) > rank(most)

/** In words: `not demonstrated`. */
export const levelText = (level: AuditLevel): string => level.replaceAll('-', ' ')

/** The highest of them; nothing was shown where there are none. */
export const highestLevel = (levels: readonly AuditLevel[]): AuditLevel =>
  levels.reduce((highest, level) => (isAbove(level, highest) ? level : highest), AUDIT_LEVELS[0])

/** Parts of a run's page, as addresses name them. */
export const TAB_IDS = [
  'overview',
  'timeline',
  'clients',
  'method',
  'data',
  'privacy',
  'config',
  'events',
] as const
export type TabId = (typeof TAB_IDS)[number]

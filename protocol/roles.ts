/** What a person may do at a coordinator, from least to most: each role may do what the ones before it may. */
export const ROLES = ['viewer', 'researcher', 'administrator'] as const
export type Role = (typeof ROLES)[number]

/** Whether `role` includes `needed`. */
export const includesRole = (role: Role, needed: Role): boolean =>
  ROLES.indexOf(role) >= ROLES.indexOf(needed)

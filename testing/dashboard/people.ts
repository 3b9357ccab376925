import type { Role } from '#protocol/roles.js'

export interface Person {
  readonly name: string
  readonly role: Role
  readonly password: string
}
const password = 'many small streams'
/** One of each role. */
export const ADMINISTRATOR: Person = { name: 'administrator', role: 'administrator', password }
export const RESEARCHER: Person = { name: 'maria', role: 'researcher', password }
export const VIEWER: Person = { name: 'viktor', role: 'viewer', password }
export const PEOPLE: readonly Person[] = [ADMINISTRATOR, RESEARCHER, VIEWER]

import { ListTree, type LucideIcon } from 'lucide-react'
import type { Role } from '#protocol/roles.js'

export interface Place {
  readonly to: '/runs'
  readonly label: string
  readonly icon: LucideIcon
  /** From which role on it is shown. */
  readonly role: Role
}

/** What the rail and the bar below lead to, in their order. */
export const PLACES: readonly Place[] = [
  { to: '/runs', label: 'Runs', icon: ListTree, role: 'viewer' },
]

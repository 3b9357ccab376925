import { Activity, ListTree, Network, ShieldCheck, Users, type LucideIcon } from 'lucide-react'
import type { Role } from '#protocol/roles.js'

export interface Place {
  readonly to: '/runs' | '/nodes' | '/audits' | '/users' | '/operations'
  readonly label: string
  readonly icon: LucideIcon
  /** From which role on it is shown. */
  readonly role: Role
}

/** What the rail and the bar below lead to, in their order. */
export const PLACES: readonly Place[] = [
  { to: '/runs', label: 'Runs', icon: ListTree, role: 'viewer' },
  { to: '/nodes', label: 'Nodes', icon: Network, role: 'viewer' },
  { to: '/audits', label: 'Audits', icon: ShieldCheck, role: 'viewer' },
  { to: '/users', label: 'Users', icon: Users, role: 'administrator' },
  { to: '/operations', label: 'Operations', icon: Activity, role: 'administrator' },
]
